// main.js URL COUNT: fetches it COUNT times at once, each in a stream of one HTTP/2 session.
const http2 = require('http2');

const url = new URL(process.argv[2]);
const count = Number(process.argv[3]);
const session = http2.connect(url.origin);
let left = count;

for (let i = 0; i < count; i++) {
	const stream = session.request({ ':path': url.pathname + url.search });
	let text = '';
	stream.on('data', (part) => { text += part; });
	stream.on('end', () => {
		process.stdout.write(text);
		if (--left === 0)
			session.close();
	});
}
