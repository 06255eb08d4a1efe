/* Records of logs and of output: what is built is read back, and foreign bytes cannot mislead. */
#include <stdlib.h>

#include "agent/record.h"
#include "base/err.h"
#include "tests/rmtest.h"
#include "tests/unit/record_check.h"

enum { CAP = 1024 };

static _Alignas(8) char memory[CAP];

static const struct rm_log log_head = {
	.time_ns = 10, .observed_ns = 20, .trace_id = { 1 }, .span_id = { 2 }, .severity = RM_SEVERITY_WARN,
	.severity_bytes = 99, .event_bytes = 98, .body_bytes = 97, .trace_flags = 1,
};

/* A log record with everything. Returns its size. */
static uint32_t build_log(struct rm_builder *b)
{
	RM_CHECK(rm_builder_log(b, memory, CAP, &log_head, RM_STR("WARNING"), RM_STR("exception"), RM_STR("two\nlines")) == RM_OK);
	rm_builder_str(b, RM_KEY_URL_PATH, RM_STR("/a"));
	rm_builder_i64(b, RM_KEY_SERVER_PORT, 80);
	return rm_builder_end(b);
}

RM_TEST("a log record is read back as it was built, with the limits of its attributes")
{
	struct rm_builder b = { .max_attrs = 1 };
	const struct rm_log *l = (const struct rm_log *)memory;
	struct rm_attr_iter it;
	struct rm_attr a;
	uint32_t bytes;

	memset(memory, 0xaa, sizeof(memory));
	bytes = build_log(&b);
	RM_CHECK(bytes % 8 == 0 && l->record.bytes == bytes && rm_record_valid(&l->record, bytes));
	RM_CHECK(l->record.type == RM_RECORD_LOG && l->time_ns == 10 && l->observed_ns == 20 && l->severity == RM_SEVERITY_WARN);
	RM_CHECK_STR(rm_log_severity_text(l), "WARNING");
	RM_CHECK_STR(rm_log_event_name(l), "exception");
	RM_CHECK_STR(rm_log_body(l), "two\nlines");
	RM_CHECK(rm_log_has_trace(l) && l->dropped_attrs == 1);
	it = rm_record_attrs(&l->record);
	RM_CHECK(rm_attr_next(&it, &a));
	RM_CHECK_STR(a.v.str, "/a");
	RM_CHECK(!rm_attr_next(&it, &a));
}

RM_TEST("a log record is of a trace only with both ids")
{
	struct rm_log l = log_head;

	RM_CHECK(rm_log_has_trace(&l));
	l.span_id[0] = 0;
	RM_CHECK(!rm_log_has_trace(&l));
	l = log_head;
	l.trace_id[0] = 0;
	RM_CHECK(!rm_log_has_trace(&l));
}

RM_TEST("a log record without room, or with texts longer than its fields can say, is not made")
{
	static char text[1 << 9];
	struct rm_str body = RM_STR("0123456789");
	struct rm_builder b = { 0 };

	for (uint32_t cap = 0; cap < sizeof(log_head) + 16; cap += 8)
		RM_CHECK(rm_builder_log(&b, memory, cap, &log_head, RM_STR(""), RM_STR(""), body) == RM_E_FULL);
	RM_CHECK(rm_builder_log(&b, memory, sizeof(log_head) + 16, &log_head, RM_STR(""), RM_STR(""), body) == RM_OK);
	RM_CHECK(rm_record_valid(b.record, rm_builder_end(&b)));
	memset(text, 'x', sizeof(text));
	body = (struct rm_str){ text, 256 };
	RM_CHECK(rm_builder_log(&b, memory, CAP, &log_head, body, RM_STR(""), RM_STR("")) == RM_E_FULL);
	RM_CHECK(rm_builder_log(&b, memory, CAP, &log_head, RM_STR(""), body, RM_STR("")) == RM_E_FULL);
	body.n = 255;
	RM_CHECK(rm_builder_log(&b, memory, CAP, &log_head, body, body, body) == RM_OK);
	RM_CHECK(rm_record_valid(b.record, rm_builder_end(&b)));
}

RM_TEST("a log record with wrong lengths or severities, or cut short, is not valid")
{
	struct rm_builder b = { 0 };
	uint32_t bytes = build_log(&b);
	struct rm_log *s = (struct rm_log *)memory;

	CHECK_INVALID(s->severity, RM_SEVERITY_MAX + 1);
	CHECK_INVALID(s->severity_bytes, 255);
	CHECK_INVALID(s->event_bytes, 255);
	CHECK_INVALID(s->body_bytes, 1000);
	CHECK_INVALID(s->body_bytes, UINT32_MAX);
	CHECK_INVALID(s->record.attr_count, 3);
	for (uint32_t n = 0; n < bytes; n += 8) {
		s->record.bytes = n;
		RM_CHECK(!rm_record_valid(&s->record, n));
	}
}

RM_TEST("a piece of output is valid with its bytes, of a stream that there is, and without attributes")
{
	struct rm_output *s = (struct rm_output *)memory;
	const uint32_t bytes = sizeof(*s) + 16;

	memset(memory, 0, sizeof(memory));
	*s = (struct rm_output){ .record = { bytes, RM_RECORD_OUTPUT, 0 }, .stream = RM_STREAM_STDERR, .bytes = 9 };
	memcpy(s + 1, "123456789", 9);
	RM_CHECK(rm_record_valid(&s->record, bytes));
	RM_CHECK_STR(rm_output_text(s), "123456789");
	CHECK_INVALID(s->stream, 0);
	CHECK_INVALID(s->stream, 3);
	CHECK_INVALID(s->bytes, 17);
	CHECK_INVALID(s->bytes, 8);
	CHECK_INVALID(s->bytes, UINT32_MAX);
	CHECK_INVALID(s->record.attr_count, 1);
	s->record.bytes = sizeof(*s) - 8;
	RM_CHECK(!rm_record_valid(&s->record, sizeof(*s) - 8));
}
