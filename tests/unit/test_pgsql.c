/* What captures cannot say of PostgreSQL: sniffing, and the limits of what is remembered. */
#include <stdlib.h>

#include "protocols/prepared.h"
#include "tests/replay/watch.h"
#include "tests/unit/sniff_fixture.h"

extern const struct rm_proto rm_proto_pgsql;

RM_TEST("the start of a connection is recognised, in clear and before TLS")
{
	CLAIMED("\0\0\0\x10\0\3\0\0user\0a\0\0", "pgsql");
	CLAIMED("\0\0\0\x10\0\3\0\2user\0a\0\0", "pgsql");
	CLAIMED("\0\0\0\x08\x04\xd2\x16\x2f", "pgsql");
	CLAIMED("\0\0\0\x08\x04\xd2\x16\x30", "pgsql");
}

RM_TEST("nothing else is")
{
	CLAIMED("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2", "none"); /* a request to cancel */
	CLAIMED("\0\0\0\x10\0\2\0\0user\0a\0\0", "none");
	CLAIMED("\0\0\0\x11\0\3\0\0user\0a\0\0", "none");
	CLAIMED("\0\0\0\x11\0\3\0\0\0\0\0\1\0\0\0\0\0", "none"); /* Kafka asks for metadata */
	CLAIMED("\0\0\0\x0d\0\3\0\0\0\0\0\1\0\3a\xff\xff", "none");
	CLAIMED("\0\0\0\x0d\x04\xd2\x16\x2f" "abcde", "none");
	CLAIMED("\0\0\0\x08", "none");
	CLAIMED("Q\0\0\0\x0dSELECT 1\0", "none");
	CLAIMED("GET / HTTP/1.1\r\n\r\n", "http1");
	CLAIMED("\x16\x03\x01\x02\x01\x01", "tls");
	CLAIMED("*1\r\n$4\r\nPING\r\n", "redis");
}

#define JOINED(bytes) joined_by(&rm_proto_pgsql, bytes, sizeof(bytes) - 1)

RM_TEST("a connection that was there before is joined with whole questions")
{
	RM_CHECK(JOINED("Q\0\0\0\x0dSELECT 1\0") == RM_SNIFF_YES);
	RM_CHECK(JOINED("P\0\0\0\x10\0SELECT 1\0\0\0B\0\0\0\x0c\0\0\0\0\0\0\0\0E\0\0\0\x09\0\0\0\0\0S\0\0\0\4") == RM_SNIFF_YES);
	RM_CHECK(JOINED("B\0\0\0\x16\0s\0\0\1\0\1\0\1\0\0\0\1x\0\1\0\1D\0\0\0\6P\0H\0\0\0\4") == RM_SNIFF_YES);
	RM_CHECK(JOINED("B\0\0\0\x10\0\0\0\0\0\1\xff\xff\xff\xff\0\0") == RM_SNIFF_YES);
}

RM_TEST("with one that goes on it might be, and is not")
{
	RM_CHECK(JOINED("Q\0\0\0\x0dSELECT 1") == RM_SNIFF_MORE);
	RM_CHECK(JOINED("S\0\0\0\4Q\0\0\0\x0dSEL") == RM_SNIFF_MORE);
	RM_CHECK(JOINED("P\0\1\0\0name\0SELECT") == RM_SNIFF_MORE);
}

RM_TEST("nor with anything else")
{
	RM_CHECK(JOINED("") == RM_SNIFF_NO);
	RM_CHECK(JOINED("Q\0\0\0") == RM_SNIFF_NO);
	RM_CHECK(JOINED("Q\0\0\0\x0dSELECT 1\0x") == RM_SNIFF_NO);
	RM_CHECK(JOINED("Q\0\0\0\x0dSELECT\0 1") == RM_SNIFF_NO);
	RM_CHECK(JOINED("Q\0\0\0\x0eSELECT 1\0\0") == RM_SNIFF_NO);
	RM_CHECK(JOINED("Q\0\0\0\3") == RM_SNIFF_NO);
	RM_CHECK(JOINED("d\0\0\0\5x") == RM_SNIFF_NO);
	RM_CHECK(JOINED("X\0\0\0\4") == RM_SNIFF_NO);
	RM_CHECK(JOINED("P\0\0\0\x0f\0SELECT 1\0\0") == RM_SNIFF_NO);
	RM_CHECK(JOINED("P\0\0\0\x10\0SELECT 1\0\0\1") == RM_SNIFF_NO);
	RM_CHECK(JOINED("B\0\0\0\x10\0\0\0\0\0\1\0\0\0\5\0\0") == RM_SNIFF_NO);
	RM_CHECK(JOINED("B\0\0\0\x0c\0\0\0\0\0\1\0\0") == RM_SNIFF_NO);
	RM_CHECK(JOINED("E\0\0\0\x08\0\0\0\0") == RM_SNIFF_NO);
	RM_CHECK(JOINED("D\0\0\0\6X\0") == RM_SNIFF_NO);
	RM_CHECK(JOINED("S\0\0\0\5x") == RM_SNIFF_NO);
	RM_CHECK(JOINED("PING\r\n") == RM_SNIFF_NO);
	RM_CHECK(JOINED("SELECT 1 FROM orders") == RM_SNIFF_NO);
}

