// Asks NEXT for the path that it was asked for, with fetch.
const http = require('http');
const { setTimeout: sleep } = require('timers/promises');

async function pass(request, response) {
	await sleep(Math.random() * 3);
	const answer = await fetch(process.env.NEXT + request.url);
	response.end(await answer.text());
}

http.createServer((request, response) => pass(request, response).catch((error) => response.destroy(error)))
	.listen(Number(process.argv[2]), '127.0.0.1', 1024);
