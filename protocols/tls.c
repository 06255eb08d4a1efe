/*
 * TLS, as far as anybody outside the session can read it: the random number of the ClientHello, which
 * the two ends and the library that encrypts here know the session by. Tells it to the sink, then the
 * connection is left alone.
 * Context: hook, connection locked. Spec: RFC 8446, sections 4.1.2 and 5.1.
 */
#include <string.h>

#include "protocols/proto.h"

enum {
	HANDSHAKE = 22,
	CLIENT_HELLO = 1,
	RECORD_BYTES = 5,
	RANDOM_AT = RECORD_BYTES + 4 + 2, /* behind the message's type and length, and the version */
	WANTED_BYTES = RANDOM_AT + RM_TLS_RANDOM_BYTES,
};

struct tls {
	bool over;
	uint8_t have;
	uint8_t bytes[WANTED_BYTES];
};

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	if (n == 0)
		return RM_SNIFF_MORE;
	if (p[0] != HANDSHAKE || (n > 1 && p[1] != 3) || (n > RECORD_BYTES && p[RECORD_BYTES] != CLIENT_HELLO))
		return RM_SNIFF_NO;
	return n > RECORD_BYTES ? RM_SNIFF_YES : RM_SNIFF_MORE;
}

static void tls_open(void *state, enum rm_role role)
{
	(void)state, (void)role;
}

/* A protocol that begins in clear goes on here, with nothing to be answered. */
static bool adopt(void *state, struct rm_sink *sink, rm_xid x)
{
	(void)state, (void)sink;
	return x == 0;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct tls *t = state;
	size_t take = sizeof(t->bytes) - t->have;

	(void)conn;
	if (n == 0)
		return 0;
	take = take < n ? take : n;
	if (dir != RM_DIR_REQUEST || t->over)
		return RM_FEED_MUTE;
	memcpy(t->bytes + t->have, p, take);
	t->have += (uint8_t)take;
	t->over = sniff(t->bytes, t->have) == RM_SNIFF_NO;
	if (t->have < sizeof(t->bytes))
		return t->over ? RM_FEED_MUTE : (int64_t)n;
	if (!t->over)
		sink->on->secured(sink, t->bytes + RANDOM_AT);
	t->over = true;
	return RM_FEED_MUTE;
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	(void)state, (void)dir, (void)n, (void)sink, (void)conn;
	return RM_FEED_MUTE;
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	(void)state, (void)dir, (void)reset, (void)sink, (void)conn;
}

static bool at_head(const void *state)
{
	(void)state;
	return false;
}

const struct rm_proto rm_proto_tls = {
	.name = "tls",
	.help = "TLS: recognised; what it carries is read where the library encrypts it",
	.left = "encrypted; what it carries is seen in TLS libraries that we know",
	.state_bytes = sizeof(struct tls),
	.sniff = sniff,
	.open = tls_open,
	.adopt = adopt,
	.feed = feed,
	.skip = skip,
	.end = end,
	.at_head = at_head,
};
