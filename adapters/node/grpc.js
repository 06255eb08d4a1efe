/*
 * The part of node.js that knows @grpc/grpc-js; stands in the middle of it, behind databases.js.
 *
 * A channel that is not connected keeps calls, and starts all of them in the context of whoever made it connect.
 * So who starts a call is remembered with it, and with each of the calls that it becomes inside: one that waits
 * for the channel to know its servers, one that is tried again, one that waits for a connection. A call that was
 * begun before any of this was in place is nobody's.
 */
const CALL_PARTS = 4;
let callParts = 0, startsCall = false;

/* What `name` does is done for who started the call. */
function asStarted(prototype, name) {
	replace(prototype, 'start', (start) => function () {
		remember(this);
		return apply(start, this, arguments);
	});
	replace(prototype, name, (method) => function () {
		return current.run(askers.get(this), () => apply(method, this, arguments));
	});
	callParts++;
}

drivers['@grpc/grpc-js/build/src/resolving-call.js'] = ({ ResolvingCall: { prototype } }) =>
	asStarted(prototype, 'getConfig');
drivers['@grpc/grpc-js/build/src/retrying-call.js'] = ({ RetryingCall: { prototype } }) =>
	asStarted(prototype, 'startNewAttempt');
drivers['@grpc/grpc-js/build/src/load-balancing-call.js'] = ({ LoadBalancingCall: { prototype } }) =>
	asStarted(prototype, 'doPick');

drivers['@grpc/grpc-js/build/src/subchannel.js'] = ({ Subchannel: { prototype } }) => {
	replace(prototype, 'createCall', (createCall) => function () {
		startsCall = true;
		try {
			return apply(createCall, this, arguments);
		} finally {
			startsCall = false;
		}
	});
	callParts++;
};

/* True of a call of grpc-js of which nobody remembers who started it: it is bundled, of another version, or new here. */
function isForgotten(headers) {
	if ((startsCall && callParts % CALL_PARTS === 0) || !/\bgrpc-node-js\//.test(headers?.['user-agent']))
		return false;
	quietly(meetDrivers);
	return true;
}
