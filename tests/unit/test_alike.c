/*
 * Operations that are like one before them: each span is the one that it would be by itself, on a connection of its own,
 * but for ids and times.
 */
#include "agent/alike.h"
#include "tests/unit/client_fixture.h"

#define GET "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
#define SELECT_7 "*2\r\n$6\r\nSELECT\r\n$1\r\n7\r\n"

enum { SPANS_MAX = 64 };

static _Alignas(8) char spans[SPANS_MAX][1024];
static int span_count;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static const struct rm_span *span_at(int i)
{
	return (const struct rm_span *)(const void *)spans[i];
}

static void restart(const char *variable)
{
	char *environment[] = { (char *)(uintptr_t)variable, NULL };

	stub_segment = (struct rm_segment){ 0 };
	stub_start(environment);
}

static void feed(enum rm_dir dir, const char *text)
{
	struct rm_conn *c = rm_conn_take(7);
	struct rm_visit v;

	must(c);
	c->peer = (struct rm_peer){ .port = 6380, .bytes = 9, .asked = true, .text = "127.0.0.1" };
	rm_visit_init(&v, c, rm_thread_self(), 7);
	rm_stream_feed(&v, dir, text, strlen(text));
	rm_conn_release(c);
}

static void ask(const char *text)
{
	feed(RM_DIR_REQUEST, text);
}

static void answer(const char *text)
{
	feed(RM_DIR_RESPONSE, text);
}

static void open_case(void)
{
	struct rm_conn *c;

	open_client(7);
	c = rm_conn_take(7);
	must(c);
	c->role = RM_ROLE_CLIENT;
	rm_conn_release(c);
}

/* An adapter says whom the next commands are for. */
static void belongs_to(rm_ctx ctx)
{
	struct rm_conn *c = rm_conn_take(7);

	must(c);
	c->bound = ctx;
	rm_conn_release(c);
}

/* Takes the spans that are over. */
static void take_spans(void)
{
	const struct rm_span *s;

	for (span_count = 0; (s = stub_span()) != NULL; span_count++) {
		must(span_count < SPANS_MAX && s->record.bytes <= sizeof(spans[0]));
		RM_CHECK(rm_record_valid(&s->record, s->record.bytes));
		memcpy(spans[span_count], s, s->record.bytes);
	}
}

static void close_case(void)
{
	close_fd(7);
	take_spans();
	RM_CHECK(all_freed());
}

/* All that is not a span's own is the same. */
static bool alike(const struct rm_span *a, const struct rm_span *b)
{
	struct rm_span x = *a, y = *b;

	memset(x.trace_id, 0, offsetof(struct rm_span, kind) - offsetof(struct rm_span, trace_id));
	memset(y.trace_id, 0, offsetof(struct rm_span, kind) - offsetof(struct rm_span, trace_id));
	return memcmp(&x, &y, sizeof(x)) == 0 && memcmp(a + 1, b + 1, a->record.bytes - sizeof(*a)) == 0;
}

/* Of a conversation on a connection of its own, the last span. */
static const struct rm_span *alone(const char *before, const char *said, const char *asked, const char *answered)
{
	static _Alignas(8) char kept[1024];
	static char others[sizeof(spans)];
	int count = span_count;

	memcpy(others, spans, sizeof(spans));
	open_case();
	ask(before);
	answer(said);
	ask(asked);
	answer(answered);
	close_case();
	must(span_count > 0);
	memcpy(kept, spans[span_count - 1], sizeof(kept));
	memcpy(spans, others, sizeof(spans));
	span_count = count;
	return (const struct rm_span *)(const void *)kept;
}

static bool ids_differ(void)
{
	static const uint8_t none[8];

	for (int i = 0; i < span_count; i++)
		for (int k = 0; k < i; k++)
			if (!memcmp(span_at(i)->span_id, span_at(k)->span_id, 8) ||
			    !memcmp(span_at(i)->trace_id, span_at(k)->trace_id, 16) || !memcmp(span_at(i)->span_id, none, 8))
				return false;
	return true;
}

