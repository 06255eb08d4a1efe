// Node's http server; /call uses http.get over its keep-alive agent, /fetch uses fetch, and /forward
// passes the request on with its headers, as proxies do. With CERTIFICATE (a PEM file that holds its key
// too) it serves https. A backend may be either.
const fs = require('fs');
const http = require('http');
const https = require('https');

const backend = process.env.BACKEND || '';
const client = backend.startsWith('https') ? https : http;
const agent = new client.Agent({ keepAlive: true });

function call(path, done) {
	client.get(backend + path, { agent }, (answer) => {
		let text = '';
		answer.on('data', (part) => { text += part; });
		answer.on('end', () => done(text));
	}).on('error', (error) => done(String(error)));
}

const pem = process.env.CERTIFICATE && fs.readFileSync(process.env.CERTIFICATE);
const create = pem ? (handle) => https.createServer({ cert: pem, key: pem }, handle) : http.createServer;
const server = create((request, response) => {
	const url = request.url;
	const rest = url.replace(/^\/[a-z]*/, '');
	if (url.startsWith('/status/')) {
		response.writeHead(Number(url.slice(8)), { 'Content-Length': 0 });
		response.end();
	} else if (url.startsWith('/echo')) {
		const parts = [];
		request.on('data', (part) => parts.push(part));
		request.on('end', () => {
			const body = Buffer.concat(parts);
			response.writeHead(200, { 'Content-Length': body.length });
			response.end(body);
		});
	} else if (url.startsWith('/chunked')) {
		response.write('hello');
		response.end(' world');
	} else if (url.startsWith('/call')) {
		call('/hello' + rest, (text) => response.end(text));
	} else if (url.startsWith('/fetch')) {
		fetch(backend + '/hello' + rest).then((answer) => answer.text()).then((text) => response.end(text));
	} else if (url.startsWith('/forward')) {
		const headers = { ...request.headers };
		delete headers.host;
		client.get(backend + '/hello' + rest, { agent, headers }, (answer) => answer.pipe(response));
	} else if (url.startsWith('/hello')) {
		response.writeHead(200, { 'Content-Length': 6 });
		response.end('hello\n');
	} else {
		response.writeHead(404, { 'Content-Length': 0 });
		response.end();
	}
});

server.listen(Number(process.argv[2]), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
