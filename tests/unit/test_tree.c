/* relay/tree.c, rows.c and view.c: what is kept, in which order it is drawn, and that spans may lie. */
#include <stdlib.h>

#include "agent/record.h"
#include "base/err.h"
#include "base/segment.h"
#include "relay/tree.h"
#include "relay/view.h"
#include "tests/rmtest.h"

#define MS 1000000ull

static const uint8_t trace_a[16] = { 0xa }, trace_b[16] = { 0xb };

struct sample {
	const uint8_t *trace;
	const char *service, *name, *error;
	uint8_t id, parent;
	uint64_t start_ms, end_ms;
	enum rm_span_kind kind;
	int http_status;
	const char *path, *url;
	bool remote;
};

static int add_at(struct rm_tree *t, struct sample s, uint64_t now_ns)
{
	static _Alignas(8) char memory[RM_RECORD_MAX_BYTES];
	struct rm_span head = {
		.span_id = { s.id }, .parent_id = { s.parent },
		.start_ns = s.start_ms * MS, .end_ns = s.end_ms * MS, .kind = (uint8_t)s.kind,
		.status = s.error ? RM_STATUS_ERROR : RM_STATUS_UNSET,
		.bits = s.remote ? RM_SPAN_PARENT_REMOTE : 0,
	};
	struct rm_builder b = { 0 };

	memcpy(head.trace_id, s.trace ? s.trace : trace_a, 16);
	if (rm_builder_span(&b, memory, sizeof(memory), &head, rm_str_c(s.name), RM_STR("")) != RM_OK)
		return RM_E_FULL;
	if (s.http_status)
		rm_builder_i64(&b, RM_KEY_HTTP_RESPONSE_STATUS_CODE, s.http_status);
	if (s.path)
		rm_builder_str(&b, RM_KEY_URL_PATH, rm_str_c(s.path));
	if (s.url)
		rm_builder_str(&b, RM_KEY_URL_FULL, rm_str_c(s.url));
	if (s.error)
		rm_builder_str(&b, RM_KEY_ERROR_TYPE, rm_str_c(s.error));
	rm_builder_end(&b);
	return rm_tree_add(t, rm_tree_text(t, rm_str_c(s.service)), (struct rm_span *)memory, now_ns);
}

static int add(struct rm_tree *t, struct sample s)
{
	return add_at(t, s, 1000 * MS);
}

/* The names of a trace's lines, each with its depth: "0a 1b 1c"; '?' is a missing parent. */
static const char *shape(struct rm_tree *t, struct rm_trace *trace)
{
	static char text[4096];
	uint32_t rows = 0;
	struct rm_row *row = rm_tree_rows(t, trace, &rows);
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < rows && n < sizeof(text) - 64; i++) {
		struct rm_str name = RM_STR("?");

		if (row[i].node)
			name = rm_tree_text_of(t, row[i].node->name);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u%.*s", i ? " " : "",
				      row[i].depth, (int)name.n, name.p);
	}
	free(row);
	return text;
}

/* Takes the only trace and compares its shape. */
static void check_shape(struct rm_tree *t, const char *want)
{
	struct rm_trace *trace = rm_tree_take(t, 0, 0);

	RM_CHECK(trace != NULL);
	if (!trace)
		return;
	RM_CHECK(trace->later == NULL);
	RM_CHECK_STR(rm_str_c(shape(t, trace)), want);
	rm_tree_put(t, trace);
	rm_tree_free(t);
}

RM_TEST("children stand below their parent, siblings by start, whatever order they arrive in")
{
	struct rm_tree *t = rm_tree_new(100);

	add(t, (struct sample){ .name = "d", .id = 4, .parent = 3, .start_ms = 6, .end_ms = 7 });
	add(t, (struct sample){ .name = "c", .id = 3, .parent = 1, .start_ms = 5, .end_ms = 8 });
	add(t, (struct sample){ .name = "a", .id = 1, .start_ms = 0, .end_ms = 9 });
	add(t, (struct sample){ .name = "b", .id = 2, .parent = 1, .start_ms = 1, .end_ms = 4 });
	check_shape(t, "0a 1b 1c 2d");
}

