/* exporters/collect.c: pieces of many streams, in whatever order they are found, become records once each. */
#include "exporters/collect.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/record.h"
#include "base/clock.h"
#include "base/segment.h"
#include "tests/rmtest.h"

static struct rm_collect collect;
static struct rm_env env;
static char got[1 << 16];
static size_t got_n;

static void note(void *arg, uint32_t resource, const struct rm_log *log)
{
	struct rm_str body = rm_log_body(log);

	RM_CHECK(rm_record_valid(&log->record, log->record.bytes));
	got_n += (size_t)snprintf(got + got_n, sizeof(got) - got_n, "%u[%.*s]", resource, (int)body.n, body.p);
}

static void begin(void)
{
	static char *none[] = { NULL };

	rm_env_load(&env, none, NULL);
	rm_collect_init(&collect, &env, note, NULL);
	got_n = 0;
	got[0] = '\0';
}

static void take(uint32_t resource, uint32_t source, uint8_t stream, uint64_t sequence, const char *text)
{
	static _Alignas(8) char memory[RM_RECORD_MAX_BYTES];
	struct rm_output *o = (struct rm_output *)memory;
	size_t n = strlen(text);

	memset(memory, 0, sizeof(memory));
	*o = (struct rm_output){ .record = { (uint32_t)(sizeof(*o) + ((n + 7) & ~(size_t)7)), RM_RECORD_OUTPUT, 0 },
				 .time_ns = 1, .source = source, .stream = stream, .sequence = sequence, .bytes = (uint32_t)n,
				 .bits = RM_OUTPUT_BEGINS | RM_OUTPUT_ENDS };
	memcpy(o + 1, text, n);
	RM_CHECK(rm_record_valid(&o->record, o->record.bytes));
	rm_collect_take(&collect, resource, o);
}

RM_TEST("streams of processes do not mix")
{
	begin();
	take(1, 1, 1, 0, "a");
	take(1, 1, 2, 0, "b");
	take(1, 2, 1, 0, "c");
	take(2, 1, 1, 0, "d");
	for (int i = 0; i < 2; i++) {
		take(1, 1, 1, 1, "1\n");
		take(1, 1, 2, 1, "2\n");
		take(1, 2, 1, 1, "3\n");
		take(2, 1, 1, 1, "4\n");
		if (i == 0)
			rm_collect_flush(&collect, 0);
	}
	RM_CHECK(strstr(got, "1[a1]") && strstr(got, "1[b2]") && strstr(got, "1[c3]") && strstr(got, "2[d4]"));
	rm_collect_fini(&collect);
}

RM_TEST("pieces that are found too early wait for those before them")
{
	begin();
	take(1, 1, 1, 2, "c\n");
	take(1, 1, 1, 1, "b\n");
	RM_CHECK(got_n == 0);
	take(1, 1, 1, 0, "a\n");
	take(1, 1, 1, 3, "d\n");
	rm_collect_flush(&collect, 0);
	RM_CHECK_STR(rm_str_c(got), "1[a]1[b]1[c]1[d]");
	RM_CHECK(collect.lost_pieces == 0);
	rm_collect_fini(&collect);
}

RM_TEST("a piece that never comes is given up: after a while, at a flush, or when too much waits with it")
{
	static char large[15001];
	uint64_t due = 0;

	begin();
	take(1, 1, 1, 0, "a");
	take(1, 1, 1, 2, "c\n");
	for (int i = 0; i < 400 && got_n < 8; i++) {
		due = rm_collect_run(&collect);
		usleep(10000);
	}
	RM_CHECK_STR(rm_str_c(got), "1[a]1[c]");
	RM_CHECK(due == UINT64_MAX && collect.lost_pieces == 1);
	take(1, 1, 1, 5, "f\n");
	rm_collect_flush(&collect, 0);
	RM_CHECK_STR(rm_str_c(got), "1[a]1[c]1[f]");
	RM_CHECK(collect.lost_pieces == 3);
	memset(large, 'x', sizeof(large) - 1);
	for (uint64_t i = 7; i < 7 + 80; i++)
		take(1, 1, 1, i, large);
	RM_CHECK(collect.lost_pieces == 4);
	rm_collect_fini(&collect);
}