static const struct rm_sql select_a = { .query = { "SELECT ?", 8 }, .summary = { "SELECT a", 8 }, .operation = { "SELECT", 6 },
					.collection = { "a", 1 }, .statements = 1 };

static struct rm_str name_of(int i)
{
	static char text[16];

	return (struct rm_str){ text, (size_t)snprintf(text, sizeof(text), "s_%d", i) };
}

static bool known(struct rm_prepared *t, struct watch *w, struct rm_str name)
{
	struct rm_sql sql;

	rm_prepared_bind(t, &w->sink, RM_STR(""), name);
	return rm_prepared_portal(t, &w->sink, RM_STR(""), &sql) && rm_str_eq(sql.summary, select_a.summary) &&
	       rm_str_eq(sql.query, select_a.query) && rm_str_eq(sql.operation, select_a.operation) &&
	       rm_str_eq(sql.collection, select_a.collection);
}

RM_TEST("past the limit no statement with a name is remembered, those before and the one without are")
{
	struct rm_prepared t = { 0 };
	struct watch w;
	int first_lost = 0;

	watch_open(&w, &rm_proto_pgsql);
	for (int i = 0; i < 5000; i++)
		rm_prepared_add(&t, &w.sink, name_of(i), &select_a);
	while (first_lost < 5000 && known(&t, &w, name_of(first_lost)))
		first_lost++;
	RM_CHECK(first_lost > 1000 && first_lost < 5000);
	RM_CHECK(t.cap <= RM_HEAD_MAX_BYTES);
	rm_prepared_add(&t, &w.sink, RM_STR(""), &select_a);
	RM_CHECK(known(&t, &w, RM_STR("")));
	rm_prepared_close(&t, &w.sink, RM_PREPARED_STATEMENT, name_of(7));
	RM_CHECK(!known(&t, &w, name_of(7)));
	RM_CHECK(known(&t, &w, name_of(6)) && known(&t, &w, name_of(8)) && known(&t, &w, name_of(first_lost - 1)));
	for (int i = 20; i < 30; i++)
		rm_prepared_close(&t, &w.sink, RM_PREPARED_STATEMENT, name_of(i));
	rm_prepared_add(&t, &w.sink, name_of(7), &select_a);
	RM_CHECK(known(&t, &w, name_of(7)));
	watch_close(&w);
	watch_free(&w);
}

RM_TEST("portals with names run their own statements, until they are closed")
{
	struct rm_prepared t = { 0 };
	struct rm_sql sql;
	struct watch w;

	watch_open(&w, &rm_proto_pgsql);
	rm_prepared_add(&t, &w.sink, RM_STR("s"), &select_a);
	rm_prepared_bind(&t, &w.sink, RM_STR("p"), RM_STR("s"));
	rm_prepared_bind(&t, &w.sink, RM_STR(""), RM_STR("other"));
	RM_CHECK(rm_prepared_portal(&t, &w.sink, RM_STR("p"), &sql));
	RM_CHECK(!rm_prepared_portal(&t, &w.sink, RM_STR(""), &sql));
	rm_prepared_close(&t, &w.sink, RM_PREPARED_PORTAL, RM_STR("p"));
	RM_CHECK(!rm_prepared_portal(&t, &w.sink, RM_STR("p"), &sql));
	RM_CHECK(known(&t, &w, RM_STR("s")));
	watch_close(&w);
	watch_free(&w);
}
