// Node's http server, which logs before and after it waited; many requests are under way at once.
const http = require('http');

const server = http.createServer(async (request, response) => {
	const id = new URL(request.url, 'http://a').searchParams.get('id');
	console.log(`begins id=${id}`);
	await new Promise((resolve) => setTimeout(resolve, 20 * Math.random()));
	console.error(`went on id=${id}`);
	if (request.url.startsWith('/crash'))
		console.error(new Error(`as asked id=${id}`));
	response.end('home\n');
});
server.listen(Number(process.argv[2]), '127.0.0.1');
