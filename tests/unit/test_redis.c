/* What captures cannot say of Redis: sniffing, the names of commands, pipelines of any length. */
#include <stdlib.h>

#include "protocols/redis_names.h"
#include "tests/replay/watch.h"
#include "tests/unit/sniff_fixture.h"

extern const struct rm_proto rm_proto_redis;

static enum rm_sniff sniff(const char *text)
{
	return rm_proto_redis.sniff((const uint8_t *)text, strlen(text));
}

RM_TEST("a command as an array of strings is recognised from its first byte on")
{
	RM_CHECK(sniff("*") == RM_SNIFF_MORE);
	RM_CHECK(sniff("*1") == RM_SNIFF_MORE);
	RM_CHECK(sniff("*12\r\n") == RM_SNIFF_MORE);
	RM_CHECK(sniff("*1\r\n$4") == RM_SNIFF_YES);
	RM_CHECK(sniff("PING\r\n") == RM_SNIFF_YES);
	RM_CHECK(sniff("PING\r\nPING\r\n") == RM_SNIFF_YES);
}

RM_TEST("nothing else is")
{
	RM_CHECK(sniff("*0\r\n") == RM_SNIFF_NO);
	RM_CHECK(sniff("*1\r\n:4") == RM_SNIFF_NO);
	RM_CHECK(sniff("*x") == RM_SNIFF_NO);
	RM_CHECK(sniff("* OK IMAP4rev1") == RM_SNIFF_NO);
	RM_CHECK(sniff("*1 / HTTP/1.1\r\n") == RM_SNIFF_NO);
	RM_CHECK(sniff("*1234567890\r\n$1") == RM_SNIFF_NO);
	RM_CHECK(sniff("PING x\r\n") == RM_SNIFF_NO);
	RM_CHECK(sniff("INFO\r\n") == RM_SNIFF_NO);
	RM_CHECK(sniff("\x16\x03\x01") == RM_SNIFF_NO);
}

RM_TEST("each protocol's first bytes are claimed by that one")
{
	CLAIMED("*1\r\n$4\r\nPING\r\n", "redis");
	CLAIMED("PING\r\n", "redis");
	CLAIMED("GET / HTTP/1.1\r\n\r\n", "http1");
	CLAIMED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2");
	CLAIMED("\x16\x03\x01\x02\x01\x01", "tls");
	CLAIMED("EHLO a\r\n", "none");
	CLAIMED("get key\r\n", "memcached");
	CLAIMED("CONNECT {\"verbose\":false}\r\nPING\r\n", "nats");
}

static struct rm_str known(const char *word)
{
	const struct rm_redis_name *found = rm_redis_find(word, strlen(word));

	return rm_str_c(found ? found->name : NULL);
}

RM_TEST("commands of each letter are found, the first and the last of some")
{
	static const char *const some[] = { "ACL", "AUTH", "BF.ADD", "BZPOPMIN", "CF.ADD", "COPY", "DBSIZE", "DUMP", "ECHO",
					    "EXPIRETIME", "FAILOVER", "FUNCTION", "GEOADD", "GRAPH.RO_QUERY", "HDEL", "HVALS",
					    "INCR", "INFO", "JSON.ARRAPPEND", "JSON.TYPE", "KEYS", "LASTSAVE", "LTRIM", "MEMORY",
					    "MULTI", "OBJECT", "PERSIST", "PUNSUBSCRIBE", "QUIT", "RANDOMKEY", "RPUSHX", "SADD",
					    "SYNC", "TIME", "TYPE", "UNLINK", "UNWATCH", "VADD", "VSIM", "WAIT", "WATCH", "XACK",
					    "XTRIM", "ZADD", "ZUNIONSTORE" };

	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
		RM_CHECK_STR(known(some[i]), some[i]);
}

