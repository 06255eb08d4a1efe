/*
 * What programs print, logs/. The input is text; each byte of it that is 0x01 to 0x07 stands for the end of
 * a call, by another request each. What must hold for any input: entries are the same however the text is cut into
 * pieces; each is a piece of the text, in order, with nothing left out between two of them but ends of lines, and
 * what is counted; and one that has a trace consists of calls of that trace alone. Severities and exceptions are slices of their entry.
 */
#include <stdlib.h>
#include <string.h>

#include "logs/exception.h"
#include "logs/lines.h"
#include "logs/severity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ENTRIES_MAX = 4096, CALLS = 7 };

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* What came of it, one after the other: trace, length, text. */
struct outcome {
	char *bytes;
	size_t n;
	uint64_t lost;
};

static void check_slice(struct rm_str s, const char *p, size_t n)
{
	check(s.n == 0 || (s.p >= p && s.n <= n && s.p <= p + n - s.n));
}

/* In memory of exactly that size. */
static void look_into(struct rm_str entry)
{
	char *copy = malloc(entry.n);
	struct rm_str text = { memcpy(copy, entry.p, entry.n), entry.n };
	struct rm_severity_found severity = rm_severity_of(text);
	struct rm_exception_found x;

	check(severity.number <= 24 && (severity.number || !severity.text.n));
	check_slice(severity.text, copy, entry.n);
	if (rm_exception_of(text, &x)) {
		check(x.type.n > 0);
		check_slice(x.type, copy, entry.n);
		check_slice(x.message, copy, entry.n);
		check_slice(x.stacktrace, copy, entry.n);
	}
	free(copy);
}

static void keep(void *arg, const struct rm_entry *e)
{
	struct outcome *o = arg;
	uint32_t n = (uint32_t)e->text.n;

	check(n > 0 && n <= RM_ENTRY_MAX_BYTES && !memchr(e->text.p, '\0', n));
	check(e->text.p[n - 1] != '\n' && e->text.p[n - 1] != '\r');
	look_into(e->text);
	memcpy(o->bytes + o->n, &e->trace.trace_id[0], 1);
	memcpy(o->bytes + o->n + 1, &n, sizeof(n));
	memcpy(o->bytes + o->n + 5, e->text.p, n);
	o->n += 5 + n;
	o->lost += e->lost_bytes;
}

static bool grow(struct rm_lines *l, size_t need)
{
	l->text = realloc(l->text, need);
	l->cap = need;
	return true;
}

static bool is_end(uint8_t c)
{
	return c >= 1 && c <= CALLS;
}

/* Feeds calls, each cut into pieces of at most `most` bytes, in memory of exactly that size. */
static void feed(struct rm_lines *l, const uint8_t *data, size_t n, size_t most, struct outcome *o)
{
	bool begins = true;

	for (size_t at = 0; at < n;) {
		size_t end = at, take;
		uint8_t trace = 0;

		while (end < n && !is_end(data[end]))
			end++;
		trace = end < n ? data[end] : 0;
		take = end - at < most ? end - at : most;
		if (take > 0) {
			char *copy = malloc(take);
			struct rm_piece p = { .text = { memcpy(copy, data + at, take), take }, .trace = { { trace }, { trace }, 1 },
					      .begins = begins };

			rm_lines_feed(l, &p, keep, o);
			free(copy);
			begins = false;
		}
		at += take;
		if (at == end) {
			at++;
			begins = true;
		}
	}
	rm_lines_end(l, keep, o);
}

static struct outcome run(const uint8_t *data, size_t n, size_t most)
{
	struct outcome o = { .bytes = malloc(8 * n + 16) };
	struct rm_lines l = { .grow = grow };

	feed(&l, data, n, most, &o);
	o.lost += l.skipped;
	check(l.n == 0 && l.whole == 0 && l.cap <= RM_ENTRY_MAX_BYTES);
	free(l.text);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct outcome whole, cut;

	if (n > 4 * RM_ENTRY_MAX_BYTES)
		return 0;
	whole = run(data, n, SIZE_MAX);
	cut = run(data, n, 1 + n % 13);
	check(whole.n == cut.n && memcmp(whole.bytes, cut.bytes, whole.n) == 0 && whole.lost == cut.lost);
	for (size_t at = 0, from = 0; at < whole.n;) {
		uint8_t trace = (uint8_t)whole.bytes[at];
		uint32_t bytes, left;

		memcpy(&bytes, whole.bytes + at + 1, sizeof(bytes));
		for (left = bytes; left > 0; from++) {
			/* Its bytes are there, in order; what is between them is no more than ends of calls and of lines. */
			check(from < n);
			if (data[from] == (uint8_t)whole.bytes[at + 5 + bytes - left])
				left--;
		}
		check(!trace || is_end(trace));
		at += 5 + bytes;
	}
	free(whole.bytes);
	free(cut.bytes);
	return 0;
}