RM_TEST("a piece that comes after it was given up stands for itself")
{
	begin();
	take(1, 1, 1, 1, "b\n");
	rm_collect_flush(&collect, 0);
	take(1, 1, 1, 2, "begin");
	take(1, 1, 1, 0, "late");
	take(1, 1, 1, 3, "end\n");
	rm_collect_flush(&collect, 0);
	RM_CHECK_STR(rm_str_c(got), "1[b]1[begin]1[late]1[end]");
	rm_collect_fini(&collect);
}

RM_TEST("an entry that nothing is added to is given after a while, and not before")
{
	uint64_t due, begin_ns = rm_clock_mono_ns();

	begin();
	take(1, 1, 1, 0, "a\n");
	due = rm_collect_run(&collect);
	/* A thread that was kept from running for that while cannot tell. */
	RM_CHECK((got_n == 0 && due != UINT64_MAX) || rm_clock_mono_ns() - begin_ns >= 200000000);
	for (int i = 0; i < 400 && !got_n; i++) {
		usleep(10000);
		due = rm_collect_run(&collect);
	}
	RM_CHECK_STR(rm_str_c(got), "1[a]");
	RM_CHECK(due == UINT64_MAX);
	rm_collect_fini(&collect);
}

RM_TEST("a process that ends leaves nothing behind, and others are not touched")
{
	begin();
	take(1, 1, 1, 0, "without end");
	take(2, 1, 1, 0, "other");
	rm_collect_end(&collect, 1);
	RM_CHECK_STR(rm_str_c(got), "1[without end]");
	take(1, 1, 1, 0, "again\n");
	rm_collect_end(&collect, 1);
	RM_CHECK_STR(rm_str_c(got), "1[without end]1[again]");
	rm_collect_end(&collect, 2);
	RM_CHECK_STR(rm_str_c(got), "1[without end]1[again]2[other]");
	rm_collect_fini(&collect);
}

RM_TEST("a record says which stream it is of and when it was written")
{
	static char *settings[] = { "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT=1", NULL };
	const struct rm_entry entry = { .text = RM_STR("t"), .time_ns = 5, .trace = { { 1 }, { 2 }, 1 }, .lost_bytes = 9 };
	static _Alignas(8) char memory[2048];
	const struct rm_log *l = (const struct rm_log *)memory;
	struct rm_log_limits limits = { 0 };
	struct rm_attr_iter it;
	struct rm_attr a;

	RM_CHECK(rm_log_record(&entry, RM_STREAM_STDERR, &limits, memory, sizeof(memory)) == l->record.bytes);
	RM_CHECK(l->time_ns == 5 && l->observed_ns == 5 && l->trace_id[0] == 1 && l->span_id[0] == 2 && l->trace_flags == 1);
	it = rm_record_attrs(&l->record);
	RM_CHECK(rm_attr_next(&it, &a));
	RM_CHECK_STR(a.key, "log.iostream");
	RM_CHECK_STR(a.v.str, "stderr");
	RM_CHECK(rm_attr_next(&it, &a) && a.v.i64 == 9);
	RM_CHECK_STR(a.key, "remora.lost_bytes");
	rm_env_load(&env, settings, NULL);
	rm_log_limits(&limits, &env);
	rm_log_record(&entry, RM_STREAM_STDOUT, &limits, memory, sizeof(memory));
	RM_CHECK(l->record.attr_count == 1 && l->dropped_attrs == 1);
	RM_CHECK(rm_log_record(&entry, RM_STREAM_STDOUT, &limits, memory, sizeof(*l)) == 0);
}
