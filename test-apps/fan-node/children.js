// /ID answers with the TRACEPARENT of a program that it starts after a while, /sync/ID of one that it waits for;
// /late with that of one that the request before started after its answer.
const http = require('http');
const { execFile, execSync } = require('child_process');

let late = Promise.resolve('');
const ask = () => new Promise((resolve) => execFile('printenv', ['TRACEPARENT'], (error, text) => resolve(text)));
const pause = () => new Promise((resolve) => setTimeout(resolve, 10 * Math.random()));

http.createServer(async (request, response) => {
	if (request.url === '/late')
		return response.end(await late + '\n');
	await pause();
	response.end(request.url.startsWith('/sync/') ? execSync('printenv TRACEPARENT') : await ask());
	response.on('close', () => { late = pause().then(pause).then(ask); });
}).listen(Number(process.argv[2]), '127.0.0.1');
