// Kafka as Node programs use it, with kafkajs.
// main.js publish SERVER N   sends N messages to orders, every third with a header, and a long one
// main.js receive SERVER N   prints, of the first N messages, how many there were and the bytes of them
// With TLS_CA in the environment it speaks TLS.
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

const [what, server, count] = process.argv.slice(2);
const kafka = new Kafka({ clientId: what === 'publish' ? 'sender' : 'receiver', brokers: [server], ssl: 'TLS_CA' in process.env, logLevel: logLevel.NOTHING });
({ publish, receive })[what](kafka, Number(count));