RM_TEST("a parent without a span has one placeholder for all its children")
{
	struct rm_tree *t = rm_tree_new(100);

	add(t, (struct sample){ .name = "b", .id = 2, .parent = 9, .start_ms = 3, .end_ms = 4 });
	add(t, (struct sample){ .name = "c", .id = 3, .parent = 8, .start_ms = 2, .end_ms = 4 });
	add(t, (struct sample){ .name = "a", .id = 1, .parent = 9, .start_ms = 1, .end_ms = 4 });
	check_shape(t, "0? 1a 1b 0? 1c");
}

RM_TEST("spans that are each other's parents are all drawn, once")
{
	struct rm_tree *t = rm_tree_new(100);

	add(t, (struct sample){ .name = "a", .id = 1, .parent = 3, .start_ms = 1 });
	add(t, (struct sample){ .name = "b", .id = 2, .parent = 1, .start_ms = 2 });
	add(t, (struct sample){ .name = "c", .id = 3, .parent = 2, .start_ms = 3 });
	add(t, (struct sample){ .name = "d", .id = 4, .parent = 3, .start_ms = 4 });
	add(t, (struct sample){ .name = "e", .id = 5, .parent = 5, .start_ms = 5 });
	{
		struct rm_trace *trace = rm_tree_take(t, 0, 0);
		uint32_t rows = 0;
		struct rm_row *row = rm_tree_rows(t, trace, &rows);

		RM_CHECK(rows == 5);
		free(row);
		rm_tree_put(t, trace);
	}
	rm_tree_free(t);
}

RM_TEST("two spans of one id are both drawn")
{
	struct rm_tree *t = rm_tree_new(100);

	add(t, (struct sample){ .name = "a", .id = 1, .start_ms = 1 });
	add(t, (struct sample){ .name = "b", .id = 1, .parent = 1, .start_ms = 2 });
	check_shape(t, "0a 1b");
}

enum { CHOSEN = 2000, LONG_SEARCH = 64 };

/* FNV-1a without a seed, by which the tables once hashed. */
static uint32_t fnv(const void *p, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const uint8_t *)p)[i]) * 16777619u;
	return h;
}

/* The next of the 16 byte ids that all have the same 12 low bits of that hash, and no byte 0. */
static void choose_id(uint8_t *ret)
{
	static uint32_t counter;

	do {
		counter++;
		memset(ret, 0x41, 16);
		for (int i = 0; i < 8; i++)
			ret[i] = (uint8_t)(0x40 | (counter >> (4 * i) & 15));
	} while (fnv(ret, 16) & 0xfff);
}

RM_TEST("ids and names that were chosen to fall into one place of a table do not")
{
	struct rm_tree *t = rm_tree_new(CHOSEN);
	struct rm_tree_stats stats;
	char text[17] = "";

	for (int i = 0; i < CHOSEN; i++) {
		choose_id((uint8_t *)text);
		add(t, (struct sample){ .trace = (uint8_t *)text, .name = text, .id = 1 });
	}
	rm_tree_stats(t, &stats);
	RM_CHECK(stats.traces == CHOSEN && stats.longest_search < LONG_SEARCH);
	rm_tree_free(t);
}

RM_TEST("a chain of ten thousand spans is drawn without recursion")
{
	struct rm_tree *t = rm_tree_new(20000);
	static _Alignas(8) char memory[1024];
	uint32_t rows = 0;
	struct rm_trace *trace;
	struct rm_row *row;

	for (uint32_t i = 1; i <= 10000; i++) {
		struct rm_span head = { .trace_id = { 1 }, .start_ns = i, .end_ns = i };
		struct rm_builder b = { 0 };
		uint32_t parent = i - 1;

		memcpy(head.span_id, &i, 4);
		memcpy(head.parent_id, &parent, 4);
		rm_builder_span(&b, memory, sizeof(memory), &head, RM_STR("x"), RM_STR(""));
		rm_builder_end(&b);
		RM_CHECK(rm_tree_add(t, 0, (struct rm_span *)memory, 0) == RM_OK);
	}
	trace = rm_tree_take(t, 0, 0);
	row = rm_tree_rows(t, trace, &rows);
	RM_CHECK(rows == 10000);
	RM_CHECK(row && row[9999].depth == 9999);
	free(row);
	rm_tree_put(t, trace);
	rm_tree_free(t);
}

