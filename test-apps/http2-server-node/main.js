// Node's http2 server, in cleartext or with the key and the certificate in the file CERTIFICATE: /hello, /status/NNN,
// /seen (the traceparent it was sent), and /call asks the backend, over one session of its own.
const fs = require('fs');
const http2 = require('http2');

const backend = process.env.BACKEND || '';
let session;

function call(path, done) {
	if (!session || session.closed)
		session = http2.connect(backend);
	const stream = session.request({ ':path': path });
	let text = '';
	stream.on('data', (part) => { text += part; });
	stream.on('end', () => done(text));
}

const both = process.env.CERTIFICATE && fs.readFileSync(process.env.CERTIFICATE);
const server = both ? http2.createSecureServer({ key: both, cert: both }) : http2.createServer();
server.on('stream', (stream, headers) => {
	const path = headers[':path'];
	if (path.startsWith('/status/')) {
		stream.respond({ ':status': Number(path.slice(8)) }, { endStream: true });
	} else if (path.startsWith('/seen')) {
		stream.respond({ ':status': 200 });
		stream.end((headers.traceparent || 'none') + '\n');
	} else if (path.startsWith('/call')) {
		call('/hello' + path.slice(5), (text) => {
			stream.respond({ ':status': 200 });
			stream.end(text);
		});
	} else if (path.startsWith('/hello')) {
		stream.respond({ ':status': 200, 'content-type': 'text/plain' });
		stream.end('hello\n');
	} else {
		stream.respond({ ':status': 404 }, { endStream: true });
	}
});
server.listen(Number(process.argv[2]), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
