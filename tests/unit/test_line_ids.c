/* agent/line_ids.c: ids go into whole lines, so that they stay what they are, and into nothing else. */
#include "agent/line_ids.h"

#include <stdlib.h>

#include "base/json_read.h"
#include "base/random.h"
#include "tests/rmtest.h"

#define TRACE "000102030405060708090a0b0c0d0e0f"
#define SPAN "f0f1f2f3f4f5f6f7"
#define WORDS " trace_id=" TRACE " span_id=" SPAN
#define MEMBERS "\"trace_id\":\"" TRACE "\",\"span_id\":\"" SPAN "\""

static const struct rm_log_trace trace = {
	.trace_id = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	.span_id = { 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7 },
};

/* The text with its ids; "" where it gets none. It is read from memory of exactly its size. */
static const char *with(const char *p, size_t n)
{
	static char text[8192];
	char ids[RM_LINE_IDS_BYTES], *copy = malloc(n + !n);
	size_t bytes = 0, at;

	memcpy(copy, p, n);
	at = rm_line_ids((struct rm_str){ copy, n }, &trace, ids, &bytes);
	free(copy);
	text[0] = '\0';
	if (!at)
		return text;
	RM_CHECK(at < n && bytes <= sizeof(ids));
	snprintf(text, sizeof(text), "%.*s%.*s%.*s", (int)at, p, (int)bytes, ids, (int)(n - at), p + at);
	return text;
}

#define CHECK_WITH(text, want) RM_CHECK_STR(rm_str_c(with(text, sizeof(text) - 1)), want)

RM_TEST("a plain line gets words at its end")
{
	CHECK_WITH("INFO home\n", "INFO home" WORDS "\n");
	CHECK_WITH("a\r\n", "a" WORDS "\r\n");
	CHECK_WITH("\x1b[31;1mERROR\x1b[0m it broke\x1b[0m\n", "\x1b[31;1mERROR\x1b[0m it broke\x1b[0m" WORDS "\n");
	CHECK_WITH("[2026-11-30] caf\u00e9\ttab\n", "[2026-11-30] caf\u00e9\ttab" WORDS "\n");
	CHECK_WITH("a {\"b\":1}\n", "a {\"b\":1}" WORDS "\n");
}

RM_TEST("an object of JSON gets members, before its last brace")
{
	CHECK_WITH("{\"a\":1}\n", "{\"a\":1," MEMBERS "}\n");
	CHECK_WITH("{}\n", "{" MEMBERS "}\n");
	CHECK_WITH("{ \"a\" : { \"b\" : \"}\" } }\r\n", "{ \"a\" : { \"b\" : \"}\" } ," MEMBERS "}\r\n");
	CHECK_WITH("{\"a\":{\"trace_id\":\"x\"}}\n", "{\"a\":{\"trace_id\":\"x\"}," MEMBERS "}\n");
}

RM_TEST("what is no whole line of text, has ids, or goes on with another line is left alone")
{
	CHECK_WITH("", "");
	CHECK_WITH("\n", "");
	CHECK_WITH("\r\n", "");
	CHECK_WITH("no end", "");
	CHECK_WITH("two\nlines\n", "");
	CHECK_WITH("a line\n\n", "");
	CHECK_WITH("a\0b\n", "");
	CHECK_WITH("50%\rand more\n", "");
	CHECK_WITH("up\x1b[2A\n", "");
	CHECK_WITH("title\x1b]0;x\x07\n", "");
	CHECK_WITH("cut colour\x1b[3\n", "");
	CHECK_WITH("\tat a.b(C.java:1)\n", "");
	CHECK_WITH("  File \"a.py\", line 1\n", "");
	CHECK_WITH("INFO trace_id=1 home\n", "");
	CHECK_WITH("{\"trace_id\":\"x\"}\n", "");
	CHECK_WITH("{\"a\":1,\"span_id\":\"x\"}\n", "");
	CHECK_WITH("{\"tr\\u0061ce_id\":\"x\"}\n", "");
	CHECK_WITH("{\"a\":1\n", "");
	CHECK_WITH("{\"a\":1,}\n", "");
	CHECK_WITH("{\"a\":1} {\"b\":2}\n", "");
	CHECK_WITH("{a}\n", "");
	CHECK_WITH("[1,2]\n", "");
	CHECK_WITH("\"text\"\n", "");
	CHECK_WITH("12\n", "");
	CHECK_WITH("null\n", "");
}

RM_TEST("whatever is an object of JSON is one with ids, too, and what is none gets no members")
{
	static const char alphabet[] = "{}[]\",:a1\\ \tt";
	struct rm_random random = { { 0 } };

	for (int round = 0; round < 200000; round++) {
		char text[40];
		size_t n = 1 + rm_random_u64(&random) % 24;
		struct rm_json_reader j;
		const char *made;

		text[0] = '{';
		for (size_t i = 1; i < n; i++)
			text[i] = alphabet[rm_random_u64(&random) % (sizeof(alphabet) - 1)];
		text[n] = '\n';
		made = with(text, n + 1);
		rm_json_read(&j, (struct rm_str){ text, n });
		rm_json_skip(&j);
		if (!rm_json_read_all(&j)) {
			RM_CHECK(!*made);
			continue;
		}
		if (!*made)
			continue;
		rm_json_read(&j, (struct rm_str){ made, strlen(made) - 1 });
		rm_json_skip(&j);
		RM_CHECK(rm_json_read_all(&j));
	}
}
