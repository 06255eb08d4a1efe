// node-redis as its users use it: commands that are under way at once, a transaction, an error.
// Usage: main.js URL
const { createClient } = require('redis');

async function main() {
	const client = createClient({ url: process.argv[2] });
	await client.connect();
	await client.set('key', 'hunter2');
	const many = [];
	for (let i = 0; i < 50; i++)
		many.push(client.get('key'));
	console.log((await Promise.all(many)).filter((v) => v === 'hunter2').length);
	console.log(await client.multi().incr('count').incr('count').exec());
	await client.lPush('key', 'x').catch((error) => console.log(error.message.split(' ')[0]));
	await client.quit();
}

main();
