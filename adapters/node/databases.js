/*
 * The part of node.js that knows drivers of databases; stands in the middle of it, before grpc.js.
 *
 * What they send carries no context, and what a driver writes, and when, is not what the running code asks
 * for: it queues. So who asked is remembered with what was asked, and the agent is told from which
 * byte of the connection on the driver writes it. Of several askers each has bytes of its own.
 */
const askers = new WeakMap();

function remember(question, context = running()) {
	/* Whoever asks a driver for what is no object is told so by the driver. */
	if (typeof question === 'object' && question !== null && !askers.has(question))
		askers.set(question, context);
}

const WAITING_MAX = 32768; /* to be asked for the number of its next byte a socket looks at all that waits */

/* The number of the byte that is written next, if that is sure. */
function positionOf(socket) {
	const fd = socket?._handle?.fd ?? -1;

	if (fd < 0 || socket.writableLength > WAITING_MAX)
		return undefined;
	return socket.writableLength === 0 && written(fd) !== socket.bytesWritten ? undefined : socket.bytesWritten;
}

/* What is written from there on is nobody's. If that place is not the right one, nothing is anybody's. */
function announceEnd(socket, at = socket.bytesWritten) {
	const fd = socket._handle?.fd ?? -1;
	const sure = at === socket.bytesWritten && (socket.writableLength > 0 || written(fd) === at);

	bind(fd, sure ? at : 0);
}

/* What `work` writes is for that request. */
function writing(socket, context, work) {
	const at = quietly(() => positionOf(socket));

	if (at === undefined)
		return work();
	quietly(() => bind(socket._handle.fd, at, context));
	try {
		return work();
	} finally {
		quietly(() => announceEnd(socket));
	}
}

/* A pool calls back whoever waited in the context of whoever gave something back. */
const inOwnContext = (method) => function (callback, ...rest) {
	const context = running();

	return typeof callback !== 'function' ? apply(method, this, arguments)
		: apply(method, this, [function () {
			return current.run(context, () => apply(callback, this, arguments));
		}, ...rest]);
};

/* By the end of a file's path. Their classes are those that all of a program shares. */
const drivers = {};

let asking = {};

drivers['pg/lib/client.js'] = ({ prototype }) => replace(prototype, 'query', (query) => function () {
	const last = () => (this._queryQueue ?? this.queryQueue).at(-1);
	const before = asking, lastBefore = quietly(last);

	asking = { connection: this.connection, context: running() };
	try {
		return apply(query, this, arguments);
	} finally {
		quietly(() => last() !== lastBefore && remember(last(), asking.context));
		asking = before;
	}
});

drivers['pg/lib/query.js'] = ({ prototype }) => replace(prototype, 'submit', (submit) => function (connection) {
	if (asking.connection === connection)
		remember(this, asking.context);
	return writing(connection.stream, askers.get(this), () => apply(submit, this, arguments));
});

drivers['pg-pool/index.js'] = ({ prototype }) => {
	replace(prototype, 'connect', inOwnContext);
	/* It may open a connection for who waits, in the context of whoever gave another one back. */
	replace(prototype, '_pulseQueue', (pulse) => function () {
		return current.run(undefined, () => apply(pulse, this, arguments));
	});
};

drivers['mysql2/lib/base/connection.js'] = drivers['mysql2/lib/connection.js'] = ({ prototype }) => {
	if (!Object.hasOwn(prototype, 'writePacket'))
		return;
	replace(prototype, 'addCommand', (addCommand) => function (command) {
		remember(command);
		return apply(addCommand, this, arguments);
	});
	replace(prototype, 'writePacket', (writePacket) => function () {
		const plain = !Object.hasOwn(this, 'write'); /* else inside TLS, on a socket that it keeps to itself */

		return plain && this._command
			? writing(this.stream, askers.get(this._command), () => apply(writePacket, this, arguments))
			: apply(writePacket, this, arguments);
	});
};

drivers['mysql2/lib/base/pool.js'] = drivers['mysql2/lib/pool.js'] = ({ prototype }) =>
	Object.hasOwn(prototype, 'getConnection') && replace(prototype, 'getConnection', inOwnContext);

/*
 * Several questions that leave in one write: each is told of when it is put in. `from` is where the
 * connection was when the first one was; should it move on meanwhile, nobody knows where they are.
 */
class Batch {
	add(socket, bytes, context) {
		if (!this.socket) {
			this.socket = socket;
			this.at = this.from = positionOf(socket);
		}
		if (this.socket !== socket || (this.from !== undefined && socket.bytesWritten !== this.from))
			this.forget();
		if (this.from === undefined)
			return;
		bind(socket._handle.fd, this.at, context);
		this.at += bytes;
	}

	forget() {
		if (this.from !== undefined)
			bind(this.socket._handle?.fd ?? -1, this.from);
		this.from = undefined;
	}

	/* True when it has left, all at once. */
	hasLeft() {
		if (this.from === undefined || this.socket.bytesWritten === this.from)
			return false;
		announceEnd(this.socket, this.at);
		return true;
	}
}

const batches = new WeakMap();

