/*
 * main.js server PORT | client ADDRESS | web HTTP-VERSION client ADDRESS: test.Echo with connect-node, whose messages are
 * google.protobuf.BytesValue; see tests/grpc/run.py for what each method and each line of the client is, and for
 * GRPC_PEER_TLS. The server speaks gRPC-Web over HTTP/2, too. Go compresses even the trailers of gRPC-Web, for whoever takes
 * that: it does not here, as the status in them is not seen then.
 */
"use strict";
const fs = require("fs");
const http2 = require("http2");
const { create, createFileRegistry } = require("@bufbuild/protobuf");
const { FileDescriptorProtoSchema, BytesValueSchema, file_google_protobuf_wrappers: wrappers } =
	require("@bufbuild/protobuf/wkt");
const { Code, ConnectError, createClient } = require("@connectrpc/connect");
const { connectNodeAdapter, createGrpcTransport, createGrpcWebTransport } = require("@connectrpc/connect-node");

/* The folder of key and certificates; in clear without one. */
const tls = process.env.GRPC_PEER_TLS;
const pem = (name) => fs.readFileSync(`${tls}/${name}`);

/* ---- the service, as its generated code would have it ---- */

const method = (name, clientStreaming, serverStreaming) => ({
	name, clientStreaming, serverStreaming,
	inputType: ".google.protobuf.BytesValue", outputType: ".google.protobuf.BytesValue",
});
const file = create(FileDescriptorProtoSchema, {
	name: "echo.proto", package: "test", syntax: "proto3", dependency: ["google/protobuf/wrappers.proto"],
	service: [{ name: "Echo", method: [
		...["Say", "Seen", "Fail", "Slow", "None"].map((name) => method(name, false, false)),
		method("Sum", true, false), method("Count", false, true), method("Chat", true, true),
	] }],
});
const Echo = createFileRegistry(file, (name) => (name === wrappers.proto.name ? wrappers : undefined))
	.getService("test.Echo");

const message = (value) => create(BytesValueSchema, { value: typeof value === "string" ? Buffer.from(value) : value });
const text = (m) => Buffer.from(m.value).toString();

/* ---- server ---- */

const handlers = {
	say: (m) => m,
	seen: (m, context) => message(context.requestHeader.get("traceparent") || "none"),
	fail() {
		throw new ConnectError("nothing here", Code.NotFound);
	},
	slow: (m, context) => new Promise((resolve, reject) => {
		const timer = setTimeout(() => resolve(m), 5000);

		context.signal.addEventListener("abort", () => {
			clearTimeout(timer);
			reject(context.signal.reason);
		});
	}),
	async sum(messages) {
		let bytes = 0;

		for await (const m of messages)
			bytes += m.value.length;
		return message(`${bytes}`);
	},
	async *count(m) {
		for (let i = Number(text(m)); i > 0; i--)
			yield message(Buffer.alloc(100));
	},
	async *chat(messages) {
		for await (const m of messages) {
			yield m;
			yield m;
		}
	},
};

function serve(port) {
	const handle = connectNodeAdapter({ routes: (router) => router.service(Echo, handlers) });
	const server = tls ? http2.createSecureServer({ key: pem("key.pem"), cert: pem("cert.pem") }, handle)
		: http2.createServer(handle);

	server.listen(Number(port), "127.0.0.1");
	process.on("SIGTERM", () => process.exit(0));
}

/* ---- client ---- */

/* As the other clients spell it. */
const nameOf = (error) => Code[error.code].replace("Canceled", "Cancelled").replace(/\B[A-Z]/g, "_$&").toUpperCase();

const unary = (client, name, options) => client[name](message("hello"), options)
	.then(text, (error) => nameOf(ConnectError.from(error)));

function* messages(bytes) {
	for (let i = 0; i < 50; i++)
		yield message(Buffer.alloc(bytes));
}

async function* later(all) {
	yield* all;
}

/* "MESSAGES BYTES" of a stream of answers. */
async function total(answers) {
	let count = 0, bytes = 0;

	for await (const m of answers) {
		count++;
		bytes += m.value.length;
	}
	return `${count} ${bytes}`;
}

async function cancel(client) {
	const controller = new AbortController();
	const over = unary(client, "slow", { signal: controller.signal });

	await new Promise((resolve) => setTimeout(resolve, 200));
	await unary(client, "say"); /* the server reads in order */
	controller.abort();
	const name = await over;
	await new Promise((resolve) => setTimeout(resolve, 200)); /* until the connection has said so */
	return name;
}

async function ask(transport, streams) {
	const client = createClient(Echo, transport);

	console.log("say", await unary(client, "say"));
	console.log("seen", await unary(client, "seen"));
	console.log("fail", await unary(client, "fail"));
	console.log("none", await unary(client, "none"));
	if (streams)
		console.log("sum", text(await client.sum(later(messages(3000)))));
	console.log("count", await total(client.count(message("100"))));
	if (streams) {
		console.log("chat", await total(client.chat(later(messages(1000)))));
		console.log("slow", await unary(client, "slow", { timeoutMs: 500 }));
	}
	console.log("cancel", await cancel(client));
	console.log("many", ...(await Promise.all(Array.from({ length: 50 }, () => unary(client, "seen")))));
	process.exit(0); /* it keeps its connection for a quarter of an hour */
}

const [, , role, first, , second] = process.argv;
const options = (address, httpVersion) => ({
	baseUrl: `${tls ? "https" : "http"}://${address}`, httpVersion, acceptCompression: [], nodeOptions: tls ? { ca: pem("ca.pem") } : {},
});

if (role === "server")
	serve(first);
else if (role === "web")
	ask(createGrpcWebTransport(options(second, first)), false);
else
	ask(createGrpcTransport(options(first, "2")), true);
