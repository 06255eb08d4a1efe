/*
 * main.js binary|text client ADDRESS: calls test.Echo over gRPC-Web, with @improbable-eng/grpc-web in binary and with
 * grpc-web, as it is made for browsers, in base64; see tests/grpc/run.py for what each line is.
 */
"use strict";
const statuses = ["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"];

/*
 * A way to call is a function of (address, method, does it stream, message, over): it calls over(status, messages)
 * at the end, and returns what cancels the call.
 */
function binary() {
	const { grpc } = require("@improbable-eng/grpc-web");
	const { NodeHttpTransport } = require("@improbable-eng/grpc-web-node-http-transport");

	class Bytes {
		constructor(bytes) { this.bytes = bytes; }
		serializeBinary() { return this.bytes; }
		static deserializeBinary(bytes) { return bytes; }
	}
	return (address, methodName, responseStream, message, over) => {
		const messages = [];
		const call = grpc.invoke({
			methodName, service: { serviceName: "test.Echo" }, requestStream: false, responseStream,
			requestType: Bytes, responseType: Bytes,
		}, {
			host: `http://${address}`, transport: NodeHttpTransport(), request: new Bytes(Buffer.from(message)),
			onMessage: (bytes) => messages.push(Buffer.from(bytes)), onEnd: (code) => over(code, messages),
		});

		return () => { call.close(); over(1, messages); };
	};
}

function text() {
	global.XMLHttpRequest = require("xhr2");
	const web = require("grpc-web");
	const client = new web.GrpcWebClientBase({ format: "text" });

	return (address, method, streams, message, over) => {
		const messages = [], path = `/test.Echo/${method}`;
		const descriptor = new web.MethodDescriptor(path, streams ? "server_streaming" : "unary", Object, Object,
			(bytes) => new Uint8Array(bytes), (bytes) => Buffer.from(bytes));
		const call = client.serverStreaming(`http://${address}${path}`, Buffer.from(message), {}, descriptor);

		call.on("data", (bytes) => messages.push(bytes));
		call.on("status", (status) => over(status.code, messages));
		call.on("error", (error) => over(error.code, messages));
		return () => { call.cancel(); over(1, messages); };
	};
}

const invoke = process.argv[2] === "text" ? text() : binary();
const address = process.argv[4];

function call(method, message, streams, started = () => {}) {
	return new Promise((resolve) => {
		started(invoke(address, method, streams, message, (code, messages) => {
			if (code !== 0)
				resolve(statuses[code] || `${code}`);
			else if (streams)
				resolve(`${messages.length} ${messages.reduce((sum, m) => sum + m.length, 0)}`);
			else
				resolve(messages[0].toString());
		}));
	});
}

async function cancel() {
	let stop;
	const over = call("Slow", "x", false, (how) => { stop = how; });

	await new Promise((resolve) => setTimeout(resolve, 300)); /* the server has it by then */
	await call("Say", "hello", false);
	stop();
	return over;
}

async function ask() {
	console.log("say", await call("Say", "hello", false));
	console.log("seen", await call("Seen", "x", false));
	console.log("fail", await call("Fail", "x", false));
	console.log("none", await call("None", "x", false));
	console.log("count", await call("Count", "100", true));
	console.log("cancel", await cancel());
	console.log("many", ...(await Promise.all(Array.from({ length: 50 }, () => call("Seen", "x", false)))));
	process.exit(0);
}

ask();
