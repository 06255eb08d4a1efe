/*
 * Spans with everything that a record can hold, for tests of exporters and the pipeline: each kind
 * of attribute, a remote and a local parent, text that is not UTF-8, two resources.
 */
#ifndef RM_TESTS_SAMPLE_BATCH_H
#define RM_TESTS_SAMPLE_BATCH_H

#include <string.h>

#include "agent/record.h"

enum { SAMPLE_CAP = 2048, SAMPLE_SPANS = 3, SAMPLE_LOGS = 3 };

struct sample {
	_Alignas(8) char resource[2][SAMPLE_CAP];
	_Alignas(8) char span[SAMPLE_SPANS][SAMPLE_CAP];
	const struct rm_span *spans[SAMPLE_SPANS];
	struct rm_batch_group groups[2];
	struct rm_batch batch;
	_Alignas(8) char log[SAMPLE_LOGS][SAMPLE_CAP];
	const struct rm_log *logs[SAMPLE_LOGS];
	struct rm_batch_group log_groups[2];
	struct rm_batch log_batch;
};

/* Makes a number at the end of a record, `back` attributes from its end, one of another type. */
static inline void sample_retype(struct rm_record *r, unsigned back, enum rm_attr_type type)
{
	struct rm_attr_head *head = (struct rm_attr_head *)((char *)r + r->bytes - 16 * back);

	head->type = (uint8_t)type;
}

static inline void sample_resource(char *memory, struct rm_str service, int64_t pid)
{
	struct rm_builder b = { 0 };

	rm_builder_resource(&b, memory, SAMPLE_CAP);
	rm_builder_str(&b, RM_KEY_SERVICE_NAME, service);
	rm_builder_named_str(&b, RM_STR("deployment.environment.name"), RM_STR("test"));
	rm_builder_i64(&b, RM_KEY_PROCESS_PID, pid);
	rm_builder_end(&b);
}

/* A SERVER span below a remote parent, with every type of attribute. */
static inline void sample_server(char *memory)
{
	static const struct rm_str values[] = { { "gzip", 4 }, { "br", 2 } };
	static const struct rm_span head = {
		.trace_id = { 0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb,
			      0x21, 0x1c, 0x80, 0x31, 0x9c },
		.span_id = { 0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31 },
		.parent_id = { 0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7 },
		.start_ns = 1544712660300000123,
		.end_ns = 1544712660600000456,
		.kind = RM_KIND_SERVER,
		.status = RM_STATUS_ERROR,
		.trace_flags = 3,
		.bits = RM_SPAN_PARENT_REMOTE,
	};
	struct rm_builder b = { .max_attrs = 7 };
	double half = 0.5;
	int64_t bits;

	memcpy(&bits, &half, sizeof(bits));
	rm_builder_span(&b, memory, SAMPLE_CAP, &head, RM_STR("GET /caf\xc3\xa9"),
			RM_STR("congo=t61rcWkgMzE"));
	rm_builder_str(&b, RM_KEY_HTTP_REQUEST_METHOD, RM_STR("GET"));
	rm_builder_str(&b, RM_KEY_URL_QUERY, RM_STR("bad=\xff\xfe&good=\xe2\x82\xac"));
	rm_builder_named_strs(&b, RM_STR("http.request.header.accept-encoding"), values, 2);
	rm_builder_i64(&b, RM_KEY_HTTP_RESPONSE_STATUS_CODE, 500);
	rm_builder_i64(&b, RM_KEY_HTTP_REQUEST_BODY_SIZE, -9007199254740993);
	rm_builder_i64(&b, RM_KEY_SERVER_PORT, bits);
	rm_builder_i64(&b, RM_KEY_CLIENT_ADDRESS, 1);
	rm_builder_str(&b, RM_KEY_URL_SCHEME, RM_STR("one too many"));
	rm_builder_end(&b);
	sample_retype((struct rm_record *)memory, 2, RM_ATTR_F64);
	sample_retype((struct rm_record *)memory, 1, RM_ATTR_BOOL);
}

/* A CLIENT span with nothing but its name: a child of the SERVER span, or a root. */
static inline void sample_client(char *memory, bool is_root)
{
	struct rm_span head = {
		.trace_id = { 0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb,
			      0x21, 0x1c, 0x80, 0x31, 0x9c },
		.span_id = { 1, 2, 3, 4, 5, 6, 7, is_root },
		.start_ns = 1544712660400000000,
		.end_ns = 1544712660500000000,
		.kind = RM_KIND_CLIENT,
		.trace_flags = 1,
	};
	static const uint8_t parent[8] = { 0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31 };
	struct rm_builder b = { 0 };

	if (!is_root)
		memcpy(head.parent_id, parent, sizeof(parent));
	rm_builder_span(&b, memory, SAMPLE_CAP, &head, RM_STR("POST"), RM_STR(""));
	rm_builder_end(&b);
}

/* A CONSUMER span of two messages that others sent, one of which was not sampled; a third is left out. */
static inline void sample_linked(char *memory)
{
	static const struct rm_link link = {
		.trace_id = { 0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb,
			      0x21, 0x1c, 0x80, 0x31, 0x9c },
		.span_id = { 1, 2, 3, 4, 5, 6, 7, 8 },
		.trace_flags = 1,
	};
	static const struct rm_span head = {
		.trace_id = { 1 }, .span_id = { 2 }, .kind = RM_KIND_CONSUMER, .start_ns = 1, .end_ns = 2, .trace_flags = 1,
	};
	static const struct rm_link other = { .trace_id = { 5 }, .span_id = { 6 } };
	struct rm_builder b = { 0 };

	rm_builder_span(&b, memory, SAMPLE_CAP, &head, RM_STR("receive"), RM_STR(""));
	rm_builder_link(&b, &link);
	rm_builder_i64(&b, RM_KEY_SERVER_PORT, 4222);
	rm_builder_link(&b, &other);
	rm_builder_end(&b);
	((struct rm_span *)memory)->dropped_links = 1;
}

