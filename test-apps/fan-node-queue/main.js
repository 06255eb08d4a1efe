// /fan/ID asks a store before each of its two calls to FAR. All requests share one connection to the store,
// which the first of them opens; answers come in order and go to callbacks, as drivers of databases do it.
const http = require('http');
const net = require('net');

const far = process.env.FAR;
const agent = new http.Agent({ keepAlive: true });
let connection;
const waiting = [];

function ask(question, done) {
	if (!connection) {
		connection = net.connect(store.address().port, '127.0.0.1');
		connection.setEncoding('utf8');
		connection.on('data', (text) => {
			for (const answer of text.split('\n').slice(0, -1))
				waiting.shift()(answer);
		});
	}
	waiting.push(done);
	connection.write(question + '\n');
}

function call(path, done) {
	http.get(far + path, { agent }, (answer) => {
		answer.resume();
		answer.on('end', done);
	});
}

function serve(id, response) {
	ask(id, (same) => call(`/call/${same}/0`, () => ask(id, (again) => call(`/call/${again}/1`, () => {
		setTimeout(() => response.end('near\n'), 20);
	}))));
}

const store = net.createServer((socket) => {
	socket.setEncoding('utf8');
	socket.on('data', (text) => setTimeout(() => socket.write(text), 1));
});

store.listen(0, '127.0.0.1', () => {
	http.createServer((request, response) => serve(request.url.split('/')[2], response))
		.listen(Number(process.argv[2]), '127.0.0.1', 1024);
});
