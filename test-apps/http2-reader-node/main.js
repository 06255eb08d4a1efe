// main.js FILE: sends it to a server of HTTP/2 as a client's connection, and prints each head that the server reads: "head",
// then its fields, in their order.
const fs = require('fs'), http2 = require('http2'), net = require('net');

const heads = [];
const server = http2.createServer({ settings: { headerTableSize: 65536 } });
server.on('sessionError', (error) => { throw error; });
server.on('stream', (stream, headers, flags, raw) => {
	heads.push('head\n');
	for (let i = 0; i < raw.length; i += 2)
		heads.push(`${raw[i]}: ${raw[i + 1]}\n`);
	stream.respond({ ':status': 204 }, { endStream: true });
});
server.listen(0, '127.0.0.1', () => {
	const socket = net.connect(server.address().port, '127.0.0.1');
	// In the file its settings are acknowledged: they must have come.
	socket.once('data', () => socket.end(fs.readFileSync(process.argv[2])));
	socket.on('data', () => {});
	socket.on('close', () => {
		process.stdout.write(heads.join(''));
		server.close();
	});
});
