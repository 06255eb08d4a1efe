/* Records for tests: a resource with a service name, and numbered client spans. */
#ifndef RM_TESTS_SPAN_SAMPLE_H
#define RM_TESTS_SPAN_SAMPLE_H

#include "agent/record.h"

static inline uint32_t sample_resource(void *memory, uint32_t cap)
{
	struct rm_builder b = { .max_attrs = 128 };

	rm_builder_resource(&b, memory, cap);
	rm_builder_str(&b, RM_KEY_SERVICE_NAME, RM_STR("shop"));
	return rm_builder_end(&b);
}

/* A span whose ids end in `number`, named `name`. */
static inline uint32_t sample_span(void *memory, uint32_t cap, uint8_t number, struct rm_str name)
{
	struct rm_builder b = { .max_attrs = 128 };
	struct rm_span head = { .start_ns = 1700000000000000001ull,
				.end_ns = 1700000000000000002ull,
				.kind = RM_KIND_CLIENT,
				.trace_flags = 1 };

	head.trace_id[15] = number;
	head.span_id[7] = number;
	rm_builder_span(&b, memory, cap, &head, name, RM_STR(""));
	rm_builder_str(&b, RM_KEY_HTTP_REQUEST_METHOD, RM_STR("GET"));
	return rm_builder_end(&b);
}

/* A log record. */
static inline uint32_t sample_log_line(void *memory, uint32_t cap, struct rm_str body)
{
	const struct rm_log head = { .observed_ns = 1700000000000000003ull };
	struct rm_builder b = { .max_attrs = 128 };

	rm_builder_log(&b, memory, cap, &head, RM_STR(""), RM_STR(""), body);
	return rm_builder_end(&b);
}

#endif
