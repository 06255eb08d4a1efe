// ioredis and a cluster: keys of all nodes, pipelines that it makes by itself, a slot that moves while it is used.
//
// cluster.js PORT PORT PORT    the nodes; the first has the slot of the key `b`, the third that of `a`
'use strict';
const Redis = require('ioredis');

const ports = process.argv.slice(2).map(Number);
const SLOT_OF_A = 15495;

async function main() {
	const nodes = ports.map((port) => new Redis(port, '127.0.0.1'));
	const names = await Promise.all(nodes.map((node) => node.cluster('MYID')));
	const cluster = new Redis.Cluster([{ host: '127.0.0.1', port: ports[0] }], { slotsRefreshInterval: 0 });
	const keys = Array.from({ length: 30 }, (_, i) => `key${i}`);
	await Promise.all(keys.map((key) => cluster.set(key, 'hunter2')));
	const found = await Promise.all(keys.map((key) => cluster.get(key)));
	console.log(found.filter((value) => value === 'hunter2').length);
	console.log(JSON.stringify(await cluster.multi().incr('{b}count').incr('{b}count').exec()));
	console.log(await cluster.eval('return ARGV[1]', 1, 'b', 'hunter2'), await cluster.blpop('b', 1));
	await cluster.lpush('key1', 'x').catch((error) => console.log(error.message.split(' ')[0]));
	await nodes[0].cluster('SETSLOT', SLOT_OF_A, 'IMPORTING', names[2]);
	await nodes[2].cluster('SETSLOT', SLOT_OF_A, 'MIGRATING', names[0]);
	console.log(await cluster.set('a', 'hunter2'), await cluster.get('a'));
	for (const node of nodes) await node.cluster('SETSLOT', SLOT_OF_A, 'NODE', names[0]);
	console.log(await cluster.get('a'), await cluster.incr('{a}count'));
	await Promise.all([cluster, ...nodes].map((one) => one.quit()));
}

main();
