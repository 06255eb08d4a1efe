// /DRIVER/ID asks the database at DB one to three times for each request, over connections that all requests share:
// pg (a pool), pg-client (clients taken from it), pg-one (a single client), mysql2 (a pool of promises), mysql2-execute (one of callbacks, statements that are prepared), ioredis, ioredis-auto (commands of
// several requests in one write), redis. The database refuses each with a code that is made of the id.
const http = require('http');
const { setTimeout: sleep } = require('timers/promises');

const url = process.env.DB.replace('sslmode=require', 'sslmode=no-verify');
const NOTE = "return redis.error_reply('Z' .. ARGV[1] .. ' noted')";
const SELECT = 'SELECT note($1)';

const drivers = {
	pg() {
		const pool = new (require('pg').Pool)({ connectionString: url, max: 4 });
		return (code) => pool.query(SELECT, ['Z' + code]);
	},
	'pg-client'() {
		const pool = new (require('pg').Pool)({ connectionString: url, max: 4 });
		return async (code) => {
			const client = await pool.connect();
			try {
				return await client.query(SELECT, ['Z' + code]);
			} finally {
				await sleep(1);
				client.release();
			}
		};
	},
	'pg-one'() {
		const client = new (require('pg').Client)({ connectionString: url });
		const ready = client.connect();
		return async (code) => {
			await ready;
			return client.query(`SELECT note('Z${code}')`);
		};
	},
	ioredis() {
		const redis = new (require('ioredis').Redis)(url);
		return (code) => redis.eval(NOTE, 0, code);
	},
	'ioredis-auto'() {
		const redis = new (require('ioredis').Redis)(url, { enableAutoPipelining: true });
		return (code) => redis.eval(NOTE, 0, code);
	},
	mysql2() {
		const pool = require('mysql2/promise').createPool({ uri: url, connectionLimit: 4 });
		return (code) => pool.query('CALL note(?)', [20000 + parseInt(code, 36)]);
	},
	'mysql2-execute'() {
		const pool = require('mysql2').createPool({ uri: url, connectionLimit: 4 });
		return (code) => new Promise((resolve, reject) => pool.execute('CALL note(?)', [20000 + parseInt(code, 36)],
			(error) => error ? reject(error) : resolve()));
	},
	redis() {
		const redis = require('redis').createClient({ url });
		const ready = redis.connect();
		return async (code) => {
			await ready;
			return redis.eval(NOTE, { arguments: [code] });
		};
	},
};

const ask = drivers[process.env.DRIVER]();

async function call(id) {
	const code = Number(id).toString(36).toUpperCase().padStart(4, '0');

	await ask(code).then(() => { throw new Error('not refused'); }, (error) => {
		if (error.code !== 'Z' + code && error.errno !== 20000 + parseInt(code, 36) && !error.message.includes('Z' + code))
			throw error;
	});
}

async function serve(id, response) {
	await sleep(Math.random() * 5);
	await call(id);
	await Promise.all(Array.from({ length: id % 3 }, () => call(id)));
	response.end('near\n');
}

http.createServer((request, response) => {
	serve(request.url.split('/')[2], response).catch((error) => {
		console.error(error);
		response.destroy(error);
	});
}).listen(Number(process.argv[2]), '127.0.0.1', 1024);
