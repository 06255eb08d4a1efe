// RabbitMQ as Node programs use it, with amqplib.
// main.js publish URL N   publishes N messages to the exchange orders, every third with a header, and a long one; confirmed
// main.js serve URL PORT  answers GET /N after it published a message with the routing key order.N
// main.js receive URL N   prints, of the first N messages of the queue work, how many there were and the bytes of them
const http = require('http');
const amqp = require('amqplib');

async function declare(channel) {
	await channel.assertExchange('orders', 'topic', { durable: false });
	await channel.assertQueue('work', { durable: false });
	await channel.bindQueue('work', 'orders', 'order.*');
}

async function publish(connection, count) {
	const channel = await connection.createConfirmChannel();
	await declare(channel);
	for (let i = 0; i < count; i++)
		channel.publish('orders', 'order.new', Buffer.from(`hello ${i}`), i % 3 === 0 ? { headers: { kind: 'note', number: i } } : {});
	channel.publish('orders', 'order.new', Buffer.alloc(300000, 'x'), { persistent: true, contentType: 'text/plain' });
	await channel.waitForConfirms();
}

async function receive(connection, count) {
	const channel = await connection.createChannel();
	await declare(channel);
	await channel.prefetch(10);
	let got = 0, bytes = 0, kinds = 0;
	await new Promise((done) => {
		channel.consume('work', (m) => {
			got++;
			bytes += m.content.length;
			kinds += m.properties.headers.kind ? 1 : 0;
			channel.ack(m);
			if (got === count)
				done();
		}).then(() => console.log('ready'));
	});
	console.log(got, bytes, kinds);
	await channel.close();
}

async function serve(connection, port) {
	const channel = await connection.createChannel();
	await declare(channel);
	http.createServer((request, response) => {
		setTimeout(() => {
			channel.publish('orders', `order.${request.url.slice(1)}`, Buffer.from(request.url));
			setTimeout(() => response.end('ok\n'), 20);
		}, Math.random() * 10);
	}).listen(port, '127.0.0.1');
}

async function main(what, url, number) {
	const connection = await amqp.connect(url);
	await { publish, receive, serve }[what](connection, Number(number));
	if (what !== 'serve')
		await connection.close();
}

main(...process.argv.slice(2));
