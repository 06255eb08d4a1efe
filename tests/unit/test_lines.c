/* logs/lines.c: entries are the lines that were written, whole, once, in order, and belong to whom they belong. */
#include "logs/lines.h"

#include <stdlib.h>

#include "base/random.h"
#include "tests/rmtest.h"

static char text[RM_ENTRY_MAX_BYTES];
static struct rm_lines lines;

/* What came: each entry between brackets, the first byte of its trace before it, lost bytes behind it. */
static char got[1 << 20];
static size_t got_n;
static uint64_t last_time;

static void note(void *arg, const struct rm_entry *e)
{
	got_n += (size_t)snprintf(got + got_n, sizeof(got) - got_n, "%d[%.*s]", e->trace.trace_id[0], (int)e->text.n, e->text.p);
	if (e->lost_bytes)
		got_n += (size_t)snprintf(got + got_n, sizeof(got) - got_n, "-%llu", (unsigned long long)e->lost_bytes);
	last_time = e->time_ns;
}

static void begin(void)
{
	lines = (struct rm_lines){ .text = text, .cap = sizeof(text) };
	got_n = 0;
	got[0] = '\0';
}

static struct rm_piece piece(uint8_t trace, const char *s, bool begins)
{
	return (struct rm_piece){ .text = rm_str_c(s), .time_ns = 7, .trace = { { trace }, { trace }, 1 }, .begins = begins };
}

/* One call. */
static void write_as(uint8_t trace, const char *s)
{
	struct rm_piece p = piece(trace, s, true);

	rm_lines_feed(&lines, &p, note, NULL);
}

static const char *all(void)
{
	rm_lines_end(&lines, note, NULL);
	return got;
}

#define CHECK_ALL(want) RM_CHECK_STR(rm_str_c(all()), want)

RM_TEST("each line is an entry, given when the next one begins or nothing more comes")
{
	begin();
	write_as(1, "one\n");
	RM_CHECK(got_n == 0 && rm_lines_waits(&lines));
	write_as(2, "two\r\n");
	RM_CHECK_STR(rm_str_c(got), "1[one]");
	rm_lines_rest(&lines, note, NULL);
	RM_CHECK(!rm_lines_waits(&lines));
	CHECK_ALL("1[one]2[two]");
	RM_CHECK(last_time == 7);
}

RM_TEST("a line that comes in several calls is one, of whoever wrote all of it")
{
	begin();
	write_as(1, "a");
	write_as(1, "b");
	write_as(1, "c\n");
	write_as(2, "d");
	write_as(3, "e\n");
	write_as(4, "f");
	CHECK_ALL("1[abc]0[de]4[f]");
}

RM_TEST("what has no end yet waits, also while time passes, and what is before it does not")
{
	begin();
	write_as(1, "ready\n");
	write_as(2, "password: ");
	rm_lines_rest(&lines, note, NULL);
	RM_CHECK_STR(rm_str_c(got), "1[ready]");
	rm_lines_rest(&lines, note, NULL);
	RM_CHECK_STR(rm_str_c(got), "1[ready]");
	write_as(2, "given\n");
	CHECK_ALL("1[ready]2[password: given]");
}

RM_TEST("several entries in one call are a buffer that was emptied: nobody knows whose they are")
{
	begin();
	write_as(1, "one\ntwo\nthree\n");
	write_as(2, "four\n");
	write_as(3, "five\nsi");
	write_as(3, "x\n");
	write_as(4, "seven\n");
	CHECK_ALL("0[one]0[two]0[three]2[four]0[five]0[six]4[seven]");
}

RM_TEST("a call that ends one line and begins another has a part in both")
{
	begin();
	write_as(1, "on");
	write_as(1, "e\ntwo\n");
	write_as(1, "three\n");
	CHECK_ALL("0[one]0[two]1[three]");
}

RM_TEST("what was printed into a buffer that others fill too belongs to nobody")
{
	struct rm_piece p = piece(1, "one\n", true);

	begin();
	p.shared = true;
	rm_lines_feed(&lines, &p, note, NULL);
	write_as(1, "two\n");
	CHECK_ALL("0[one]1[two]");
}

RM_TEST("pieces of one call are one call")
{
	struct rm_piece first = piece(1, "one ", true), more = piece(1, "more\n", false), other = piece(1, "two\n", false);

	begin();
	rm_lines_feed(&lines, &first, note, NULL);
	rm_lines_feed(&lines, &more, note, NULL);
	write_as(2, "x\n");
	rm_lines_feed(&lines, &first, note, NULL);
	rm_lines_feed(&lines, &more, note, NULL);
	rm_lines_feed(&lines, &other, note, NULL);
	CHECK_ALL("1[one more]2[x]0[one more]0[two]");
}

RM_TEST("a call whose first part was given already has no trace for the rest")
{
	struct rm_piece first = piece(1, "one\n", true), rest = piece(1, "two\n", false);

	begin();
	rm_lines_feed(&lines, &first, note, NULL);
	rm_lines_rest(&lines, note, NULL);
	rm_lines_feed(&lines, &rest, note, NULL);
	write_as(1, "three\n");
	CHECK_ALL("1[one]0[two]1[three]");
}

RM_TEST("lines that begin with a blank go on with the line before, until an empty one")
{
	begin();
	write_as(1, "head\n  a\n\tb\n");
	write_as(2, "next\n");
	write_as(2, "  of next\n");
	write_as(3, "\n");
	write_as(3, "  after\n");
	CHECK_ALL("1[head\n  a\n\tb]2[next\n  of next]3[  after]");
}

RM_TEST("empty lines are no entries")
{
	begin();
	write_as(1, "\n\n\r\n");
	write_as(1, "a\n\n");
	write_as(2, "\nb\n");
	CHECK_ALL("1[a]2[b]");
}

