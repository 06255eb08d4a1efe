/*
 * The part of node.js that knows clients of message brokers; stands in the middle of it, behind databases.js.
 *
 * One loop sends what many requests give it, in writes of its own choosing: so what is announced is the bytes of a
 * message, where the client says where they go, and else the message itself carries who published it (amqplib).
 */
const PLAIN_BYTES = 2000; /* of headers: a frame that a broker takes may have 4,096 */

/* This library publishes what many gave it, in the context of one of them. */
const isManaged = () => Object.keys(builtin('module')._cache).some((path) => path.includes('amqp-connection-manager'));
const managed = new WeakMap();

function isPublishedByOthers(connection) {
	if (!managed.has(connection))
		managed.set(connection, isManaged());
	return managed.get(connection);
}

/* amqplib has made the headers for this message alone. */
function isPlain(headers) {
	let bytes = 0;

	for (const name in headers) {
		if (name.toLowerCase() === 'traceparent' || !['string', 'number', 'boolean'].includes(typeof headers[name]))
			return false;
		bytes += name.length + 4 * String(headers[name]).length;
	}
	return bytes < PLAIN_BYTES;
}

drivers['amqplib/lib/channel.js'] = ({ Channel: { prototype } }) => Object.hasOwn(prototype, 'sendMessage') &&
	replace(prototype, 'sendMessage', (sendMessage) => function (fields, properties) {
		quietly(() => {
			const context = running(), headers = properties?.headers;

			if (context && headers && fields === properties && lives(context) && isPlain(headers) &&
			    !isPublishedByOthers(this.connection))
				headers.traceparent = textOf(context);
		});
		return apply(sendMessage, this, arguments);
	});

/* kafkajs: a request of its own for each send(), which may wait in a queue. */
const connections = new WeakMap();

drivers['kafkajs/src/network/connection.js'] = ({ prototype }) => replace(prototype, 'send', (send) => function () {
	quietly(() => connections.set(this.requestQueue, this));
	return apply(send, this, arguments);
});

drivers['kafkajs/src/network/requestQueue/index.js'] = ({ prototype }) =>
	replace(prototype, 'push', (push) => function (request) {
		const { sendRequest } = request, context = running();

		if (context)
			request.sendRequest = () => writing(connections.get(this)?.socket, context, sendRequest);
		return apply(push, this, arguments);
	});

/* nats.js collects what it will write: a message's place is known when it is put in. */
const published = ({ ProtocolHandler: { prototype } }) => replace(prototype, 'publish', (publish) => function () {
	const socket = this.transport?.socket, context = running();
	const next = () => {
		const at = positionOf(socket);

		return at === undefined ? undefined : at + this.outbound.size();
	};
	const at = context ? quietly(next) : undefined;

	if (at === undefined)
		return apply(publish, this, arguments);
	quietly(() => bind(socket._handle.fd, at, context));
	try {
		return apply(publish, this, arguments);
	} finally {
		quietly(() => bind(socket._handle?.fd ?? -1, next() ?? 0));
	}
});

drivers['nats/lib/nats-base-client/protocol.js'] = published;
drivers['@nats-io/nats-core/lib/protocol.js'] = published;
