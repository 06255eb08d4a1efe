/*
 * The half of the Node adapter that runs inside Node: remembers, by AsyncLocalStorage, which request the
 * running code belongs to, and puts the text of that context, which is the traceparent the agent wrote into
 * the request, into the requests that go out. From that header the agent knows the parent, on any
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

	const { attach, bind, lives, markLookup, ofRequest, prints, unmarkLookup, written } = native.exports;
	const { AsyncLocalStorage, AsyncResource } = builtin('async_hooks');
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
		channels.channel(name).subscribe((message) => quietly(() => listener(message)));
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

	/* Holds the text of a context. That of a request that has ended is dead, see `lives`. */
	const current = new AsyncLocalStorage();

	/* The text that the agent wrote into the request; else that of what is served on its connection. */
	function contextOf(text, socket, stream) {
		return text && lives(text) ? text : ofRequest(socket?._handle?.fd ?? -1, stream);
	}

	function textIn(fields) {
		for (let i = 0; i + 1 < fields.length; i += 2)
			if (fields[i].length === 11 && fields[i].toLowerCase() === 'traceparent')
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
		const context = contextOf(textIn(request.rawHeaders), socket, 0);

		begin();
		current.enterWith(context);
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
				upgraded.set(this, contextOf(textIn(request.rawHeaders), request.socket, 0));
				current.enterWith(upgraded.get(this));
			});
		return apply(finish, this, arguments);
	});
	replace(parser, 'free', (free) => function () {
		const result = apply(free, this, arguments);

		if (upgraded.has(this)) {
			current.enterWith(upgraded.get(this));
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
		const context = current.getStore();

		quietly(meetDrivers);
		return context ? opening(context, () => current.run(undefined, () => apply(method, this, arguments)))
			: apply(method, this, arguments);
	};

	replace(net.Socket.prototype, 'connect', asNobody);
	replace(tls.TLSSocket.prototype, '_wrapHandle', asNobody);

	/* ---- HTTP/1 requests that go out ---- */

	/* Who makes a request wants it, whoever may be the one that ends it. */
	const makers = new WeakMap();

	replace(http.Agent.prototype, 'addRequest', (addRequest) => function (request) {
		quietly(() => makers.set(request, current.getStore()));
		return apply(addRequest, this, arguments);
	});

	function inject(request, start) {
		const context = makers.has(request) ? makers.get(request) : current.getStore();
		const head = request._header;

		if (context && typeof head === 'string' && head.startsWith(start) &&
		    !/\r\ntraceparent:/i.test(head) && lives(context))
			request._header = `${start}traceparent: ${context}\r\n${head.slice(start.length)}`;
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
		const before = dispatching, now = current.getStore();

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
			return current.getStore();
		for (const key of Object.getOwnPropertySymbols(request))
			if (key.description === 'handler' && request[key] instanceof AsyncResource)
				return request[key].runInAsyncScope(() => current.getStore());
		return undefined;
	}

	function hasTraceparent(fields) {
		return Array.isArray(fields)
			? fields.some((field, i) => i % 2 === 0 && String(field).toLowerCase() === 'traceparent')
			: /(^|\r\n)traceparent:/i.test(fields);
	}

	subscribe('undici:request:create', ({ request }) => {
		const context = makerOf(request);

		first = false;
		if (context && !hasTraceparent(request.headers) && lives(context))
			request.addHeader('traceparent', context);
		watchDispatchers();
	});
	watchDispatchers();

	/* ---- parts of Node that the program may load any time ---- */

	const parts = {};
	let loaded = 0;

	function look() {
		if (process.moduleLoadList.length === loaded)
			return;
		loaded = process.moduleLoadList.length;
		for (const [name, part] of Object.entries(parts)) {
			if (!process.moduleLoadList.includes(`NativeModule ${name}`))
				continue;
			delete parts[name];
			quietly(() => part(builtin(name)));
		}
	}

	/* Programs that are started belong to the request, too. */
	const attached = (spawn) => function () {
		attach(current.getStore());
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
		return Object.keys(headers).every((name) => name.toLowerCase() !== 'traceparent');
	}

	/* In no table of the connection, so that the agent can put the next span in its place. */
	function withContext(headers, context, sensitive) {
		return {
			__proto__: null, ...headers, traceparent: context,
			[sensitive]: [...(headers?.[sensitive] ?? []), 'traceparent'],
		};
	}

	function requestOf(session, request, sensitive, headers, rest) {
		const context = isForgotten(headers) ? undefined : current.getStore();
		const changes = context && (headers === undefined || (typeof headers === 'object' && headers !== null &&
			!Array.isArray(headers) && isWithout(headers))) && lives(context);

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
					current.enterWith(context);
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
