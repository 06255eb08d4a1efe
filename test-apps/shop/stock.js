// The stock service: how many are left, and what one pays with here.
const http = require('http');

const server = http.createServer((request, response) => {
	if (request.url.startsWith('/stock/')) {
		response.setHeader('Content-Type', 'application/json');
		setTimeout(() => response.end(JSON.stringify({ left: 11 })), 3);
	} else if (request.url === '/currency') {
		response.end('crowns');
	} else {
		response.statusCode = 404;
		response.end();
	}
});

server.listen(Number(process.env.STOCK_PORT), '127.0.0.1');
