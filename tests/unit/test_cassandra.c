/* What captures cannot say of Cassandra: sniffing, the limit of what is under way, checksums. */
#include <stdlib.h>

#include "protocols/cql_segment.h"
#include "tests/replay/watch.h"
#include "tests/rmtest.h"

extern const struct rm_proto rm_proto_cassandra;

static const char startup[] = "\4\0\0\0\1\0\0\0\x16" "\0\1\0\x0b" "CQL_VERSION" "\0\5" "3.0.0";
static const char ready[] = "\x84\0\0\0\2\0\0\0\0";

static bool claims(const char *p, size_t n)
{
	return rm_proto_cassandra.sniff((const uint8_t *)p, n) == RM_SNIFF_YES;
}

static bool claims_changed(size_t at, char byte)
{
	char copy[sizeof(startup)];

	memcpy(copy, startup, sizeof(startup));
	copy[at] = byte;
	return claims(copy, sizeof(startup) - 1);
}

RM_TEST("a first message is recognised, of both kinds and three versions")
{
	RM_CHECK(claims(startup, sizeof(startup) - 1));
	RM_CHECK(claims_changed(0, 3));
	RM_CHECK(claims_changed(0, 5));
	RM_CHECK(claims("\5\0\0\0\5\0\0\0\0", 9));
}

RM_TEST("what differs from one is not")
{
	RM_CHECK(!claims(startup, sizeof(startup) - 2));
	RM_CHECK(!claims(startup, 8));
	RM_CHECK(!claims(startup, 0));
	RM_CHECK(!claims_changed(0, 2));
	RM_CHECK(!claims_changed(0, '\x84'));
	RM_CHECK(!claims_changed(1, 1));
	RM_CHECK(!claims_changed(2, '\x80'));
	RM_CHECK(!claims_changed(4, 7));
	RM_CHECK(!claims_changed(9, 1));
	RM_CHECK(!claims_changed(15, 'x'));
	RM_CHECK(!claims("\5\0\0\0\5\0\0\0\1x", 10));
}

static void query(struct watch *w, uint16_t stream)
{
	char text[] = "\4\0\0\0\7\0\0\0\x0f" "\0\0\0\x08" "SELECT 1" "\0\1\0";

	text[2] = (char)(stream >> 8);
	text[3] = (char)stream;
	watch_feed(w, RM_DIR_REQUEST, text, sizeof(text) - 1);
}

static void answer(struct watch *w, uint16_t stream)
{
	char text[] = "\x84\0\0\0\x08\0\0\0\4\0\0\0\1";

	text[2] = (char)(stream >> 8);
	text[3] = (char)stream;
	watch_feed(w, RM_DIR_RESPONSE, text, sizeof(text) - 1);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

RM_TEST("4,096 may be under way at once, and one more is too many")
{
	enum { MOST = 4096 };
	struct watch w;

	watch_open(&w, &rm_proto_cassandra);
	watch_feed(&w, RM_DIR_REQUEST, startup, sizeof(startup) - 1);
	watch_feed(&w, RM_DIR_RESPONSE, ready, sizeof(ready) - 1);
	for (uint16_t i = 0; i < MOST; i++)
		query(&w, i);
	for (uint16_t i = 1000; i < 2000; i++)
		answer(&w, i);
	for (uint16_t i = 1000; i < 2000; i++)
		query(&w, i);
	RM_CHECK(!w.muted);
	query(&w, MOST);
	RM_CHECK(w.muted);
	watch_close(&w);
	RM_CHECK(count(w.text, "outcome ") == 1000);
	RM_CHECK(count(w.text, "connection_reset") == MOST);
	watch_free(&w);
}

RM_TEST("a segment is told by the checksum of its head, whichever bit of it is wrong")
{
	static const uint8_t head[] = { 0x2a, 0x00, 0x02, 0xdf, 0x5c, 0x58 };

	for (int bit = -1; bit < 48; bit++) {
		struct rm_cql_segment s = { 0 };
		uint8_t copy[sizeof(head)];
		struct rm_str payload;
		size_t at = 0;

		memcpy(copy, head, sizeof(head));
		if (bit >= 0)
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		RM_CHECK(rm_cql_segment_next(&s, (struct rm_str){ (const char *)copy, sizeof(copy) }, &at, &payload) ==
			 (bit < 0 ? RM_CQL_SEGMENT_MORE : RM_CQL_SEGMENT_BAD));
	}
}
