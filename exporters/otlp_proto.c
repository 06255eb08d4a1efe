/*
 * A batch in protobuf, by the encoder that the agent has for its last words (agent/otlp_wire.h), a group at a time:
 * requests are their groups, one after the other. It goes over each record once, into memory that is as large as
 * it can become; what of that is not used is never touched. A library that builds a tree of messages, measures
 * and packs it takes 9,000 instructions for a span that is 2,000 here.
 * Context: worker. Spec: opentelemetry-proto trace/v1, logs/v1, common/v1, resource/v1.
 */
#include "exporters/otlp_proto.h"

#include <stdlib.h>

#include "agent/otlp_wire.h"
#include "base/err.h"

enum {
	WIDENED = 3,		     /* a byte that is not UTF-8 becomes U+FFFD */
	FIELD_BYTES = 128,	     /* fields, tags and lengths of a record beside its texts */
	ATTR_BYTES = 32 + UINT8_MAX, /* the same of an attribute, whose name may be a number in the record */
	EVENT_BYTES = 64,
	GROUP_BYTES = 4096,
};

/*
 * More than the record can become. An element of a list gets two tags and lengths, 12 bytes, for the four that
 * its length takes in the record.
 */
static size_t bound(const struct rm_record *r)
{
	return FIELD_BYTES + (size_t)r->attr_count * ATTR_BYTES + WIDENED * (size_t)r->bytes;
}

/* Attributes of events are not counted among those of their span. */
static size_t span_bound(const struct rm_span *s)
{
	size_t n = bound(&s->record);
	struct rm_attr_iter it;
	const struct rm_event *event;

	if (!s->event_count)
		return n;
	it = rm_record_attrs(&s->record);
	while (rm_event_next(&it, &event))
		n += EVENT_BYTES + (size_t)event->record.attr_count * ATTR_BYTES;
	return n;
}

static size_t group_bound(const struct rm_batch_group *g)
{
	size_t n = GROUP_BYTES + bound(g->resource);

	for (uint32_t i = 0; i < g->span_count; i++)
		n += span_bound(g->spans[i]);
	for (uint32_t i = 0; i < g->log_count; i++)
		n += bound(&g->logs[i]->record);
	return n;
}

/* Returns the bytes of the group, 0 when something did not fit. */
static size_t put_group(const struct rm_batch_group *g, uint8_t *to, size_t cap)
{
	struct rm_otlp_wire w;

	rm_otlp_begin(&w, (char *)to, cap, g->resource);
	w.records_stay = true;
	for (uint32_t i = 0; i < g->span_count; i++)
		if (rm_otlp_span(&w, g->spans[i]) != RM_OK)
			return 0;
	for (uint32_t i = 0; i < g->log_count; i++)
		if (rm_otlp_log(&w, g->logs[i]) != RM_OK)
			return 0;
	return rm_otlp_end(&w).n;
}

int rm_otlp_proto(const struct rm_batch *batch, size_t max_bytes, uint8_t **ret_bytes, size_t *ret_n)
{
	size_t cap = 0, n = 0;
	uint8_t *bytes;

	for (uint32_t i = 0; i < batch->group_count; i++)
		cap += group_bound(&batch->groups[i]);
	bytes = malloc(cap);
	if (!bytes)
		return RM_E_NOMEM;
	for (uint32_t i = 0; i < batch->group_count; i++) {
		size_t more = put_group(&batch->groups[i], bytes + n, cap - n);

		n += more;
		if (!more || n > max_bytes) {
			free(bytes);
			return RM_E_RANGE;
		}
	}
	*ret_bytes = bytes;
	*ret_n = n;
	return RM_OK;
}
