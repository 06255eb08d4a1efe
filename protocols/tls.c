/*
 * TLS, as far as anybody outside the session can read it: the random number of the ClientHello, which
 * the two ends and the library that encrypts here know the session by. Tells it to the sink, then the
 * connection is left alone; where the sink wants to know when the handshake is over, then only.
 *
 * HELLO (its first bytes) -> RECORDS (their heads; the rest is stepped over) -> left alone, when the handshake is over for the
 * client, or is not understood:
 *   - TLS 1.3 hides what its records are behind ServerHello. The client's first hidden one is of its last flight; one before
 *     the server spoke is early data, with which nobody sees where the handshake ends.
 *   - Before that, each end sends ChangeCipherSpec and then Finished, the only handshake record behind it. In TLS 1.3 a
 *     ChangeCipherSpec means nothing, and a second ClientHello, or a ServerHello, may be behind it: those can be read.
 * Context: hook, connection locked. Spec: RFC 8446, sections 2, 4.1.2, 5.1 and D.4; RFC 5246, section 7.3.
 */
#include <string.h>

#include "base/endian.h"
#include "protocols/proto.h"

enum {
	CHANGE_CIPHER_SPEC = 20,
	HANDSHAKE = 22,
	APPLICATION_DATA = 23,
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	RECORD_BYTES = 5,
	RECORD_MAX_BYTES = 16384 + 2048,
	PEEK_BYTES = RECORD_BYTES + 4, /* with the head of a handshake message */
	RANDOM_AT = RECORD_BYTES + 4 + 2, /* behind the message's type and length, and the version */
	WANTED_BYTES = RANDOM_AT + RM_TLS_RANDOM_BYTES,
};

/* Records of one direction. */
struct way {
	uint8_t have;       /* bytes of `head` */
	uint8_t head[PEEK_BYTES];
	uint32_t left;      /* of the record, to be stepped over */
	bool spoke, changed, finished;
};

struct tls {
	bool over;
	bool hidden;        /* the server's records are of TLS 1.3 */
	bool watched;       /* the end of the handshake is wanted */
	uint8_t have;
	uint8_t bytes[WANTED_BYTES];
	struct way way[2];
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

static uint32_t record_bytes(const struct way *w)
{
	return rm_be16(w->head + 3);
}

/* A ClientHello or ServerHello that can be read, whole in its record. */
static bool is_hello(const struct way *w)
{
	uint32_t bytes = rm_be24(w->head + 6);

	return w->have == PEEK_BYTES && (w->head[5] == CLIENT_HELLO || w->head[5] == SERVER_HELLO) &&
	       bytes + 4 == record_bytes(w);
}

/* The head of a record is there. False: nothing more can be learned. */
static bool note(struct tls *t, enum rm_dir dir, struct rm_sink *sink)
{
	struct way *w = &t->way[dir], *other = &t->way[!dir];
	uint8_t minor = 0;

	switch (w->head[0]) {
	case CHANGE_CIPHER_SPEC:
		w->changed = true;
		break;
	case HANDSHAKE:
		w->finished = w->changed && !is_hello(w);
		if (w->finished && other->finished)
			minor = w->head[2];
		break;
	case APPLICATION_DATA:
		if (dir == RM_DIR_REQUEST && other->spoke)
			minor = 4;
		else if (dir == RM_DIR_REQUEST)
			return false;
		else if (!t->hidden)
			sink->on->handshaken(sink, t->bytes + RANDOM_AT, 4, false);
		t->hidden = true;
		break;
	default:
		return false;
	}
	w->spoke = true;
	if (minor)
		sink->on->handshaken(sink, t->bytes + RANDOM_AT, minor, true);
	return !minor;
}

/* How many bytes of a record's beginning are looked at. */
static uint8_t wanted(const struct way *w)
{
	if (w->have < RECORD_BYTES || w->head[0] != HANDSHAKE)
		return RECORD_BYTES;
	return record_bytes(w) < PEEK_BYTES - RECORD_BYTES ? RECORD_BYTES : PEEK_BYTES;
}

static bool is_record(const struct way *w)
{
	return w->head[1] == 3 && record_bytes(w) && record_bytes(w) <= RECORD_MAX_BYTES;
}

/* Steps over records. False: it is over. */
static bool step(struct tls *t, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink)
{
	struct way *w = &t->way[dir];

	while (n) {
		size_t take = w->left < n ? w->left : n;

		w->left -= (uint32_t)take;
		p += take;
		n -= take;
		if (!n)
			break;
		w->head[w->have++] = *p++;
		n--;
		if (w->have < wanted(w))
			continue;
		if (!is_record(w) || !note(t, dir, sink))
			return false;
		w->left = record_bytes(w) - (w->have - RECORD_BYTES);
		w->have = 0;
	}
	return true;
}

/* The first bytes of the ClientHello; what of them is used goes to `ret_taken`. False: it is none, or nobody wants more. */
static bool begin(struct tls *t, const uint8_t *p, size_t n, struct rm_sink *sink, size_t *ret_taken)
{
	size_t take = sizeof(t->bytes) - t->have;
	uint32_t record;

	take = take < n ? take : n;
	memcpy(t->bytes + t->have, p, take);
	t->have += (uint8_t)take;
	*ret_taken = take;
	if (sniff(t->bytes, t->have) == RM_SNIFF_NO)
		return false;
	if (t->have < sizeof(t->bytes))
		return true;
	record = rm_be16(t->bytes + 3);
	t->watched = sink->on->secured(sink, t->bytes + RANDOM_AT) && record >= WANTED_BYTES - RECORD_BYTES;
	t->way[RM_DIR_REQUEST].left = record - (WANTED_BYTES - RECORD_BYTES);
	return t->watched;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct tls *t = state;
	size_t taken = 0;

	(void)conn;
	if (n == 0)
		return 0;
	if (t->over || (!t->watched && dir != RM_DIR_REQUEST))
		return RM_FEED_MUTE;
	t->over = (!t->watched && !begin(t, p, n, sink, &taken)) || (t->watched && !step(t, dir, p + taken, n - taken, sink));
	return t->over ? RM_FEED_MUTE : (int64_t)n;
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
};
