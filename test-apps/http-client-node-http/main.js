// main.js URL COUNT: fetches it with http.get (https.get) over one kept-alive connection.
const http = require(process.argv[2].startsWith('https') ? 'https' : 'http');

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function get(left) {
	if (left === 0) {
		agent.destroy();
		return;
	}
	http.get(process.argv[2], { agent }, (answer) => {
		answer.on('data', (part) => process.stdout.write(part));
		answer.on('end', () => get(left - 1));
	});
}

get(Number(process.argv[3]));
