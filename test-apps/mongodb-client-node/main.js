// MongoDB as programs for Node use it: inserts that are under way at once, a cursor, an error. Usage: main.js URI
const { MongoClient } = require('mongodb');

// What later releases do by themselves, and then refuse to be told.
const options = require('mongodb/package.json').version.startsWith('3.') ? { useUnifiedTopology: true } : {};

async function main() {
	const client = new MongoClient(process.argv[2], options);
	await client.connect();
	const orders = client.db('shop').collection('orders');
	await Promise.all([...Array(20).keys()].map((i) => orders.insertOne({ _id: i, note: 'hunter2' })));
	console.log((await orders.find({ note: 'hunter2' }).batchSize(8).toArray()).length);
	await orders.insertOne({ _id: 3, note: 'hunter2' }).catch((error) => console.log(error.code));
	await client.close();
}

main();
