// PostgreSQL as programs for Node use it, with pg: queries under way at once on a pool, statements by name, several
// statements in one, a transaction, an error. Usage: main.js URL
'use strict';
const { Pool } = require('pg');

const pool = new Pool({ connectionString: process.argv[2], max: 3 });

async function main() {
	const insert = 'INSERT INTO orders (id, note) VALUES ($1, $2)';
	console.log((await Promise.all(Array.from({ length: 30 }, (_, i) => pool.query(insert, [i, 'hunter2'])))).length);
	const named = Array.from({ length: 20 }, (_, i) => pool.query({ name: 'by id', text: 'SELECT note FROM orders WHERE id = $1', values: [i] }));
	console.log((await Promise.all(named)).map((r) => r.rows.length).join(''));
	console.log((await pool.query("SELECT count(*) FROM orders WHERE note = 'hunter2'")).rows[0].count);
	console.log((await pool.query("SELECT 1; UPDATE orders SET note = 'hunter2 again'; SELECT 2")).length);
	const client = await pool.connect();
	await client.query('BEGIN');
	await client.query('SELECT * FROM nowhere WHERE id = $1', [1]).catch((error) => console.log(error.code));
	await client.query('SELECT 1').catch((error) => console.log(error.code));
	await client.query('ROLLBACK');
	console.log((await client.query({ text: 'SELECT id, note FROM orders ORDER BY id LIMIT 2', rowMode: 'array' })).rows.length);
	client.release();
	await pool.end();
}

main();
