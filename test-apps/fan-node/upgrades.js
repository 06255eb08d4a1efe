// Answers an upgrade, or a tunnel to HOST, once it has asked itself for /near/ID, where ID is the end of the path or
// the name of the host.
const http = require('http');

const port = Number(process.argv[2]);
const agent = new http.Agent({ keepAlive: true });

function take(id, socket, answer) {
	setTimeout(() => http.get({ port, agent, path: `/near/${id}` }, (near) => {
		near.resume();
		near.on('end', () => socket.end(`HTTP/1.1 ${answer}\r\n\r\n`));
	}), 10 * Math.random());
}

http.createServer((request, response) => response.end('near\n'))
	.on('upgrade', (request, socket) => take(request.url.split('/')[2], socket, '101 Switching Protocols'))
	.on('connect', (request, socket) => take(request.url.split(':')[0], socket, '200 OK'))
	.listen(port, '127.0.0.1');