/* A SERVER span with an exception, and an event that has nothing but its name; a third is left out. */
static inline void sample_events(char *memory)
{
	static const struct rm_span head = {
		.trace_id = { 1 }, .span_id = { 2 }, .kind = RM_KIND_SERVER, .start_ns = 1000, .end_ns = 9000, .trace_flags = 1,
		.status = RM_STATUS_ERROR,
	};
	_Alignas(8) char event[2][256];
	struct rm_builder b = { .max_attrs = 3 };

	rm_builder_event(&b, event[0], sizeof(event[0]), RM_STR("exception"), 5000);
	rm_builder_str(&b, RM_KEY_EXCEPTION_TYPE, RM_STR("KeyError"));
	rm_builder_str(&b, RM_KEY_EXCEPTION_MESSAGE, RM_STR("'\xc3\xa9'"));
	rm_builder_str(&b, RM_KEY_EXCEPTION_STACKTRACE, RM_STR("Traceback (most recent call last):\n"
							      "  File \"/app/shop.py\", line 7, in home\n"
							      "    return d[k]\n"
							      "KeyError: '\xc3\xa9'\n"));
	rm_builder_str(&b, RM_KEY_URL_PATH, RM_STR("one too many"));
	rm_builder_end(&b);
	rm_builder_event(&b, event[1], sizeof(event[1]), RM_STR("done"), 6000);
	rm_builder_end(&b);
	rm_builder_span(&b, memory, SAMPLE_CAP, &head, RM_STR("GET"), RM_STR(""));
	rm_builder_add_event(&b, (const struct rm_event *)event[0], 2);
	rm_builder_i64(&b, RM_KEY_SERVER_PORT, 80);
	rm_builder_add_event(&b, (const struct rm_event *)event[1], 2);
	rm_builder_add_event(&b, (const struct rm_event *)event[1], 2);
	rm_builder_end(&b);
}

/* A log record with everything: below the SERVER span, with text that is not UTF-8. */
static inline void sample_log(char *memory)
{
	static const struct rm_str values[] = { { "a", 1 }, { "", 0 } };
	static const struct rm_log head = {
		.time_ns = 1544712660300000123,
		.observed_ns = 1544712660300000456,
		.trace_id = { 0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb,
			      0x21, 0x1c, 0x80, 0x31, 0x9c },
		.span_id = { 0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31 },
		.severity = RM_SEVERITY_ERROR,
		.trace_flags = 1,
	};
	struct rm_builder b = { .max_attrs = 3 };

	rm_builder_log(&b, memory, SAMPLE_CAP, &head, RM_STR("ERR"), RM_STR("exception"),
		       RM_STR("caf\xc3\xa9 \xff\nat line 2"));
	rm_builder_str(&b, RM_KEY_ERROR_TYPE, RM_STR("ValueError"));
	rm_builder_named_strs(&b, RM_STR("tags"), values, 2);
	rm_builder_i64(&b, RM_KEY_PROCESS_PID, 7);
	rm_builder_bool(&b, RM_KEY_SERVER_PORT, true);
	rm_builder_end(&b);
}

/* One that belongs to no trace, and says no more than its text. */
static inline void sample_line(char *memory, struct rm_str text)
{
	static const struct rm_log head = { .observed_ns = 1544712660400000000 };
	struct rm_builder b = { 0 };

	rm_builder_log(&b, memory, SAMPLE_CAP, &head, RM_STR(""), RM_STR(""), text);
	rm_builder_end(&b);
}

static inline void sample_init_logs(struct sample *s)
{
	sample_log(s->log[0]);
	sample_line(s->log[1], RM_STR("one"));
	sample_line(s->log[2], RM_STR(""));
	for (int i = 0; i < SAMPLE_LOGS; i++)
		s->logs[i] = (const struct rm_log *)s->log[i];
	for (int i = 0; i < 2; i++)
		s->log_groups[i] = (struct rm_batch_group){ .resource = (const struct rm_record *)s->resource[i],
							    .logs = s->logs + 2 * i, .log_count = i ? 1 : 2 };
	s->log_batch = (struct rm_batch){ .groups = s->log_groups, .group_count = 2, .signal = RM_SIGNAL_LOGS,
					  .log_count = SAMPLE_LOGS };
}

static inline void sample_init(struct sample *s)
{
	sample_resource(s->resource[0], RM_STR("shop"), 42);
	sample_resource(s->resource[1], RM_STR("stock"), 43);
	sample_server(s->span[0]);
	sample_client(s->span[1], false);
	sample_client(s->span[2], true);
	for (int i = 0; i < SAMPLE_SPANS; i++)
		s->spans[i] = (const struct rm_span *)s->span[i];
	s->groups[0] = (struct rm_batch_group){ .resource = (const struct rm_record *)s->resource[0], .spans = s->spans, .span_count = 2 };
	s->groups[1] = (struct rm_batch_group){ .resource = (const struct rm_record *)s->resource[1], .spans = s->spans + 2, .span_count = 1 };
	s->batch = (struct rm_batch){ .groups = s->groups, .group_count = 2, .span_count = SAMPLE_SPANS };
	sample_init_logs(s);
}

#endif
