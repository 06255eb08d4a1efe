// Kafka as Node programs use it, with kafkajs.
// main.js publish SERVER N   sends N messages to orders, every third with a header, and a long one
// main.js serve SERVER PORT  answers GET /N after it sent N messages to orders at once
// main.js receive SERVER N   prints, of the first N messages, how many there were and the bytes of them
// With TLS_CA in the environment it speaks TLS.
const http = require('http');
const { Kafka, logLevel } = require('kafkajs');

async function publish(kafka, count) {
	const producer = kafka.producer();
	await producer.connect();
	for (let i = 0; i < count; i++)
		await producer.send({ topic: 'orders', messages: [{ value: `hello ${i}`, headers: i % 3 === 0 ? { kind: 'note' } : {} }] });
	await producer.send({ topic: 'orders', messages: [{ value: Buffer.alloc(200000, 'x') }] });
	await producer.disconnect();
}

async function receive(kafka, count) {
	const consumer = kafka.consumer({ groupId: 'workers' });
	let got = 0, bytes = 0, kinds = 0;
	await consumer.connect();
	await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
	await new Promise((done) => consumer.run({
		eachMessage: async ({ message }) => {
			got++;
			bytes += message.value.length;
			kinds += message.headers.kind ? 1 : 0;
			if (got === count)
				done();
		},
	}));
	console.log(got, bytes, kinds);
	await consumer.disconnect();
}

async function serve(kafka, port) {
	const producer = kafka.producer({ maxInFlightRequests: 2 });
	await producer.connect();
	http.createServer(async ({ url }, response) => {
		await new Promise((done) => setTimeout(done, Math.random() * 10));
		await producer.send({ topic: 'orders', messages: Array.from({ length: Number(url.slice(1)) }, () => ({ value: url, partition: 0 })) });
		response.end('ok\n');
	}).listen(port, '127.0.0.1');
}

const [what, server, count] = process.argv.slice(2);
const kafka = new Kafka({ clientId: what === 'publish' ? 'sender' : 'receiver', brokers: [server], ssl: 'TLS_CA' in process.env, logLevel: logLevel.NOTHING });
({ publish, receive, serve })[what](kafka, Number(count));
