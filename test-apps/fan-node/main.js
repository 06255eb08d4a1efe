// A server that makes one to three calls for each request: /fan/ID with http.get, /few/ID with an agent of
// four sockets, /fetch/ID with fetch, /http2/ID on one HTTP/2 session, /body/ID in the events of the request's body,
// /events/ID from timers, emitters and streams, /sse/ID between the events of its answer. FAR may be https.
// WORKERS: so many processes of cluster, or threads where KIND is "threads".
const cluster = require('cluster');
const http = require('http');
const http2 = require('http2');
const https = require('https');
const { EventEmitter } = require('events');
const { pipeline, Readable, Transform } = require('stream');
const threads = require('worker_threads');
const { setTimeout: sleep } = require('timers/promises');

const far = process.env.FAR;
const client = far.startsWith('https') ? https : http;
const options = { keepAlive: true, rejectUnauthorized: false };
const many = new client.Agent(options);
const few = new client.Agent({ ...options, maxSockets: 4 });

function get(agent, path) {
	return new Promise((resolve, reject) => {
		client.get(far + path, { agent }, (answer) => {
			answer.resume();
			answer.on('end', resolve);
		}).on('error', reject);
	});
}

let session;

function getHttp2(path) {
	return new Promise((resolve, reject) => {
		session ??= http2.connect(far, { rejectUnauthorized: false });
		session.request({ ':path': path }).on('error', reject).on('end', resolve).resume();
	});
}

/* A timer, an emitter and a stream with a stage that takes its time, before the call. */
function getByEvents(path) {
	return new Promise((resolve, reject) => {
		const emitter = new EventEmitter();
		const slow = new Transform({
			objectMode: true,
			transform(value, encoding, done) { setTimeout(done, Math.random() * 2, null, value); },
		});

		emitter.once('go', () => pipeline(Readable.from([path]), slow, (error) => error && reject(error))
			.on('data', (value) => setImmediate(() => get(many, value).then(resolve, reject))));
		setTimeout(() => process.nextTick(() => emitter.emit('go')), Math.random() * 2);
	});
}

const ways = {
	fan: (path) => get(many, path),
	few: (path) => get(few, path),
	body: (path) => get(many, path),
	events: getByEvents,
	http2: getHttp2,
	sse: (path) => get(many, path),
	fetch: async (path) => (await fetch(far + path)).text(),
};

async function serve(way, id, response) {
	const call = (turn) => ways[way](`/call/${id}/${turn}`);
	const turns = 1 + Math.floor(Math.random() * 3);

	if (way === 'sse') {
		response.writeHead(200, { 'content-type': 'text/event-stream' });
		for (let turn = 0; turn < turns; turn++) {
			response.write(`data: ${turn}\n\n`);
			await call(turn);
		}
		return response.end();
	}
	await sleep(Math.random() * 5);
	await call(0);
	await Promise.all(Array.from({ length: turns - 1 }, (_, turn) => call(turn + 1)));
	response.end('near\n');
}

function main() {
	const server = http.createServer((request, response) => {
		const [, way, id] = request.url.split('/');
		const fail = (error) => response.destroy(error);

		if (way !== 'body')
			return serve(way, id, response).catch(fail);
		request.resume();
		request.on('end', () => serve(way, id, response).catch(fail));
	});
	server.listen(Number(process.argv[2]), '127.0.0.1', 1024);
}

const workers = threads.isMainThread && cluster.isPrimary ? Number(process.env.WORKERS || 0) : 0;

if (workers && process.env.KIND === 'threads') {
	const thread = new threads.Worker(__filename, { argv: process.argv.slice(2) });
	thread.on('error', (error) => { throw error; });
} else if (workers) {
	for (let i = 0; i < workers; i++)
		cluster.fork();
} else {
	main();
}
