// NATS as Node programs use it, with nats.js.
// main.js publish URL N   publishes N messages on orders.1, every third with a header, and one that is long
// main.js serve URL PORT  answers GET /N after it published a message on orders.N
// main.js receive URL N   prints, of the first N messages of orders.*, how many there were and the bytes of them
const http = require('http');
const { connect, headers } = require('nats');

async function publish(client, count) {
	for (let i = 0; i < count; i++) {
		const options = {};
		if (i % 3 === 0) {
			options.headers = headers();
			options.headers.set('Kind', 'note');
		}
		client.publish('orders.1', Buffer.from(`hello ${i}`), options);
	}
	client.publish('orders.1', Buffer.alloc(200000, 'x'));
	await client.flush();
}

async function receive(client, count) {
	const subscription = client.subscribe('orders.*', { max: count });
	await client.flush();
	console.log('ready');
	let got = 0, bytes = 0, kinds = 0;
	for await (const m of subscription) {
		got++;
		bytes += m.data.length;
		kinds += m.headers && m.headers.has('Kind') ? 1 : 0;
	}
	console.log(got, bytes, kinds);
}

function serve(client, port) {
	http.createServer((request, response) => {
		setTimeout(() => {
			client.publish(`orders.${request.url.slice(1)}`, Buffer.from(request.url));
			client.flush().then(() => response.end('ok\n'));
		}, Math.random() * 10);
	}).listen(port, '127.0.0.1');
}

async function main(what, url, count) {
	const client = await connect({ servers: url });
	await { publish, receive, serve }[what](client, Number(count));
	if (what !== 'serve')
		await client.close();
}

main(...process.argv.slice(2));
