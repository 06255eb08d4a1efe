/*
 * Records from memory that somebody else can write, agent/telemetry.h. What must hold for any input:
 * a record that is called valid can be read to its end without a byte outside being touched, and
 * what is read stays inside it.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/telemetry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *begin, *end;

/* The slice lies inside the record; its bytes are read. */
static void check(struct rm_str s)
{
	volatile char sum = 0;

	if (s.n == 0)
		return;
	if (s.p < begin || s.p > end || s.n > (size_t)(end - s.p))
		abort();
	for (size_t i = 0; i < s.n; i++)
		sum = (char)(sum ^ s.p[i]);
}

static void read_all(const struct rm_record *r)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	uint32_t count = 0, links = 0, events = 0;
	const struct rm_event *event;
	struct rm_link link;
	struct rm_attr a;

	if (r->type == RM_RECORD_SPAN) {
		check(rm_span_name((const struct rm_span *)r));
		check(rm_span_tracestate((const struct rm_span *)r));
	}
	if (r->type == RM_RECORD_OUTPUT)
		check(rm_output_text((const struct rm_output *)r));
	if (r->type == RM_RECORD_LOG) {
		check(rm_log_severity_text((const struct rm_log *)r));
		check(rm_log_event_name((const struct rm_log *)r));
		check(rm_log_body((const struct rm_log *)r));
	}
	while (rm_attr_next(&it, &a)) {
		struct rm_str element, rest;

		if (++count > r->attr_count)
			abort();
		if (a.key.p >= begin && a.key.p < end) /* else it is a name of our own table */
			check(a.key);
		if (a.type != RM_ATTR_STR && a.type != RM_ATTR_STRS)
			continue;
		check(a.v.str);
		rest = a.v.str;
		while (a.type == RM_ATTR_STRS && rm_attr_strs_next(&rest, &element))
			check(element);
	}
	it = rm_record_attrs(r);
	while (rm_link_next(&it, &link))
		links++;
	it = rm_record_attrs(r);
	while (rm_event_next(&it, &event)) {
		check((struct rm_str){ (const char *)event, event->record.bytes });
		check(rm_event_name(event));
		read_all(&event->record);
		events++;
	}
	if (events != (r->type == RM_RECORD_SPAN ? ((const struct rm_span *)r)->event_count : 0))
		abort();
	if (links != (r->type == RM_RECORD_SPAN ? ((const struct rm_span *)r)->link_count : 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rm_record *r;

	if (n < sizeof(*r) || n > 1 << 16)
		return 0;
	r = malloc(n); /* of exactly this size, and aligned */
	memcpy(r, data, n);
	begin = (const char *)r;
	end = begin + n;
	if (rm_record_valid(r, (uint32_t)n))
		read_all(r);
	free(r);
	return 0;
}