RM_TEST("past the limit spans are dropped and counted, and given back places are used again")
{
	struct rm_tree *t = rm_tree_new(2);
	struct rm_tree_stats stats;

	RM_CHECK(add(t, (struct sample){ .name = "a", .id = 1 }) == RM_OK);
	RM_CHECK(add(t, (struct sample){ .name = "b", .id = 2 }) == RM_OK);
	RM_CHECK(add(t, (struct sample){ .name = "c", .id = 3 }) == RM_E_FULL);
	rm_tree_put(t, rm_tree_take(t, 0, 0));
	RM_CHECK(add(t, (struct sample){ .name = "d", .id = 4 }) == RM_OK);
	rm_tree_stats(t, &stats);
	RM_CHECK(stats.dropped == 1);
	RM_CHECK(stats.spans == 3);
	rm_tree_free(t);
}

RM_TEST("traces come out in order of start")
{
	struct rm_tree *t = rm_tree_new(10);
	struct rm_trace *trace;

	add(t, (struct sample){ .trace = trace_a, .name = "late", .id = 1, .start_ms = 9 });
	add(t, (struct sample){ .trace = trace_b, .name = "early", .id = 1, .start_ms = 3 });
	trace = rm_tree_take(t, 0, 0);
	RM_CHECK(trace && trace->later);
	RM_CHECK_STR(rm_str_c(shape(t, trace)), "0early");
	RM_CHECK_STR(rm_str_c(shape(t, trace->later)), "0late");
	rm_tree_put(t, trace->later);
	rm_tree_put(t, trace);
	rm_tree_free(t);
}

RM_TEST("a trace is finished when it is quiet and no span waits for its parent")
{
	struct rm_tree *t = rm_tree_new(10);
	struct rm_trace *trace;

	add_at(t, (struct sample){ .name = "child", .id = 2, .parent = 1 }, 1000);
	RM_CHECK(rm_tree_take(t, 1000 + 100, 10) == NULL);
	add_at(t, (struct sample){ .name = "root", .id = 1 }, 2000);
	RM_CHECK(rm_tree_take(t, 2009, 10) == NULL);
	trace = rm_tree_take(t, 2010, 10);
	RM_CHECK(trace && trace->count == 2);
	rm_tree_put(t, trace);
	rm_tree_free(t);
}

RM_TEST("a trace whose root is in another process is waited for longer, a held one for ever")
{
	struct rm_tree *t = rm_tree_new(10);
	struct rm_trace *trace;

	add_at(t, (struct sample){ .trace = trace_a, .name = "a", .id = 2, .parent = 1, .remote = true }, 1000);
	add_at(t, (struct sample){ .trace = trace_b, .name = "b", .id = 2 }, 1000);
	rm_tree_hold(t, trace_b);
	RM_CHECK(rm_tree_take(t, 1020, 10) == NULL);
	trace = rm_tree_take(t, 9000, 10);
	RM_CHECK(trace && trace->later == NULL && memcmp(trace->id, trace_a, 16) == 0);
	rm_tree_put(t, trace);
	rm_tree_free(t);
}

RM_TEST("equal texts are stored once, also when there are thousands")
{
	struct rm_tree *t = rm_tree_new(10);
	uint32_t first = rm_tree_text(t, RM_STR("name 7"));
	char text[32];

	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "name %d", i);
		rm_tree_text(t, rm_str_c(text));
	}
	RM_CHECK(rm_tree_text(t, RM_STR("name 7")) == first);
	RM_CHECK_STR(rm_tree_text_of(t, rm_tree_text(t, RM_STR("name 4999"))), "name 4999");
	RM_CHECK(rm_tree_text(t, RM_STR("")) == 0);
	rm_tree_free(t);
}

