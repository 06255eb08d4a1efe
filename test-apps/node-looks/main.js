// Serves two requests of its own, each with a call, and prints what it can see of Node and of them. What
// differs from run to run (ports, times, ids) is left out.
const http = require('http');
const http2 = require('http2');
const { executionAsyncResource } = require('async_hooks');
const { once } = require('events');

const seen = [];
const see = (what, value) => seen.push(`${what}: ${JSON.stringify(value)}`);
const names = (object) => Reflect.ownKeys(object).map(String).sort();
const frames = (error) => error.stack.split('\n').slice(1).map((line) => line.trim().replace(__dirname, ''));

function lookAtMethods() {
	for (const [name, object] of Object.entries({ agent: http.Agent.prototype, socket: require('net').Socket.prototype,
		tls: require('tls').TLSSocket.prototype, child: require('child_process').ChildProcess.prototype }))
		see(name, [names(object), Object.keys(object), Object.values(Object.getOwnPropertyDescriptors(object))
			.filter((p) => typeof p.value === 'function').map((p) => [p.value.name, p.value.length])]);
}

async function call(port) {
	const request = http.get({ port, path: '/far', headers: { 'x-own': '1' } });
	const [answer] = await once(request, 'response');

	see('sent', [{ ...request.getHeaders(), host: 0 }, request.getHeaderNames(), request.getRawHeaderNames(), names(request)]);
	answer.resume();
	await once(answer, 'end');
}

async function call2(port) {
	const session = http2.connect(`http://localhost:${port}`);
	const stream = session.request({ ':path': '/far', 'x-own': '1', [http2.sensitiveHeaders]: ['x-own'] });
	const headers = { ...stream.sentHeaders };

	delete headers[':authority'];
	see('sent in a stream', [headers, names(headers)]);
	stream.resume();
	await once(stream, 'end');
	session.close();
}

async function main() {
	const far = http2.createServer((request, response) => response.end('far'));
	const near = http.createServer((request, response) => {
		if (request.url === '/far')
			return response.end('near');
		see('handler', frames(new Error('here')));
		see('resource', executionAsyncResource().constructor.name);
		see('received', names(request));
		const { port } = near.address();
		request.resume().on('end', () => call(port).then(() => call2(far.address().port)).then(() => response.end()));
	});

	await once(near.listen(0), 'listening');
	await once(far.listen(0), 'listening');
	for (let turn = 0; turn < 2; turn++) {
		const request = http.request({ port: near.address().port, method: 'POST', path: '/' });
		request.end('body');
		const [answer] = await once(request, 'response');
		answer.resume();
		await once(answer, 'end');
	}
	lookAtMethods();
	see('process', [process.execArgv, process.argv.length, process.env.NODE_OPTIONS, Object.keys(require.cache).length,
		names(globalThis), process.listenerCount('exit'), process._getActiveHandles().length > 0]);
	near.close();
	far.close();
	near.closeAllConnections();
	console.log(seen.join('\n'));
}

main();