RM_TEST("commands are known in letters of any case, to the last letter")
{
	RM_CHECK_STR(known("ACL"), "ACL");
	RM_CHECK_STR(known("append"), "APPEND");
	RM_CHECK_STR(known("zUnionStore"), "ZUNIONSTORE");
	RM_CHECK_STR(known("GEORADIUSBYMEMBER_RO"), "GEORADIUSBYMEMBER_RO");
	RM_CHECK_STR(known("restore-asking"), "RESTORE-ASKING");
	RM_CHECK_STR(known("json.get"), "JSON.GET");
	RM_CHECK_STR(known("ZSCORE"), "ZSCORE");
	RM_CHECK_STR(known("1GET"), "");
	RM_CHECK_STR(known("GE"), "");
	RM_CHECK_STR(known("GETX"), "");
	RM_CHECK_STR(known("GEORADIUSBYMEMBER_ROX"), "");
	RM_CHECK_STR(known(""), "");
	RM_CHECK(rm_redis_find("monitor", 7)->kind == RM_REDIS_STREAMS);
	RM_CHECK(rm_redis_find("get", 3)->kind == RM_REDIS_PLAIN);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

RM_TEST("a pipeline that is longer than what is remembered stays in step with its answers")
{
	static const char ping[] = "*1\r\n$4\r\nPING\r\n", select[] = "*2\r\n$6\r\nSELECT\r\n$1\r\n7\r\n";
	struct watch w;

	watch_open(&w, &rm_proto_redis);
	for (int i = 0; i < 20000; i++)
		watch_feed(&w, RM_DIR_REQUEST, ping, sizeof(ping) - 1);
	for (int i = 0; i < 19999; i++)
		watch_feed(&w, RM_DIR_RESPONSE, "+PONG\r\n", 7);
	watch_feed(&w, RM_DIR_RESPONSE, "-LAST one\r\n", 11);
	watch_feed(&w, RM_DIR_REQUEST, select, sizeof(select) - 1);
	watch_feed(&w, RM_DIR_RESPONSE, "+OK\r\n", 5);
	RM_CHECK(!w.muted);
	watch_close(&w);
	RM_CHECK(count(w.text, "outcome ") == 20001);
	RM_CHECK(count(w.text, "forgotten\n") == 20000 - 8191);
	RM_CHECK(strstr(w.text, "outcome 0 failed LAST\n") != NULL);
	RM_CHECK(strstr(w.text, "outcome 20001 ok\n  space 7\n") != NULL);
	watch_free(&w);
}

RM_TEST("the ring of waiting commands grows with its beginning anywhere")
{
	static const char get[] = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
	unsigned asked = 0, answered = 0;
	struct watch w;

	watch_open(&w, &rm_proto_redis);
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < 10 * round; i++, asked++)
			watch_feed(&w, RM_DIR_REQUEST, get, sizeof(get) - 1);
		for (int i = 0; i < 9 * round; i++, answered++)
			watch_feed(&w, RM_DIR_RESPONSE, "$-1\r\n", 5);
	}
	for (; answered < asked; answered++)
		watch_feed(&w, RM_DIR_RESPONSE, "$-1\r\n", 5);
	watch_close(&w);
	for (unsigned i = 1, at = 0; i <= asked; i++) {
		char line[32];
		const char *found;

		snprintf(line, sizeof(line), "outcome %u ok\n", i);
		found = strstr(w.text + at, line);
		RM_CHECK(found != NULL);
		if (!found)
			break;
		at = (unsigned)(found - w.text);
	}
	RM_CHECK(!w.muted);
	watch_free(&w);
}

RM_TEST("a string that does not end where it says is none, in a command and in an answer")
{
	static const char get[] = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", longer[] = "*2\r\n$3\r\nGETS\r\n$1\r\nk\r\n";
	struct watch w;

	watch_open(&w, &rm_proto_redis);
	watch_feed(&w, RM_DIR_REQUEST, get, sizeof(get) - 1);
	RM_CHECK(!w.muted);
	watch_feed(&w, RM_DIR_REQUEST, longer, sizeof(longer) - 1);
	RM_CHECK(w.muted);
	watch_close(&w);
	watch_free(&w);
	watch_open(&w, &rm_proto_redis);
	watch_feed(&w, RM_DIR_REQUEST, get, sizeof(get) - 1);
	watch_feed(&w, RM_DIR_REQUEST, get, sizeof(get) - 1);
	watch_feed(&w, RM_DIR_RESPONSE, "$1\r\nvar+OK\r\n", 12);
	RM_CHECK(w.muted);
	watch_close(&w);
	watch_free(&w);
}
