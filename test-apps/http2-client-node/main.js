// main.js URL COUNT...: fetches it COUNT times at once, for each COUNT, each in a stream of one HTTP/2 session.
const http2 = require('http2');

const url = new URL(process.argv[2]);
const session = http2.connect(url.origin, { rejectUnauthorized: false });

function fetch() {
	return new Promise((resolve) => {
		const stream = session.request({ ':path': url.pathname + url.search });
		let text = '';
		stream.on('data', (part) => { text += part; });
		stream.on('end', () => resolve(text));
	});
}

async function main(counts) {
	for (const count of counts) {
		const answers = await Promise.all(Array.from({ length: count }, fetch));
		process.stdout.write(answers.join(''));
	}
	session.close();
}

main(process.argv.slice(3).map(Number));
