// main.js server PORT: HTTP/2 in cleartext. It waits until twenty requests are under way; then it says that it goes away, and
// that of them it serves only the first ten, which it does.
// main.js client PORT: has twenty requests under way at once; prints how many were served and how many were not.
const http2 = require('http2');
const [role, port] = process.argv.slice(2);
const ALL = 20, SERVED = 10;

function serve() {
	const server = http2.createServer();
	server.on('session', (session) => {
		const streams = [];
		session.on('stream', (stream) => {
			stream.on('error', () => {});
			streams.push(stream);
			if (streams.length < ALL)
				return;
			session.goaway(http2.constants.NGHTTP2_NO_ERROR, streams[SERVED - 1].id);
			for (const each of streams.slice(0, SERVED)) {
				each.respond({ ':status': 200 });
				each.end('hello\n');
			}
		});
	});
	server.listen(Number(port), '127.0.0.1');
}

function ask() {
	const session = http2.connect(`http://127.0.0.1:${port}`);
	let served = 0, not = 0;
	session.on('error', () => {});
	for (let i = 0; i < ALL; i++) {
		const stream = session.request({ ':path': '/hello' });
		let status;
		stream.on('response', (head) => { status = head[':status']; });
		stream.on('error', () => {});
		stream.on('close', () => {
			if (status === 200)
				served++;
			else
				not++;
			if (served + not === ALL)
				process.stdout.write(`${served} ${not}\n`, () => process.exit(0)); // the session would stay open
		});
		stream.resume();
	}
}

if (role === 'server')
	serve();
else
	ask();
