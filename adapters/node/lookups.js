/*
 * The part of node.js that knows look-ups of names; stands in the middle of it, behind grpc.js.
 *
 * dns.lookup is a call of getaddrinfo in a thread of Node's pool: whose it is goes along in its flags (agent/lookup_marks.c),
 * so that among many for one name each has its own. What dns.resolve asks leaves in the call itself. A connection's
 * look-up is that of who opens it, though what the connection does later is nobody's.
 */
let opener;

/* Work that may open a connection, for that request; for nobody if it is undefined. */
function opening(context, work) {
	const before = opener;

	opener = context;
	try {
		return work();
	} finally {
		opener = before;
	}
}

/* A request that waited for a socket gets one when another one's is closed. */
replace(http.Agent.prototype, 'createSocket', (createSocket) => function (request) {
	const context = quietly(() => makers.get(request));

	return makers.has(request) && context !== running()
		? current.run(context, () => apply(createSocket, this, arguments))
		: apply(createSocket, this, arguments);
});

/* What the C library, and Node before it, take as it is. */
const PLAIN_NAME = /^(?=.{1,253}$)(?!.*xn--)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?$/i;

function followLookups(binding) {
	replace(binding, 'getaddrinfo', (getaddrinfo) => function (request, name, family, flags, ...rest) {
		const context = running() ?? opener;
		const mark = context && typeof name === 'string' && PLAIN_NAME.test(name) && typeof flags === 'number'
			? quietly(() => markLookup(name, context)) : 0;

		if (!mark)
			return apply(getaddrinfo, this, arguments);
		const error = apply(getaddrinfo, this, [request, name, family, flags | mark, ...rest]);

		if (error)
			unmarkLookup(name, mark);
		return error;
	});
	const { prototype } = binding.ChannelWrap;

	for (const name of Object.getOwnPropertyNames(prototype))
		if (/^(query[A-Z]|getHostByAddr)/.test(name))
			replace(prototype, name, attached);
}

if (!warnsOfBindings())
	quietly(() => followLookups(process.binding('cares_wrap')));
