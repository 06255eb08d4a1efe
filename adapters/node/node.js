/*
 * The half of the Node adapter that runs inside Node: remembers, by AsyncLocalStorage, which request the
 * running code belongs to, and puts the text of that context, which is the traceparent of its SERVER span, into
 * the requests that go out. From that header the agent knows the parent, on any
 * socket, with TLS or without; no list of headers that the program can ask for has it.
 *
 * Runs once in each thread that serves, when the first request has been read and before Node sees it. By
 * then the program may hold any function of Node's, so that only methods are replaced, and Node's own
 * channels used. Must never throw into the program, print, or keep the event loop alive; nothing of it is on the stack
 * of a handler of HTTP/1 requests. The value of the script is a function if it is in place.
 */
(() => {
	'use strict';
	const builtin = process.getBuiltinModule || process.mainModule?.require?.bind(process.mainModule);

	/* ---- others that do the same ---- */

	const AGENTS = new RegExp(`[\\\\/]node_modules[\\\\/](${[
		'dd-trace', 'newrelic', 'elastic-apm-node', '@sentry/node', '@instana/core', '@dynatrace/oneagent',
		'@google-cloud/trace-agent', 'appdynamics', 'skywalking-backend-js',
	].join('|')})[\\\\/]`);

	function isTracedAlready() {
		const api = globalThis[Symbol.for('opentelemetry.js.api.1')];

		return !!(api?.trace || api?.context) ||
			Object.keys(builtin('module')._cache).some((path) => AGENTS.test(path));
	}

	if (!builtin || isTracedAlready())
		return undefined;

	const native = { exports: {} };

	try {
		process.dlopen(native, 'libremora.so');
	} catch { /* --permission, --no-addons */
		return undefined;
	}

	const { follow, ofRequest, prints, unmarkLookup, written } = native.exports;
	const { AsyncLocalStorage, AsyncResource, executionAsyncId } = builtin('async_hooks');
	const channels = builtin('diagnostics_channel');
	const http = builtin('http'), net = builtin('net'), tls = builtin('tls');
	const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;

	/* ---- how Node is listened to ---- */

	/* A mistake of ours costs a parent, and the program nothing. */
	function quietly(work) {
		try {
			return work();
		} catch {}
	}

	function subscribe(name, listener) {
		channels.channel(name).subscribe((message) => {
			try {
				listener(message);
			} catch {}
		});
	}

	/* Replaces a method; it lists and prints as the one before. */
	function replace(object, name, make) {
		const before = object[name], now = make(before);
		const enumerable = getOwnPropertyDescriptor(object, name)?.enumerable ?? false;

		for (const property of ['name', 'length'])
			defineProperty(now, property, { value: before[property], configurable: true });
		defineProperty(object, name, { value: now, writable: true, configurable: true, enumerable });
	}

	/* ---- who runs now ---- */

	/* Of a request: the agent's two numbers for it, or its text. That of one that has ended is dead, see `lives`. */
	class Context {
		constructor(index, generation, text) {
			this.index = index;
			this.generation = generation;
			this.text = text;
		}
	}

	/* Most requests are never asked for theirs. */
	function textOf(context) {
		if (context && context.text === undefined)
			context.text = native.exports.textOf(context.index, context.generation) ?? '';
		return context?.text;
	}

	const attach = (context) => native.exports.attach(textOf(context));
	const bind = (fd, at, context) => native.exports.bind(fd, at, textOf(context));
	const lives = (context) => native.exports.lives(textOf(context));
	const markLookup = (name, context) => native.exports.markLookup(name, textOf(context));

	/*
	 * Holds the Context. Before Node 24 that costs something for each callback which Node puts off. So once as many requests
	 * were served as `patience` says, and no code asked whom it works for, none is held any more: only what
	 * runs in a request's own turn is known then, until somebody does ask.
	 */
	let current = new AsyncLocalStorage();
	const PATIENCE = 10000;
	let patience = PATIENCE;
	let turn, ofTurn; /* its number, and the context of the request that it began */

	function enter(context) {
		turn = executionAsyncId();
		ofTurn = context;
		if (patience === 0)
			return;
		current.enterWith(context);
		if (--patience === 0)
			current.disable();
	}

	/* Old callbacks may still hold a context, and what they called since then holds none: so this begins anew. */
	function holdAgain() {
		current = new AsyncLocalStorage();
		current.enterWith(executionAsyncId() === turn ? ofTurn : undefined);
	}

	/* Whom the running code works for. */
	function running() {
		if (patience === 0)
			holdAgain();
		patience = Infinity;
		return current.getStore();
	}

	/* By the text that the agent wrote into the request; else by what is served on its connection. */
	function contextOf(text, socket, stream) {
		const found = text && native.exports.lives(text) ? text : ofRequest(socket?._handle?.fd ?? -1, stream);

		return found && new Context(0, 0, found);
	}

	/* The traceparent in a list of names and values. */
	function textIn(fields) {
		for (let i = 0; i + 1 < fields.length; i += 2)
			if (fields[i].length === 11 && String(fields[i]).toLowerCase() === 'traceparent')
				return fields[i + 1];
		return undefined;
	}

	let begun = false;

	/* What is known here of who runs is all there is to know. The agent is told once it has let go of this thread. */
	function begin() {
		if (!begun)
			attach();
		begun = true;
		look();
	}

	/* ---- requests that come in ---- */

	/*
	 * What the agent says of the head that this thread read last, if that came alone on a connection which Node's server
	 * reads, and has not been seen here: two numbers and the descriptor. Of others it writes a header into the head.
	 */
	const latest = new Int32Array(native.exports.latest ?? 3);
	const descriptors = new WeakMap();

	/* Its requests are read by Node's server. */
	function meet(socket) {
		const fd = socket._handle?.fd ?? -1;

		descriptors.set(socket, fd);
		follow(fd);
		return fd;
	}

	function isOn(socket, fd) {
		return (descriptors.get(socket) ?? meet(socket)) === fd && !!socket._handle;
	}

	/* Its head has just been read. */
	function contextOfRead(request, socket) {
		try {
			const index = latest[0];

			latest[0] = 0;
			return isOn(socket, latest[2]) && index !== 0 ? new Context(index, latest[1], undefined)
				: contextOf(textIn(request.rawHeaders), socket, 0);
		} catch { /* no socket of Node's */
			return undefined;
		}
	}

	/* Where Node says a context by frames, events of a body come in that of the connection, which has none. */
	const bodies = new WeakMap();

	function followBodies(prototype) {
		replace(prototype, 'push', (push) => function () {
			const context = bodies.get(this);

			return context ? current.run(context, () => apply(push, this, arguments))
				: apply(push, this, arguments);
		});
	}

	function resourcesKeepContext() {
		const resource = new AsyncResource('REMORA');

		resource.runInAsyncScope(() => current.enterWith('kept'));
		return resource.runInAsyncScope(() => current.getStore()) === 'kept';
	}

	const bodiesAreApart = !resourcesKeepContext();

	if (bodiesAreApart)
		followBodies(http.IncomingMessage.prototype);

	/* Everything that follows in this callback of Node's parser is work for the request. */
	subscribe('http.server.request.start', ({ request, socket }) => {
		const context = contextOfRead(request, socket);

		begin();
		enter(context);
		if (bodiesAreApart && context)
			bodies.set(request, context);
	});

	/*
	 * Upgrades and tunnels are told on no channel; but Node is done with the parser just before it tells the
	 * program. To give it back (`free`) puts it into another context where those are kept by resource.
	 */
	const parser = builtin('_http_common').HTTPParser.prototype;
	const upgraded = new WeakMap();

	replace(parser, 'finish', (finish) => function () {
		const request = this.incoming;

		if (request?.upgrade && request.socket?.server)
			quietly(() => {
				begin();
				upgraded.set(this, contextOfRead(request, request.socket));
				enter(upgraded.get(this));
			});
		return apply(finish, this, arguments);
	});
	replace(parser, 'free', (free) => function () {
		const result = apply(free, this, arguments);

		if (upgraded.has(this)) {
			enter(upgraded.get(this));
			upgraded.delete(this);
		}
		return result;
	});

	/* ---- connections that the program opens ---- */

	/*
	 * A connection outlives the request that opened it and serves others: its events are nobody's. What
	 * waits for an answer on it is told in its own context by who sent it (http, promises).
	 */
	const asNobody = (method) => function () {
		const context = running();

		quietly(meetDrivers);
		return context ? opening(context, () => current.run(undefined, () => apply(method, this, arguments)))
			: apply(method, this, arguments);
	};

	replace(net.Socket.prototype, 'connect', asNobody);
	replace(tls.TLSSocket.prototype, '_wrapHandle', asNobody);

	/* ---- requests that go out with the header of one that came in ---- */

	let forwards = false;

	/* What the program puts there is left alone. From the first one of ours on, all that come in have one again. */
	function noteForwarded(value) {
		forwards ||= native.exports.forwards(String(value).trim());
	}

	/* True of a list of names and values, or of lines, that has a traceparent. */
	function hasTraceparent(fields) {
		const value = Array.isArray(fields) ? textIn(fields) : /(?:^|\r\n)traceparent:([^\r]*)/i.exec(fields)?.[1];

		if (value !== undefined && !forwards)
			noteForwarded(value);
		return value !== undefined;
	}

	/* ---- HTTP/1 requests that go out ---- */

	/* Who makes a request wants it, whoever may be the one that ends it. */
	const makers = new WeakMap();

	replace(http.Agent.prototype, 'addRequest', (addRequest) => function (request) {
		quietly(() => makers.set(request, running()));
		return apply(addRequest, this, arguments);
	});

	function inject(request, start) {
		const context = makers.has(request) ? makers.get(request) : running();
		const head = request._header;

		if (typeof head === 'string' && !hasTraceparent(head) && context && head.startsWith(start) &&
		    lives(context))
			request._header = `${start}traceparent: ${textOf(context)}\r\n${head.slice(start.length)}`;
	}

	replace(http.ClientRequest.prototype, '_storeHeader', (storeHeader) => function (start) {
		const result = apply(storeHeader, this, arguments);

		quietly(() => inject(this, start));
		return result;
	});

	/* ---- fetch, and all else of undici ---- */

	/*
	 * A pool that is full takes what waits out of its queue in the context of whoever is done, and makes the
	 * request only then. So it counts who dispatched first; `dispatching` while that is known. The very first
	 * request has not waited for another one that belongs to somebody.
	 */
	const dispatched = new WeakMap(), watched = new WeakSet();
	let dispatching = false, first = true;

	function inContextOf(handler, work) {
		const before = dispatching, now = running();

		if (!dispatched.has(handler))
			dispatched.set(handler, now);
		dispatching = true;
		try {
			const context = dispatched.get(handler);

			return context === now ? work() : current.run(context, work);
		} finally {
			dispatching = before;
		}
	}

	function watchDispatchers() {
		for (let p = globalThis[Symbol.for('undici.globalDispatcher.1')]; p; p = getPrototypeOf(p)) {
			if (watched.has(p) || !Object.hasOwn(p, 'dispatch') || !Object.hasOwn(p, 'close'))
				continue;
			watched.add(p);
			replace(p, 'dispatch', (dispatch) => function (options, handler) {
				return typeof handler === 'object' && handler !== null
					? inContextOf(handler, () => apply(dispatch, this, arguments))
					: apply(dispatch, this, arguments);
			});
		}
	}

	/* The handlers of undici's functions remember where they were made; those of fetch do not. */
	function makerOf(request) {
		if (dispatching || first)
			return running();
		for (const key of Object.getOwnPropertySymbols(request))
			if (key.description === 'handler' && request[key] instanceof AsyncResource)
				return request[key].runInAsyncScope(() => running());
		return undefined;
	}

	subscribe('undici:request:create', ({ request }) => {
		const context = makerOf(request);

		first = false;
		if (!hasTraceparent(request.headers) && context && lives(context))
			request.addHeader('traceparent', textOf(context));
		watchDispatchers();
	});
	watchDispatchers();

	/* ---- parts of Node that the program may load any time ---- */

	const parts = {};
	const { moduleLoadList } = process;
	let loaded = 0;

	function look() {
		if (moduleLoadList.length === loaded)
			return;
		loaded = moduleLoadList.length;
		for (const [name, part] of Object.entries(parts)) {
			if (!moduleLoadList.includes(`NativeModule ${name}`))
				continue;
			delete parts[name];
			quietly(() => part(builtin(name)));
		}
	}

	/* Programs that are started belong to the request, too. */
	const attached = (spawn) => function () {
		attach(running());
		try {
			return apply(spawn, this, arguments);
		} finally {
			attach();
		}
	};

	/*
	 * So does what is printed: the streams of descriptors 1 and 2 write at once, and who writes to them without a
	 * stream (pino) mostly does, too.
	 */
	const printing = (isPrinted) => (write) => {
		const attachedWrite = attached(write);

		return function () {
			return apply(isPrinted(this, arguments) ? attachedWrite : write, this, arguments);
		};
	};

	if (prints()) {
		const { Duplex, Writable } = builtin('stream'), fs = builtin('fs');
		const byStream = printing((stream) => stream?.fd === 1 || stream?.fd === 2);
		const byNumber = printing((_, [fd]) => fd === 1 || fd === 2);

		replace(Writable.prototype, 'write', byStream);
		replace(Duplex.prototype, 'write', byStream);
		replace(fs, 'writeSync', byNumber);
		replace(fs, 'writevSync', byNumber);
	}

	/* Then Node would warn of what follows. */
	function warnsOfBindings() {
		return process.env.NODE_PENDING_DEPRECATION === '1' ||
			[...process.execArgv, process.env.NODE_OPTIONS].join(' ').includes('pending-deprecation');
	}

	parts.child_process = ({ ChildProcess }) => {
		replace(ChildProcess.prototype, 'spawn', attached);
		if (!warnsOfBindings()) /* execSync and its kin */
			replace(process.binding('spawn_sync'), 'spawn', attached);
	};

	/* ---- HTTP/2 ---- */

	/* A session's class is nowhere to be had but from a session: one that is never connected. */
	function clientSession(http2) {
		const socket = new (builtin('stream').Duplex)({ read() {}, write(chunk, encoding, done) { done(); } });

		socket.connecting = true;
		const session = http2.connect('http://localhost', { createConnection: () => socket });

		session.on('error', () => {});
		session.destroy();
		return getPrototypeOf(session);
	}

	function isWithout(headers) {
		return !hasTraceparent(Object.entries(headers).flat());
	}

	/* In no table of the connection, so that the agent can put the next span in its place. */
	function withContext(headers, context, sensitive) {
		return {
			__proto__: null, ...headers, traceparent: textOf(context),
			[sensitive]: [...(headers?.[sensitive] ?? []), 'traceparent'],
		};
	}

	function requestOf(session, request, sensitive, headers, rest) {
		const context = isForgotten(headers) ? undefined : running();
		const changes = (headers === undefined || (typeof headers === 'object' && headers !== null &&
			!Array.isArray(headers) && isWithout(headers))) && context && lives(context);

		if (!changes)
			return apply(request, session, [headers, ...rest]);
		const stream = apply(request, session, [withContext(headers, context, sensitive), ...rest]);

		quietly(() => {
			delete stream.sentHeaders.traceparent;
			delete stream.sentHeaders[sensitive];
			if (headers?.[sensitive])
				stream.sentHeaders[sensitive] = headers[sensitive];
		});
		return stream;
	}

	/* The stream's own events have no context either, see followBodies. */
	function followStreams(server, streams) {
		replace(server, 'emit', (emit) => function (event, stream, headers) {
			if (event === 'stream')
				quietly(() => {
					const context = contextOf(headers.traceparent, stream.session.socket, stream.id);

					begin();
					enter(context);
					if (!streams.has(getPrototypeOf(stream))) {
						streams.add(getPrototypeOf(stream));
						followBodies(getPrototypeOf(stream));
					}
					if (context)
						bodies.set(stream, context);
				});
			return apply(emit, this, arguments);
		});
	}

	parts.http2 = (http2) => {
		const streams = new WeakSet();

		for (const server of [http2.createServer(), http2.createSecureServer()])
			followStreams(getPrototypeOf(server), streams);
		replace(clientSession(http2), 'request', (request) => function (headers, ...rest) {
			return requestOf(this, request, http2.sensitiveHeaders, headers, rest);
		});
	};

	include('databases.js');
	include('brokers.js');
	include('grpc.js');
	include('lookups.js');

	subscribe('net.client.socket', look);
	subscribe('net.server.socket', look);
	look();
	quietly(meetDrivers);
	return look;
})()
