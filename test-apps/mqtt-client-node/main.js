// MQTT as Node programs use it, with mqtt.js.
// main.js publish PORT VERSION N   publishes N messages to orders/1, of each quality of service in turn, and a long one
// main.js receive PORT VERSION N   prints, of the first N messages to orders/+, how many there were and the bytes of them
// With TLS_CA in the environment it speaks TLS.
const mqtt = require('mqtt');

async function publish(client, version, count) {
	for (let i = 0; i < count; i++) {
		const properties = version === 5 && i % 3 === 0 ? { userProperties: { kind: 'note' } } : {};
		await client.publishAsync('orders/1', `hello ${i}`, { qos: i % 3, properties });
	}
	await client.publishAsync('orders/1', Buffer.alloc(200000, 'x'), { qos: 1 });
}

async function receive(client, version, count) {
	let got = 0, bytes = 0, kinds = 0;
	const done = new Promise((resolve) => client.on('message', (topic, payload, packet) => {
		got++;
		bytes += payload.length;
		kinds += packet.properties && packet.properties.userProperties && packet.properties.userProperties.kind ? 1 : 0;
		if (got === count)
			resolve();
	}));
	await client.subscribeAsync('orders/+', { qos: 2 });
	console.log('ready');
	await done;
	console.log(got, bytes, kinds);
}

async function main(what, port, version, count) {
	const client = await mqtt.connectAsync(`${'TLS_CA' in process.env ? 'mqtts' : 'mqtt'}://127.0.0.1:${port}`,
		{ protocolVersion: version === '5' ? 5 : 4, clientId: what === 'publish' ? 'sender' : 'receiver' });
	await { publish, receive }[what](client, Number(version), Number(count));
	await client.endAsync();
}

main(...process.argv.slice(2));