RM_TEST("texts beyond their limit become dots instead of growing memory")
{
	struct rm_tree *t = rm_tree_new(10);
	static char text[RM_TREE_TEXT_BYTES_MAX / 4];

	for (int i = 0; i < 8; i++) {
		memset(text, 'a' + i, sizeof(text));
		rm_tree_text(t, (struct rm_str){ text, sizeof(text) });
	}
	RM_CHECK_STR(rm_tree_text_of(t, rm_tree_text(t, (struct rm_str){ text, sizeof(text) })), "...");
	rm_tree_free(t);
}

/* ---- view ---- */

/* Draws the only trace of `t`; frees `t`. */
static char *draw(struct rm_tree *t, struct rm_view v)
{
	struct rm_trace *trace = rm_tree_take(t, 0, 0);
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	rm_view_trace(&v, t, trace, out);
	fclose(out);
	rm_tree_put(t, trace);
	rm_tree_free(t);
	return text;
}

static struct rm_tree *shop(void)
{
	struct rm_tree *t = rm_tree_new(100);

	add(t, (struct sample){ .service = "shop", .name = "shop", .id = 1, .start_ms = 0, .end_ms = 120,
				.kind = RM_KIND_INTERNAL });
	add(t, (struct sample){ .service = "curl", .name = "GET", .id = 2, .parent = 1, .start_ms = 0,
				.end_ms = 60, .kind = RM_KIND_CLIENT });
	add(t, (struct sample){ .service = "nginx", .name = "GET", .id = 3, .parent = 2, .start_ms = 10,
				.end_ms = 50, .kind = RM_KIND_SERVER, .error = "502", .http_status = 502 });
	add(t, (struct sample){ .service = "curl", .name = "POST", .id = 4, .parent = 1, .start_ms = 60,
				.end_ms = 120, .kind = RM_KIND_CLIENT, .error = "timeout" });
	return t;
}

RM_TEST("a trace is drawn as a plain tree where there is no terminal and no UTF-8")
{
	char *text = draw(shop(), (struct rm_view){ .columns = 100 });

	RM_CHECK_STR(rm_str_c(text),
"trace 0a000000000000000000000000000000  4 spans  120 ms\n"
"shop shop            internal               ========================    120 ms\n"
"|- curl GET          client                 ============               60.0 ms\n"
"|  `- nginx GET      server   ERROR 502       ========                 40.0 ms\n"
"`- curl POST         client   ERROR timeout             ============   60.0 ms\n"
"\n");
	free(text);
}

RM_TEST("a span is drawn with what was asked for, of whom, and the status of the answer")
{
	struct rm_tree *t = rm_tree_new(100);
	char *text;

	add(t, (struct sample){ .service = "app", .name = "GET", .id = 1, .end_ms = 100, .kind = RM_KIND_SERVER,
				.http_status = 200, .path = "/cart" });
	add(t, (struct sample){ .service = "app", .name = "GET", .id = 2, .parent = 1, .start_ms = 55, .end_ms = 100,
				.kind = RM_KIND_CLIENT, .http_status = 404, .error = "404",
				.url = "https://stock.example:8443/item/7?token=REDACTED" });
	add(t, (struct sample){ .service = "db", .name = "GET /item/:id", .id = 3, .parent = 2, .start_ms = 60,
				.end_ms = 100, .kind = RM_KIND_SERVER, .http_status = 404, .path = "/item/7" });
	text = draw(t, (struct rm_view){ .columns = 110 });
	RM_CHECK_STR(rm_str_c(text),
"trace 0a000000000000000000000000000000  3 spans  100 ms\n"
"app GET /cart                        server   200       ========================    100 ms\n"
"`- app GET stock.example:8443/item/7 client   ERROR 404              ===========   45.0 ms\n"
"   `- db GET /item/:id               server   404                     ==========   40.0 ms\n"
"\n");
	free(text);
}

