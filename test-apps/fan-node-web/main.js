// The same as fan-node in the style of a framework, FRAMEWORK: express, fastify, koa. Calls are made with undici's
// request, with a body parser and a middleware that waits in front.
const { setTimeout: sleep } = require('timers/promises');
const { Agent, request } = require('undici');

const far = process.env.FAR;
const port = Number(process.argv[2]);
const dispatcher = new Agent({ connections: 16 });

async function call(id, turn) {
	const { body } = await request(`${far}/call/${id}/${turn}`, { dispatcher });
	await body.text();
}

async function serve(id) {
	const turns = 1 + Math.floor(Math.random() * 3);

	await call(id, 0);
	await Promise.all(Array.from({ length: turns - 1 }, (_, turn) => call(id, turn + 1)));
	return 'near\n';
}

const frameworks = {
	express(express) {
		const app = express();
		app.use(express.json());
		app.use((request, response, next) => setTimeout(next, Math.random() * 5));
		app.get('/fan/:id', async (request, response) => response.send(await serve(request.params.id)));
		app.listen(port, '127.0.0.1', 1024);
	},
	fastify(fastify) {
		const app = fastify();
		app.addHook('preHandler', () => sleep(Math.random() * 5));
		app.get('/fan/:id', (request) => serve(request.params.id));
		app.listen({ port, host: '127.0.0.1', backlog: 1024 });
	},
	koa(Koa) {
		const app = new Koa();
		app.use(async (context, next) => { await sleep(Math.random() * 5); await next(); });
		app.use(async (context) => { context.body = await serve(context.path.split('/')[2]); });
		app.listen(port, '127.0.0.1', 1024);
	},
};

const loaded = require(process.env.FRAMEWORK);
frameworks[process.env.FRAMEWORK](loaded.default ?? loaded);
