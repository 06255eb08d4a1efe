// main.js server PORT | main.js client PORT: WebSockets without their library. The server sends back what comes
// behind the handshake; the client sends 1000 messages, each when the one before came back, and prints "whole".
'use strict';
const crypto = require('crypto'), http = require('http'), http2 = require('http2');
const [role, port] = process.argv.slice(2);
const message = Buffer.concat([Buffer.from([0x81, 5]), Buffer.from('hello')]);

function talk(socket, first, done) {
  let got = Buffer.alloc(0), left = 1000;
  const take = (data) => {
    for (got = Buffer.concat([got, data]); got.length >= message.length; got = got.subarray(message.length)) {
      if (!got.subarray(0, message.length).equals(message)) throw new Error('another message');
      if (--left === 0) { socket.end(); done(); return; }
      socket.write(message);
    }
  };
  socket.on('data', take);
  socket.write(message);
  take(first);
}

// What proxies ask for: that the other side knows WebSockets.
function accept(key) {
  const sum = crypto.createHash('sha1').update(key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  return `Sec-WebSocket-Accept: ${sum}\r\n`;
}

if (role === 'server') {
  http.createServer().on('upgrade', (request, socket, first) => {
    const key = request.headers['sec-websocket-key'];
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key ? accept(key) : ''}\r\n`);
    socket.write(first);
    socket.pipe(socket);
  }).listen(port, '127.0.0.1');
} else if (role === 'client') {
  http.get({ port, host: '127.0.0.1', path: '/chat', headers: { Connection: 'Upgrade', Upgrade: 'websocket' } })
    .on('upgrade', (answer, socket, first) => talk(socket, first, () => console.log('whole')));
} else if (role === 'server2') {
  http2.createServer({ settings: { enableConnectProtocol: true } }).on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  }).listen(port, '127.0.0.1');
} else {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('remoteSettings', () => {
    const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' }, { endStream: false });
    stream.on('response', () => talk(stream, Buffer.alloc(0), () => { console.log('whole'); session.destroy(); }));
  });
}