RM_TEST("a gap ends what was begun, and what follows in that call belongs to nobody")
{
	struct rm_piece rest = piece(1, "st\nnext\n", false);

	begin();
	write_as(1, "fir");
	rm_lines_gap(&lines, note, NULL);
	RM_CHECK_STR(rm_str_c(got), "1[fir]");
	rm_lines_feed(&lines, &rest, note, NULL);
	write_as(2, "whole\n");
	CHECK_ALL("1[fir]0[st]0[next]2[whole]");
}

RM_TEST("bytes that a call wrote and nobody has are counted where they are missing")
{
	struct rm_piece p = piece(1, "begins", true);

	begin();
	p.lost_bytes = 100;
	rm_lines_feed(&lines, &p, note, NULL);
	p.text = RM_STR("whole\n");
	rm_lines_feed(&lines, &p, note, NULL);
	write_as(2, "b\n");
	CHECK_ALL("1[begins]-100" "1[whole]-100" "2[b]");
}

RM_TEST("a line that is longer than an entry may be is cut, and what is missing counted")
{
	static char much[RM_ENTRY_MAX_BYTES + 1001];
	struct rm_piece p = piece(1, "", true);

	begin();
	memset(much, 'x', sizeof(much));
	much[sizeof(much) - 1] = '\n';
	p.text = (struct rm_str){ much, sizeof(much) };
	rm_lines_feed(&lines, &p, note, NULL);
	write_as(2, "next\n");
	all();
	RM_CHECK(strncmp(got, "1[xxx", 5) == 0);
	RM_CHECK(strcmp(got + 2 + RM_ENTRY_MAX_BYTES, "]-10002[next]") == 0);
}

RM_TEST("many lines that are more than one entry may be are several, of whole lines")
{
	size_t given = 0;

	begin();
	write_as(1, "head\n");
	for (int i = 0; i < 2000; i++)
		write_as(1, "  0123456789012345678901234567890123456789012345678901234567890123456789\n");
	all();
	for (const char *p = got; (p = strstr(p, "6789\n")) || false; p++)
		given++;
	RM_CHECK(strstr(got, "6789]1[  0123456789"));
	RM_CHECK(!strchr(got, '-'));
	RM_CHECK(given > 1990);
}

RM_TEST("what has a NUL is no text and no entry, and is counted")
{
	struct rm_piece p = piece(1, "", true);

	begin();
	p.text = (struct rm_str){ "a\0b\nc\n", 6 };
	rm_lines_feed(&lines, &p, note, NULL);
	CHECK_ALL("0[c]");
	RM_CHECK(lines.skipped == 3);
}

static bool grow_to(struct rm_lines *l, size_t need)
{
	l->text = realloc(l->text, need);
	l->cap = need;
	return true;
}

RM_TEST("memory is asked for as it is needed, and not beyond the most that an entry has")
{
	static char much[3 * RM_ENTRY_MAX_BYTES];
	struct rm_piece p = piece(1, "", true);

	begin();
	lines = (struct rm_lines){ .grow = grow_to };
	write_as(1, "one\n");
	RM_CHECK(lines.cap < 100);
	memset(much, 'x', sizeof(much));
	p.text = (struct rm_str){ much, sizeof(much) };
	rm_lines_feed(&lines, &p, note, NULL);
	RM_CHECK(lines.cap == RM_ENTRY_MAX_BYTES);
	all();
	free(lines.text);
}

RM_TEST("however text is cut into calls, its lines are the same")
{
	static const char whole[] = "first\nsecond line\n  more\n\n\nthird\n\tx\n\ty\r\nlast without end";
	struct rm_random random = { { 1, 2, 3, 4 } };
	char want[256];

	begin();
	write_as(0, whole);
	strcpy(want, all());
	for (int round = 0; round < 2000; round++) {
		begin();
		for (size_t at = 0; at < sizeof(whole) - 1;) {
			size_t n = 1 + rm_random_u64(&random) % 9;
			struct rm_piece p = { .text = { whole + at, n < sizeof(whole) - 1 - at ? n : sizeof(whole) - 1 - at }, .begins = true };

			rm_lines_feed(&lines, &p, note, NULL);
			at += p.text.n;
		}
		CHECK_ALL(want);
	}
}

RM_TEST("a server's access log, and a sentence about an exception, are no beginnings of somebody else's trace")
{
	begin();
	write_as(1, "127.0.0.1 - - [30/Nov/2026 00:21:39] \"GET /home HTTP/1.1\" 200 -\n");
	write_as(2, "Exception on /broken [GET]\nTraceback (most recent call last):\n  File \"a\", line 1, in b\nKeyError: 'k'\n");
	CHECK_ALL("1[127.0.0.1 - - [30/Nov/2026 00:21:39] \"GET /home HTTP/1.1\" 200 -]"
		  "2[Exception on /broken [GET]\nTraceback (most recent call last):\n  File \"a\", line 1, in b\nKeyError: 'k']");
	begin();
	write_as(1, "::1 - frank [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 2326\n");
	write_as(2, "java.lang.IllegalStateException: as asked\n");
	write_as(2, "\tat a.b(C.java:1)\n");
	CHECK_ALL("1[::1 - frank [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 2326]"
		  "2[java.lang.IllegalStateException: as asked\n\tat a.b(C.java:1)]");
	begin();
	write_as(1, "2026-11-30 00:21:39 ERROR Main - it broke\n");
	write_as(1, "java.lang.IllegalStateException: as asked\n");
	write_as(1, "\tat a.b(C.java:1)\n");
	CHECK_ALL("1[2026-11-30 00:21:39 ERROR Main - it broke\njava.lang.IllegalStateException: as asked\n\tat a.b(C.java:1)]");
}