RM_TEST("of a long path the begin is drawn, and marked")
{
	struct rm_tree *t = rm_tree_new(10);
	char path[300], *text;

	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	add(t, (struct sample){ .service = "s", .name = "GET", .id = 1, .kind = RM_KIND_SERVER, .path = path });
	text = draw(t, (struct rm_view){ .columns = 200 });
	RM_CHECK(strstr(text, "GET /pppp") && strstr(text, "ppp... server"));
	free(text);
}

RM_TEST("a terminal with UTF-8 gets lines and colours")
{
	char *text = draw(shop(), (struct rm_view){ .columns = 100, .utf8 = true, .colour = true });

	RM_CHECK(strstr(text, "\u2514\u2500 ") != NULL);
	RM_CHECK(strstr(text, "\u2501\u2501") != NULL);
	RM_CHECK(strstr(text, "\x1b[31mERROR 502") != NULL);
	free(text);
}

RM_TEST("names from spans cannot send anything to the terminal")
{
	struct rm_tree *t = rm_tree_new(10);
	char *text;

	add(t, (struct sample){ .service = "a\x1b[2Jb", .name = "c\nd\x9b" "e\u202e\xff", .id = 1,
				.kind = RM_KIND_SERVER });
	text = draw(t, (struct rm_view){ .columns = 100, .utf8 = true });
	RM_CHECK(strchr(text, '\x1b') == NULL);
	RM_CHECK(strstr(text, "a?[2Jb c?d?e????") != NULL);
	free(text);
}

RM_TEST("a name too long for the line is cut and marked")
{
	struct rm_tree *t = rm_tree_new(10);
	char *text;

	add(t, (struct sample){ .service = "service", .id = 1, .kind = RM_KIND_SERVER,
		.name = "GET /a/very/long/route/that/no/terminal/has/room/for/and/that/nobody/reads" });
	text = draw(t, (struct rm_view){ .columns = 80 });
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		RM_CHECK(strlen(line) <= 80);
	free(text);
}

RM_TEST("of a trace with a thousand spans the first lines are drawn and the rest is counted")
{
	struct rm_tree *t = rm_tree_new(2000);
	char *text;

	add(t, (struct sample){ .name = "root", .id = 1, .end_ms = 9000 });
	for (unsigned i = 0; i < 1000; i++)
		add(t, (struct sample){ .name = "child", .id = 2, .parent = 1, .start_ms = i, .end_ms = i });
	text = draw(t, (struct rm_view){ .columns = 100 });
	RM_CHECK(strstr(text, "root") != NULL);
	RM_CHECK(strstr(text, "(601 more lines)") != NULL);
	free(text);
}