RM_TEST("commands of a pipeline have the spans that each would have alone")
{
	restart(NULL);
	open_case();
	ask(GET);
	answer("$1\r\nv\r\n");
	ask(GET GET GET GET);
	RM_CHECK(stub_segment.ring[0].under_way == 4);
	answer("$1\r\nv\r\n$-1\r\n$1\r\nv\r\n");
	answer("+OK\r\n");
	close_case();
	RM_CHECK(span_count == 5 && ids_differ());
	for (int i = 0; i < span_count; i++) {
		RM_CHECK(alike(span_at(i), alone("", "", GET, "$1\r\nv\r\n")));
		RM_CHECK(span_at(i)->start_ns && span_at(i)->end_ns >= span_at(i)->start_ns);
		RM_CHECK(span_at(i)->trace_flags == (RM_FLAG_SAMPLED | RM_FLAG_RANDOM) && !span_at(i)->bits);
	}
}

RM_TEST("commands of memcached, too, and each is what it is")
{
	open_case();
	for (int i = 0; i < 3; i++) {
		ask("get k\r\n");
		answer("END\r\n");
		ask("delete k\r\n");
		answer(i == 1 ? "SERVER_ERROR secret\r\n" : "DELETED\r\n");
	}
	ask("get k\r\n");
	close_case();
	RM_CHECK(span_count == 7 && ids_differ());
	for (int i = 0; i < span_count; i++)
		RM_CHECK(rm_str_eq(rm_span_name(span_at(i)), i % 2 ? RM_STR("delete") : RM_STR("get")));
	RM_CHECK(alike(span_at(2), span_at(0)) && alike(span_at(4), span_at(0)) && alike(span_at(5), span_at(1)));
	RM_CHECK(span_at(3)->status == RM_STATUS_ERROR && span_at(6)->status == RM_STATUS_ERROR);
	RM_CHECK(alike(span_at(3), alone("", "", "delete k\r\n", "SERVER_ERROR secret\r\n")));
	RM_CHECK(alike(span_at(6), alone("", "", "get k\r\n", "")));
}

RM_TEST("numbers of arguments are told apart")
{
	open_case();
	for (int i = 0; i < 2; i++) {
		ask("*2\r\n$4\r\nMGET\r\n$1\r\na\r\n*3\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\nb\r\n");
		answer("+a\r\n+b\r\n");
	}
	close_case();
	RM_CHECK(span_count == 4 && alike(span_at(0), span_at(2)) && alike(span_at(1), span_at(3)));
	RM_CHECK(!alike(span_at(0), span_at(1)));
}

RM_TEST("an error is told of where others had none, and those behind it are as before")
{
	open_case();
	ask(GET);
	answer("$1\r\nv\r\n");
	ask(GET GET);
	answer("-WRONGTYPE secret\r\n$1\r\nv\r\n");
	close_case();
	RM_CHECK(span_count == 3 && span_at(1)->status == RM_STATUS_ERROR);
	RM_CHECK(alike(span_at(0), span_at(2)));
	RM_CHECK(alike(span_at(1), alone("", "", GET, "-WRONGTYPE secret\r\n")));
}

RM_TEST("behind SELECT the database is the new one, before it the old one")
{
	open_case();
	ask(GET);
	answer("$1\r\nv\r\n");
	ask(GET SELECT_7 GET GET);
	answer("$1\r\nv\r\n+OK\r\n$1\r\nv\r\n$1\r\nv\r\n");
	ask(GET);
	answer("$1\r\nv\r\n");
	close_case();
	RM_CHECK(span_count == 6 && alike(span_at(0), span_at(1)));
	for (int i = 3; i < 6; i++)
		RM_CHECK(alike(span_at(i), alone(SELECT_7, "+OK\r\n", GET, "$1\r\nv\r\n")));
}

RM_TEST("what waits when the connection ends is broken, as each alone would be")
{
	open_case();
	ask(GET);
	answer("$1\r\nv\r\n");
	ask(GET GET);
	close_case();
	RM_CHECK(span_count == 3 && span_at(1)->status == RM_STATUS_ERROR && ids_differ());
	RM_CHECK(alike(span_at(1), span_at(2)) && alike(span_at(1), alone("", "", GET, "")));
}

