// cassandra-driver as its users use it: main.js HOST PORT; says what came back.
'use strict';
const cassandra = require('cassandra-driver');

async function main() {
	const client = new cassandra.Client({ contactPoints: [process.argv[2]], localDataCenter: 'datacenter1',
		protocolOptions: { port: Number(process.argv[3]) }, isMetadataSyncEnabled: false });
	await client.connect();
	await client.execute("CREATE KEYSPACE IF NOT EXISTS depot WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
	await client.execute('CREATE TABLE IF NOT EXISTS depot.stock (name text PRIMARY KEY, n int)');
	const insert = 'INSERT INTO depot.stock (name, n) VALUES (?, ?)';
	await Promise.all(Array.from({ length: 50 }, (_, i) => client.execute(insert, [`hunter2-${i}`, i], { prepare: true })));
	await client.batch([{ query: insert, params: ['rope', 1] }, { query: insert, params: ['hunter2', 2] }], { prepare: true });
	const rows = await client.execute("SELECT n FROM depot.stock WHERE name = 'hunter2'");
	console.log(rows.first().n);
	try {
		await client.execute('SELECT * FROM depot.nothing');
	} catch (error) {
		console.log(error.code.toString(16));
	}
	await client.shutdown();
}

main();
