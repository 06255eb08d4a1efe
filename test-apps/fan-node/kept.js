// Answers /ID once it has asked itself for /near/ID, with the names of the headers that came; /late/ID at once, and
// asks for /near/late/ID a while after that; /now/ID asks for /near/now/ID in its own turn, the others a while after that; /queue/ID once /near/queue/ID was asked for with the headers that came,
// two at a time, by whoever came last.
const http = require('http');

const port = Number(process.argv[2]);
const agent = new http.Agent({ keepAlive: true });
const pause = () => new Promise((resolve) => setTimeout(resolve, 10 * Math.random()));
const ask = (path, headers = {}) => new Promise((resolve) => http.get({ port, agent, path: `/near${path}`, headers }, (near) => {
	near.resume();
	near.on('end', resolve);
}));
let queue = [];

function askTogether(turn) {
	queue.push(turn);
	if (queue.length < 2)
		return;
	for (const { path, headers, done } of queue)
		ask(path, headers).then(done);
	queue = [];
}

http.createServer(async (request, response) => {
	const names = request.rawHeaders.filter((_, i) => i % 2 === 0).join(' ') + '\n';

	if (request.url.startsWith('/near/'))
		return response.end('near\n');
	if (request.url.startsWith('/late/'))
		response.end(names);
	if (!request.url.startsWith('/now/'))
		await pause();
	if (request.url.startsWith('/queue/'))
		askTogether({ path: request.url, headers: { ...request.headers }, done: () => response.end(names) });
	else
		ask(request.url).then(() => response.end(names));
}).listen(port, '127.0.0.1');