RM_TEST("what waits when the connection is muted is counted")
{
	uint64_t lost;

	open_case();
	ask(GET);
	answer("$1\r\nv\r\n");
	ask(GET GET);
	lost = atomic_load(&stub_segment.lost[RM_LOST_MUTED]);
	answer("?\r\n");
	RM_CHECK(atomic_load(&stub_segment.lost[RM_LOST_MUTED]) == lost + 2);
	close_case();
	RM_CHECK(span_count == 1);
}

RM_TEST("more kinds than are kept, and more than are kept under way, are all told of")
{
	static const char *const names[] = { "GET", "SET", "DEL", "TTL", "INCR", "DECR", "LLEN", "HLEN" };
	enum { KINDS = sizeof(names) / sizeof(*names) };
	char text[64];

	open_case();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < KINDS; i++) {
			snprintf(text, sizeof(text), "*2\r\n$%zu\r\n%s\r\n$1\r\nk\r\n", strlen(names[i]), names[i]);
			ask(text);
		}
		for (int i = 0; i < KINDS; i++)
			answer(":1\r\n");
	}
	close_case();
	RM_CHECK(span_count == 3 * KINDS && ids_differ());
	for (int i = 0; i < span_count; i++)
		RM_CHECK(rm_str_eq(rm_span_name(span_at(i)), rm_str_c(names[i % KINDS])));
	for (int i = KINDS; i < span_count; i++)
		RM_CHECK(alike(span_at(i), span_at(i - KINDS)));
}

RM_TEST("without sampling there is no span")
{
	restart("OTEL_TRACES_SAMPLER=always_off");
	open_case();
	ask(GET GET);
	answer("$1\r\nv\r\n$1\r\nv\r\n");
	ask(GET);
	answer("$1\r\nv\r\n");
	close_case();
	RM_CHECK(span_count == 0);
}

RM_TEST("of a part that is sampled all spans are whole")
{
	int total = 0;

	restart("OTEL_TRACES_SAMPLER=parentbased_adaptive");
	open_case();
	for (int i = 0; i < 20; i++) {
		ask(GET GET);
		answer("$1\r\nv\r\n$1\r\nv\r\n");
	}
	close_case();
	total = span_count;
	RM_CHECK(total == 40 && ids_differ());
	/* Each says by which threshold it was sampled: that is its own. */
	for (int i = 0; i < total; i++)
		RM_CHECK(alike(span_at(i), span_at(0)) && span_at(0)->tracestate_bytes);
}

RM_TEST("the parent is in the span, and that it is another process's")
{
	restart("TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
	open_case();
	ask(GET);
	answer("$1\r\nv\r\n");
	ask(GET GET);
	answer("$1\r\nv\r\n$1\r\nv\r\n");
	close_case();
	RM_CHECK(span_count == 3);
	for (int i = 0; i < span_count; i++) {
		RM_CHECK(span_at(i)->parent_id[0] == 0xb7 && span_at(i)->parent_id[7] == 0x31);
		RM_CHECK(span_at(i)->trace_id[0] == 0x0a && span_at(i)->bits == RM_SPAN_PARENT_REMOTE);
		RM_CHECK(alike(span_at(i), span_at(0)));
	}
	RM_CHECK(memcmp(span_at(1)->span_id, span_at(2)->span_id, 8) != 0);
}

RM_TEST("what belongs to nobody has no parent behind what has one")
{
	static const uint8_t none[8];

	open_case();
	ask(GET GET);
	answer("$1\r\nv\r\n$1\r\nv\r\n");
	belongs_to(RM_CTX_NOBODY);
	ask(GET);
	belongs_to(0);
	ask(GET);
	answer("$1\r\nv\r\n$1\r\nv\r\n");
	close_case();
	RM_CHECK(span_count == 4 && memcmp(span_at(2)->parent_id, none, 8) == 0 && !span_at(2)->bits);
	RM_CHECK(memcmp(span_at(2)->trace_id, span_at(0)->trace_id, 16) != 0);
	RM_CHECK(alike(span_at(3), span_at(0)) && span_at(3)->parent_id[0] == 0xb7);
}
