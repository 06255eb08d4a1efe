// MySQL as programs for Node use it: queries under way at once on a pool, a transaction, an error; with mysql2 also
// statements that the server prepares. Usage: main.js LIBRARY PORT [compress], where the library is mysql or mysql2.
const library = require(process.argv[2]);

const pool = library.createPool({ host: '127.0.0.1', port: +process.argv[3], user: 'shop_user', password: 'hunter2', database: 'shop',
	connectionLimit: 3, compress: process.argv[4] === 'compress' });

function ask(how, from, text, values) {
	return new Promise((resolve, reject) => from[how](text, values, (error, rows) => error ? reject(error) : resolve(rows)));
}

async function main() {
	const many = [];
	for (let i = 0; i < 30; i++)
		many.push(ask('query', pool, 'INSERT INTO orders (id, note) VALUES (?, ?)', [i + 1, "it's hunter2"]));
	console.log((await Promise.all(many)).length);
	const rows = await ask('query', pool, 'SELECT note FROM orders WHERE id = ? AND note LIKE ?', [3, "it's%"]);
	console.log(rows.length);
	await ask('query', pool, 'SELECT * FROM nowhere').catch((error) => console.log(error.errno));
	if (process.argv[2] === 'mysql2')
		for (let i = 0; i < 10; i++)
			await ask('execute', pool, 'SELECT note FROM orders WHERE id = ?', [i]);
	pool.end();
}

main();