RM_TEST("durations are written as people read them")
{
	char text[24];
	static const struct {
		uint64_t ns;
		const char *want;
	} cases[] = {
		{ 0, "0 us" }, { 850999, "850 us" }, { 12340000, "12.3 ms" }, { 123400000, "123 ms" },
		{ 1234000000, "1.23 s" }, { 12340000000, "12.3 s" }, { 187000000000, "3 m 07 s" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rm_view_duration(cases[i].ns, false, text, sizeof(text));
		RM_CHECK_STR(rm_str_c(text), cases[i].want);
	}
}

/* ---- log records ---- */

struct sample_log {
	const uint8_t *trace;
	const char *body, *exception;
	uint8_t span, severity;
	uint64_t at_ms;
};

static void say(struct rm_tree *t, struct sample_log s)
{
	static _Alignas(8) char memory[RM_RECORD_MAX_BYTES];
	struct rm_log head = { .time_ns = s.at_ms * MS, .span_id = { s.span }, .severity = s.severity };
	struct rm_builder b = { 0 };

	if (s.trace)
		memcpy(head.trace_id, s.trace, 16);
	RM_CHECK(rm_builder_log(&b, memory, sizeof(memory), &head, RM_STR(""), RM_STR(""), rm_str_c(s.body)) == RM_OK);
	if (s.exception) {
		rm_builder_str(&b, RM_KEY_EXCEPTION_TYPE, rm_str_c(s.exception));
		rm_builder_str(&b, RM_KEY_EXCEPTION_MESSAGE, RM_STR("no\x1b[2J way"));
	}
	rm_builder_end(&b);
	rm_tree_say(t, (struct rm_log *)memory, 1000 * MS);
}

static void add_two_spans(struct rm_tree *t)
{
	add(t, (struct sample){ .service = "shop", .name = "GET", .id = 1, .kind = RM_KIND_SERVER, .end_ms = 100 });
	add(t, (struct sample){ .service = "stock", .name = "POST", .id = 2, .parent = 1, .kind = RM_KIND_SERVER,
				.start_ms = 10, .end_ms = 20 });
}

RM_TEST("log records are drawn below their span, by time, with their first line and their exception")
{
	struct rm_tree *t = rm_tree_new(100);
	struct rm_tree_stats s;
	char *text;

	say(t, (struct sample_log){ .trace = trace_a, .span = 1, .at_ms = 30, .body = "ERROR late\nTraceback:", .exception = "KeyError",
				    .severity = RM_SEVERITY_ERROR });
	add_two_spans(t);
	say(t, (struct sample_log){ .trace = trace_a, .span = 1, .at_ms = 5, .body = "early" });
	say(t, (struct sample_log){ .trace = trace_a, .span = 2, .at_ms = 12, .body = "in between", .severity = RM_SEVERITY_INFO + 1 });
	say(t, (struct sample_log){ .trace = trace_a, .span = 9, .at_ms = 1, .body = "lost" });
	say(t, (struct sample_log){ .body = "of nobody" });
	rm_tree_stats(t, &s);
	RM_CHECK(s.said.all == 5 && s.said.of_no_trace == 1 && s.said.dropped == 0);
	text = draw(t, (struct rm_view){ .columns = 100 });
	RM_CHECK(strstr(text, "\n|  +5.0 ms early\n|  +30.0 ms ERROR ERROR late | KeyError: no?[2J way\n`- stock") != NULL);
	RM_CHECK(strstr(text, "\n      +12.0 ms INFO in between\n") != NULL);
	RM_CHECK(strstr(text, "\nlog records of spans that are not shown:\n   +1.0 ms lost\n") != NULL);
	RM_CHECK(strstr(text, "of nobody") == NULL);
	free(text);
}

RM_TEST("of a span with many log records the first are drawn and the rest is counted")
{
	struct rm_tree *t = rm_tree_new(100);
	char *text;

	add_two_spans(t);
	for (unsigned i = 0; i < 25; i++)
		say(t, (struct sample_log){ .trace = trace_a, .span = 2, .at_ms = i, .body = "again" });
	text = draw(t, (struct rm_view){ .columns = 100 });
	RM_CHECK(strstr(text, "(5 more log records)\n") != NULL);
	free(text);
}

RM_TEST("no more log records are kept than there are places for, and places are given back")
{
	struct rm_tree *t = rm_tree_new(100);
	struct rm_tree_stats s;
	struct rm_trace *trace;

	add_two_spans(t);
	for (unsigned i = 0; i < RM_SAID_MAX + 3; i++)
		say(t, (struct sample_log){ .trace = trace_a, .span = 1, .at_ms = i, .body = "again" });
	rm_tree_stats(t, &s);
	RM_CHECK(s.said.kept == RM_SAID_MAX && s.said.dropped == 3);
	trace = rm_tree_take(t, 0, 0);
	rm_tree_put(t, trace);
	say(t, (struct sample_log){ .trace = trace_b, .span = 1, .body = "again" });
	rm_tree_stats(t, &s);
	RM_CHECK(s.said.kept == 1 && rm_tree_take(t, 0, 0) == NULL);
	rm_tree_free(t);
}
