// GraphQL and JSON-RPC as Node programs use them: graphql-http, graphql-request; jayson.
// main.js serve PORT   both, on /graphql and /rpc
// main.js ask URL      a query, and one that fails; a call, and one that fails; prints what came back
const http = require('http');

function serve(port) {
	const { createHandler } = require('graphql-http/lib/use/http');
	const { buildSchema } = require('graphql');
	const jayson = require('jayson');
	const graphql = createHandler({
		schema: buildSchema('type Query { price(name: String!): Int, need: Int! }'),
		rootValue: { price: ({ name }) => name.length, need: () => null },
	});
	const rpc = jayson.server({
		'stock.count': (args, done) => done(null, args[0].length),
		'stock.fail': (args, done) => done({ code: 17, message: 'hunter2' }),
	}).middleware();

	http.createServer((request, response) => {
		if (request.url.startsWith('/graphql'))
			return graphql(request, response);
		let body = '';
		request.on('data', (piece) => { body += piece; });
		request.on('end', () => {
			request.body = JSON.parse(body);
			rpc(request, response, () => response.end());
		});
	}).listen(Number(port), '127.0.0.1');
}

async function ask(url) {
	const { GraphQLClient } = await import('graphql-request');
	const jayson = require('jayson');
	const client = new GraphQLClient(`${url}/graphql`);
	const { port } = new URL(url);
	const rpc = jayson.client.http({ host: '127.0.0.1', port, path: '/rpc' });
	const call = (...args) => new Promise((done) => rpc.request(...args, (error, answer) => done(answer)));

	console.log((await client.request('query PriceOf($name: String!) { price(name: $name) }', { name: 'hunter2' })).price);
	await client.request('{ need }').catch(({ response }) => console.log(response.status, response.errors.length));
	console.log((await call('stock.count', ['hunter2'])).result);
	console.log((await call('stock.fail', ['hunter2'])).error.code);
	process.exit(0);
}

({ serve, ask })[process.argv[2]](process.argv[3]);