/* The stream that a pipeline of ioredis collects its commands in. */
function batchOf(stream) {
	const { write } = stream;
	let batch = new Batch();
	const state = { context: undefined };

	stream.write = function (bytes) {
		quietly(() => batch.add(stream.destination.redis.stream, Buffer.byteLength(bytes), state.context));
		const result = apply(write, this, arguments);

		quietly(() => {
			if (batch.hasLeft())
				batch = new Batch();
		});
		return result;
	};
	batches.set(stream, state);
	return state;
}

drivers['ioredis/built/Redis.js'] = ({ default: { prototype } }) =>
	replace(prototype, 'sendCommand', (sendCommand) => function (command, stream) {
		const work = () => apply(sendCommand, this, arguments);

		remember(command);
		if (!stream)
			return this.stream ? writing(this.stream, askers.get(command), work) : work();
		quietly(() => {
			if (stream.isPipeline)
				(batches.get(stream) ?? batchOf(stream)).context = askers.get(command);
		});
		return work();
	});

const asked = (sendCommand) => function (command) {
	remember(command);
	return apply(sendCommand, this, arguments);
};

drivers['ioredis/built/cluster/index.js'] = ({ default: { prototype } }) => replace(prototype, 'sendCommand', asked);

/* Of a cluster that is not ready the pipeline is made later, and then by whoever. */
drivers['ioredis/built/Pipeline.js'] = ({ default: { prototype } }) =>
	replace(prototype, 'sendCommand', (sendCommand) => function (command) {
		remember(command, this.isCluster ? undefined : running());
		return apply(sendCommand, this, arguments);
	});

/*
 * node-redis encodes what waits one by one, just before it writes it: then it looks at the words of a command,
 * of which each has a list of its own here.
 */
let encoding, watching = false, corked;

function ownList(words) {
	const list = [...words], [first] = words;

	askers.set(list, running());
	defineProperty(list, 0, { enumerable: true, get() { encoding = list; return first; } });
	return list;
}

drivers['@redis/client/dist/lib/client/commands-queue.js'] = ({ default: { prototype } }) => {
	replace(prototype, 'addCommand', (addCommand) => function (words, ...rest) {
		return Array.isArray(words) ? apply(addCommand, this, [ownList(words), ...rest])
			: apply(addCommand, this, arguments);
	});
	if (Object.hasOwn(prototype, 'getCommandToSend')) /* version 4 */
		replace(prototype, 'getCommandToSend', (getCommandToSend) => function () {
			const encoded = apply(getCommandToSend, this, arguments);

			quietly(() => encoded && askers.set(encoded, askers.get(encoding)));
			return encoded;
		});
};

function* announced(commands, socket) {
	let at = quietly(() => positionOf(socket));

	try {
		for (const command of commands) {
			if (at !== undefined)
				quietly(() => {
					bind(socket._handle.fd, at, askers.get(encoding));
					at += command.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
				});
			yield command;
		}
	} finally {
		if (at !== undefined)
			quietly(() => announceEnd(socket, at));
	}
}

/* The socket that is corked by `work`, undefined for none. */
function corkedBy(work) {
	watching = true;
	corked = undefined;
	try {
		work();
	} finally {
		watching = false;
	}
	return corked;
}

drivers['@redis/client/dist/lib/client/socket.js'] = ({ default: { prototype } }) => {
	const sockets = new WeakMap();

	replace(net.Socket.prototype, 'cork', (cork) => function () {
		if (watching)
			corked = this;
		watching = false;
		return apply(cork, this, arguments);
	});
	if (Object.hasOwn(prototype, 'write'))
		replace(prototype, 'write', (write) => function (commands) {
			corkedBy(() => apply(write, this, [{
				[Symbol.iterator]: () => announced(commands, corked),
			}]));
		});
	else /* version 4: corked until all that runs now has run */
		replace(prototype, 'cork', (cork) => function () {
			const socket = corkedBy(() => apply(cork, this, arguments));

			if (socket)
				sockets.set(this, socket);
		});
	if (Object.hasOwn(prototype, 'writeCommand'))
		replace(prototype, 'writeCommand', (writeCommand) => function (encoded) {
			const work = () => apply(writeCommand, this, arguments), socket = sockets.get(this);

			return socket && askers.has(encoded) ? writing(socket, askers.get(encoded), work) : work();
		});
};

const DRIVER = /[\\/]node(?:_modules|js)[\\/]((?:@grpc[\\/]grpc-js|@nats-io[\\/]nats-core|@redis[\\/]client|amqplib|ioredis|kafkajs|mysql2|nats|pg|pg-pool)[\\/].*)$/;
const OFTEN = 64, SELDOM_MS = 1000;
const met = new Set();
let looks = 0, lookedAt = 0;

/* Drivers are loaded by then, for they connect. To look at the names of all modules takes a while. */
function meetDrivers() {
	if (++looks > OFTEN && performance.now() - lookedAt < SELDOM_MS)
		return;
	lookedAt = performance.now();
	for (const [path, module] of Object.entries(builtin('module')._cache)) {
		const driver = drivers[DRIVER.exec(path)?.[1].replaceAll('\\', '/')];

		if (!driver || met.has(path) || !module.loaded)
			continue;
		met.add(path);
		quietly(() => driver(module.exports));
	}
}
