/* JSON as it comes: protocols/json_scan.c. Each document is read whole, byte by byte, and cut in two at every byte. */
#include <stdio.h>
#include <string.h>

#include "protocols/json_scan.h"
#include "tests/rmtest.h"

struct log {
	char text[4096];
	size_t n;
	const char *collect; /* values of this member; NULL: of all */
	const char *stop;
};

static void put(struct log *l, const char *format, int depth, struct rm_str s, const char *more)
{
	l->n += (size_t)snprintf(l->text + l->n, sizeof(l->text) - l->n, format, depth, (int)s.n, s.n ? s.p : "", more);
}

static enum rm_json_scan_wish member(void *to, unsigned depth, struct rm_str key)
{
	struct log *l = to;

	put(l, "%d.%.*s=%s", (int)depth, key, "");
	if (l->stop && rm_str_eq(key, rm_str_c(l->stop)))
		return RM_JSON_SCAN_STOP;
	return !l->collect || rm_str_eq(key, rm_str_c(l->collect)) ? RM_JSON_SCAN_COLLECT : RM_JSON_SCAN_SKIP;
}

static enum rm_json_scan_wish value(void *to, unsigned depth, enum rm_json_scan_kind kind, struct rm_str text, bool whole)
{
	static const char *const kinds[] = { "text", "number", "word", "object", "array" };
	char more[32];

	snprintf(more, sizeof(more), " %s%s;", kinds[kind], whole ? "" : " cut");
	put(to, "%d:%.*s%s", (int)depth, text, more);
	return RM_JSON_SCAN_SKIP;
}

static const struct rm_json_scan_calls calls = { member, value };

static struct log whole(const char *json, size_t n, const char *collect, const char *stop, bool *ret_more)
{
	struct log l = { .collect = collect, .stop = stop };
	struct rm_json_scan j;

	rm_json_scan_begin(&j);
	*ret_more = rm_json_scan_feed(&j, json, n, &calls, &l);
	return l;
}

/* What is told of a document, however it is cut. */
static bool tells(const char *json, const char *want, bool want_more)
{
	size_t n = strlen(json);
	bool more, good;
	struct log first = whole(json, n, NULL, NULL, &more);

	good = strcmp(first.text, want) == 0 && more == want_more;
	if (!good)
		fprintf(stderr, "%s\n tells %s, %d\n", json, first.text, more);
	for (size_t cut = 0; cut <= n; cut++) {
		struct log l = { 0 };
		struct rm_json_scan j;

		rm_json_scan_begin(&j);
		rm_json_scan_feed(&j, json, cut, &calls, &l);
		more = rm_json_scan_feed(&j, json + cut, n - cut, &calls, &l);
		good = good && strcmp(l.text, want) == 0 && more == want_more;
	}
	return good;
}

RM_TEST("members of the two outermost levels are told, with their values")
{
	RM_CHECK(tells("{\"a\":\"b\",\"c\":-1.5e3,\"d\":true}", "1.a=1:b text;1.c=1:-1.5e3 number;1.d=1:true word;", false));
	RM_CHECK(tells(" {\r\n\t\"a\" : { \"b\" : null , \"c\":{\"d\":1}}, \"e\":[ ] } ",
		       "1.a=1: object;2.b=2:null word;2.c=2: object;1.e=1: array;", false));
	RM_CHECK(tells("[{\"a\":1},{\"a\":[{\"b\":2}]}]", "2.a=2:1 number;2.a=2: array;", false));
	RM_CHECK(tells("{}", "", false) && tells("[]", "", false) && tells("[[[[{}]]]]", "", false));
	RM_CHECK(tells("{\"a\":1", "1.a=", true) && tells("{\"a\":1 ", "1.a=1:1 number;", true));
}

RM_TEST("escapes are what they stand for; half a character is none")
{
	RM_CHECK(tells("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "1.a=1:\"\\/\b\f\n\r\t text;", false));
	RM_CHECK(tells("{\"\\u0061\":\"\\u0041\\u00e4\\u20AC\"}", "1.a=1:A\u00e4\u20ac text;", false));
	RM_CHECK(tells("{\"a\":\"x\\ud83d\\ude00\"}", "1.a=1:x text cut;", false));
	RM_CHECK(tells("{\"a\":\"\\x\"}", "1.a=", false) && tells("{\"a\":\"\\u00g0\"}", "1.a=", false));
}

RM_TEST("what is no JSON ends it")
{
	static const char *const bad[] = { "1", "\"a\"", "true", "}", "{]", "[}", "{,", "{1", "{\"a\"}", "{\"a\" 1}", "{\"a\":}", "[1 2]", "[1,,", "x" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct log l;
		bool more;

		l = whole(bad[i], strlen(bad[i]), NULL, NULL, &more);
		RM_CHECK(!more && strchr(l.text, ':') == NULL);
	}
}

RM_TEST("what is behind the end, or behind a stop, is not looked at")
{
	static const char json[] = "{\"a\":1,\"b\":2,\"c\":3}{\"d\":4}";
	struct log l;
	bool more;

	l = whole(json, strlen(json), NULL, "b", &more);
	RM_CHECK(!more && strcmp(l.text, "1.a=1:1 number;1.b=") == 0);
	l = whole(json, strlen(json), NULL, NULL, &more);
	RM_CHECK(!more && strstr(l.text, "1.c=1:3 number;") && !strstr(l.text, "d"));
}

RM_TEST("only what is asked for is collected, up to a limit")
{
	static char json[2000], want[600];
	struct log l;
	bool more;

	snprintf(json, sizeof(json), "{\"a\":\"%0300d\",\"b\":\"%0256d\",\"c\":\"%0300d\"}", 0, 0, 0);
	l = whole(json, strlen(json), "b", NULL, &more);
	snprintf(want, sizeof(want), "1.a=1: text;1.b=1:%0256d text;1.c=1: text;", 0);
	RM_CHECK(!more && strcmp(l.text, want) == 0);
	l = whole(json, strlen(json), "c", NULL, &more);
	snprintf(want, sizeof(want), "1.a=1: text;1.b=1: text;1.c=1:%0256d text cut;", 0);
	RM_CHECK(strcmp(l.text, want) == 0);
}

RM_TEST("sixty-four levels are read, more are not")
{
	char json[200];
	struct log l;
	bool more;

	memset(json, '[', 64);
	memset(json + 64, ']', 64);
	l = whole(json, 127, NULL, NULL, &more);
	RM_CHECK(more && l.n == 0);
	l = whole(json, 128, NULL, NULL, &more);
	RM_CHECK(!more);
	memset(json, '[', 65);
	l = whole(json, 65, NULL, NULL, &more);
	RM_CHECK(!more);
}
