/*
 * main.js server PORT | client ADDRESS: test.Echo with @grpc/grpc-js, without generated code; see
 * tests/grpc/run.py for what each method and each line of the client is, and for GRPC_PEER_TLS.
 */
"use strict";
const fs = require("fs");
const grpc = require("@grpc/grpc-js");

/* The folder of key and certificates; in clear without one. */
const tls = process.env.GRPC_PEER_TLS;
const pem = (name) => fs.readFileSync(`${tls}/${name}`);
const credentials = () => (tls ? grpc.credentials.createSsl(pem("ca.pem")) : grpc.credentials.createInsecure());
const serverCredentials = () => (tls
	? grpc.ServerCredentials.createSsl(null, [{ private_key: pem("key.pem"), cert_chain: pem("cert.pem") }])
	: grpc.ServerCredentials.createInsecure());

const same = (bytes) => bytes;
const method = (name, requestStream, responseStream) => ({
	path: `/test.Echo/${name}`, requestStream, responseStream,
	requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
});
const methods = {
	Say: method("Say", false, false),
	Seen: method("Seen", false, false),
	Fail: method("Fail", false, false),
	Slow: method("Slow", false, false),
	Through: method("Through", false, false),
	Sum: method("Sum", true, false),
	Count: method("Count", false, true),
	Chat: method("Chat", true, true),
};

/* ---- server ---- */

const clients = {};

/* What this handler was sent, and what that of another server was that it asks. */
function through(call, done) {
	const address = call.request.toString();

	clients[address] = clients[address] || new Echo(address, credentials());
	clients[address].Seen(Buffer.from("x"), (error, answer) =>
		done(error, error || Buffer.from(`${call.metadata.get("traceparent")[0] || "none"} ${answer}`)));
}

const handlers = {
	Through: through,
	Say: (call, done) => done(null, call.request),
	Seen: (call, done) => done(null, Buffer.from(call.metadata.get("traceparent")[0] || "none")),
	Fail: (call, done) => done({ code: grpc.status.NOT_FOUND, details: "nothing here" }),
	Slow: (call, done) => {
		const timer = setTimeout(() => done(null, call.request), 5000);
		call.on("cancelled", () => clearTimeout(timer));
	},
	Sum: (call, done) => {
		let bytes = 0;
		call.on("data", (message) => { bytes += message.length; });
		call.on("end", () => done(null, Buffer.from(`${bytes}`)));
	},
	Count: (call) => {
		for (let i = 0; i < Number(call.request); i++)
			call.write(Buffer.alloc(100));
		call.end();
	},
	Chat: (call) => {
		call.on("data", (message) => { call.write(message); call.write(message); });
		call.on("end", () => call.end());
	},
};

function serve(port) {
	const server = new grpc.Server();

	server.addService(methods, handlers);
	server.bindAsync(`127.0.0.1:${port}`, serverCredentials(), (error) => {
		if (error)
			throw error;
	});
	process.on("SIGTERM", () => server.tryShutdown(() => process.exit(0)));
}

/* ---- client ---- */

const Echo = grpc.makeGenericClientConstructor({ ...methods, None: method("None", false, false) }, "test.Echo");

function unary(client, name, options = {}) {
	return new Promise((resolve) => {
		client[name](Buffer.from("hello"), options, (error, answer) =>
			resolve(error ? grpc.status[error.code] : answer.toString()));
	});
}

/* "MESSAGES BYTES" of a stream of answers. */
function total(call) {
	return new Promise((resolve, reject) => {
		let messages = 0, bytes = 0;

		call.on("data", (message) => { messages++; bytes += message.length; });
		call.on("end", () => resolve(`${messages} ${bytes}`));
		call.on("error", reject);
	});
}

function sum(client) {
	return new Promise((resolve, reject) => {
		const call = client.Sum((error, answer) => (error ? reject(error) : resolve(answer.toString())));

		for (let i = 0; i < 50; i++)
			call.write(Buffer.alloc(3000));
		call.end();
	});
}

function chat(client) {
	const call = client.Chat();

	for (let i = 0; i < 50; i++)
		call.write(Buffer.alloc(1000));
	call.end();
	return total(call);
}

async function cancel(client) {
	let call;
	const over = new Promise((resolve) => {
		call = client.Slow(Buffer.from("x"), (error) => resolve(error ? grpc.status[error.code] : "OK"));
	});

	await unary(client, "Say"); /* the server reads in order */
	call.cancel();
	return over;
}

async function ask(address) {
	const client = new Echo(address, credentials());

	console.log("say", await unary(client, "Say"));
	console.log("seen", await unary(client, "Seen"));
	console.log("fail", await unary(client, "Fail"));
	console.log("none", await unary(client, "None"));
	console.log("sum", await sum(client));
	console.log("count", await total(client.Count(Buffer.from("100"))));
	console.log("chat", await chat(client));
	console.log("slow", await unary(client, "Slow", { deadline: Date.now() + 500 }));
	console.log("cancel", await cancel(client));
	console.log("many", ...(await Promise.all(Array.from({ length: 50 }, () => unary(client, "Seen")))));
	client.close();
}

if (process.argv[2] === "server")
	serve(process.argv[3]);
else
	ask(process.argv[3]);
