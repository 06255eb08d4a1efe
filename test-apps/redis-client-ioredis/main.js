// ioredis as its users use it: main.js PORT; says what came back.
'use strict';
const Redis = require('ioredis');

async function main() {
	const redis = new Redis(Number(process.argv[2]), '127.0.0.1', { enableAutoPipelining: true });
	await redis.set('key', 'hunter2');
	console.log(await redis.get('key'));
	console.log((await Promise.all(Array.from({ length: 100 }, (_, i) => redis.incr(`count${i % 10}`)))).length);
	console.log(JSON.stringify(await redis.pipeline().set('a', 1).incr('a').get('a').exec()));
	console.log(JSON.stringify(await redis.multi().incr('a').incr('a').exec()));
	await redis.lpush('key', 'x').catch((error) => console.log(error.message.split(' ')[0]));
	const subscriber = redis.duplicate();
	const heard = new Promise((resolve) => subscriber.on('message', (_, message) => resolve(message)));
	await subscriber.subscribe('news');
	await redis.publish('news', 'hello');
	console.log(await heard);
	await subscriber.quit();
	await redis.quit();
}

main();
