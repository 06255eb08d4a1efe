// A server whose requests are handed to a worker thread, with the headers that they came with: it makes one to three calls
// for each, which get those that tell of a trace.
const http = require('http');
const { Worker, isMainThread, parentPort } = require('worker_threads');
const { setTimeout: sleep } = require('timers/promises');

const TRACE = ['traceparent', 'tracestate'];

function serve(port) {
	const worker = new Worker(__filename), waiting = new Map();

	worker.on('error', (error) => { throw error; });
	worker.on('message', (number) => {
		waiting.get(number).end('near\n');
		waiting.delete(number);
	});
	http.createServer((request, response) => {
		const number = request.url.split('/')[2];

		waiting.set(number, response);
		worker.postMessage({ number, headers: request.headers });
	}).listen(port, '127.0.0.1', 1024);
}

function work() {
	const agent = new http.Agent({ keepAlive: true });
	const get = (path, headers) => new Promise((resolve, reject) => {
		http.get(process.env.FAR + path, { agent, headers }, (answer) => {
			answer.resume();
			answer.on('end', resolve);
		}).on('error', reject);
	});

	parentPort.on('message', async ({ number, headers }) => {
		const trace = Object.fromEntries(TRACE.filter((name) => headers[name]).map((name) => [name, headers[name]]));

		for (let turn = 0, turns = 1 + Math.floor(Math.random() * 3); turn < turns; turn++) {
			await sleep(Math.random() * 5);
			await get(`/call/${number}/${turn}`, trace);
		}
		parentPort.postMessage(number);
	});
}

if (isMainThread)
	serve(Number(process.argv[2]));
else
	work();
