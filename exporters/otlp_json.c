/*
 * The same message as otlp_proto.c, in JSON: lowerCamelCase keys, ids in hex, 64-bit integers as
 * decimal strings, enums as numbers, defaults left out. Context: worker.
 * Spec: opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding"; ProtoJSON.
 */
#include "exporters/otlp_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exporters/otlp_proto.h"

static void int_value(struct rm_json *j, int64_t v)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, v);
	rm_json_key(j, "intValue");
	rm_json_str(j, rm_str_c(digits));
}

static void string_value(struct rm_json *j, struct rm_str s)
{
	rm_json_key(j, "stringValue");
	rm_json_str(j, s);
}

static void array_value(struct rm_json *j, struct rm_str packed)
{
	struct rm_str s;

	rm_json_key(j, "arrayValue");
	rm_json_open(j, '{');
	rm_json_key(j, "values");
	rm_json_open(j, '[');
	while (rm_attr_strs_next(&packed, &s)) {
		rm_json_open(j, '{');
		string_value(j, s);
		rm_json_close(j, '}');
	}
	rm_json_close(j, ']');
	rm_json_close(j, '}');
}

static void any_value(struct rm_json *j, const struct rm_attr *a)
{
	rm_json_open(j, '{');
	switch (a->type) {
	case RM_ATTR_STR:
		string_value(j, a->v.str);
		break;
	case RM_ATTR_I64:
		int_value(j, a->v.i64);
		break;
	case RM_ATTR_F64:
		rm_json_key(j, "doubleValue");
		rm_json_f64(j, a->v.f64);
		break;
	case RM_ATTR_BOOL:
		rm_json_key(j, "boolValue");
		rm_json_bool(j, a->v.i64 != 0);
		break;
	case RM_ATTR_STRS:
		array_value(j, a->v.str);
		break;
	case RM_ATTR_LINK: /* rm_attr_next gives none */
	case RM_ATTR_EVENT:
		break;
	}
	rm_json_close(j, '}');
}

void rm_otlp_json_attributes(struct rm_json *j, const struct rm_record *r)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr a;

	if (r->attr_count == 0)
		return;
	rm_json_key(j, "attributes");
	rm_json_open(j, '[');
	while (rm_attr_next(&it, &a)) {
		rm_json_open(j, '{');
		rm_json_key(j, "key");
		rm_json_str(j, a.key);
		rm_json_key(j, "value");
		any_value(j, &a);
		rm_json_close(j, '}');
	}
	rm_json_close(j, ']');
}

/* What was left out; nothing when all is there. */
static void count(struct rm_json *j, const char *key, uint32_t n)
{
	if (n == 0)
		return;
	rm_json_key(j, key);
	rm_json_i64(j, n);
}

static void links(struct rm_json *j, const struct rm_span *s)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	struct rm_link link;

	rm_json_key(j, "links");
	rm_json_open(j, '[');
	while (rm_link_next(&it, &link)) {
		rm_json_open(j, '{');
		rm_json_key(j, "traceId");
		rm_json_hex(j, link.trace_id, sizeof(link.trace_id));
		rm_json_key(j, "spanId");
		rm_json_hex(j, link.span_id, sizeof(link.span_id));
		rm_json_key(j, "flags");
		rm_json_i64(j, link.trace_flags | RM_OTLP_HAS_IS_REMOTE | RM_OTLP_IS_REMOTE);
		rm_json_close(j, '}');
	}
	rm_json_close(j, ']');
}

static void events(struct rm_json *j, const struct rm_span *s)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	const struct rm_event *event;

	rm_json_key(j, "events");
	rm_json_open(j, '[');
	while (rm_event_next(&it, &event)) {
		rm_json_open(j, '{');
		rm_json_key(j, "timeUnixNano");
		rm_json_u64_str(j, event->time_ns);
		rm_json_key(j, "name");
		rm_json_str(j, rm_event_name(event));
		rm_otlp_json_attributes(j, &event->record);
		count(j, "droppedAttributesCount", event->dropped_attrs);
		rm_json_close(j, '}');
	}
	rm_json_close(j, ']');
}

static void ids(struct rm_json *j, const struct rm_span *s)
{
	static const uint8_t none[sizeof(s->parent_id)];

	rm_json_key(j, "traceId");
	rm_json_hex(j, s->trace_id, sizeof(s->trace_id));
	rm_json_key(j, "spanId");
	rm_json_hex(j, s->span_id, sizeof(s->span_id));
	if (s->tracestate_bytes > 0) {
		rm_json_key(j, "traceState");
		rm_json_str(j, rm_span_tracestate(s));
	}
	if (memcmp(s->parent_id, none, sizeof(none)) != 0) {
		rm_json_key(j, "parentSpanId");
		rm_json_hex(j, s->parent_id, sizeof(s->parent_id));
	}
}

static void span(struct rm_json *j, const struct rm_span *s)
{
	int64_t flags = s->trace_flags | RM_OTLP_HAS_IS_REMOTE;

	if (s->bits & RM_SPAN_PARENT_REMOTE)
		flags |= RM_OTLP_IS_REMOTE;
	rm_json_open(j, '{');
	ids(j, s);
	rm_json_key(j, "flags");
	rm_json_i64(j, flags);
	rm_json_key(j, "name");
	rm_json_str(j, rm_span_name(s));
	rm_json_key(j, "kind");
	rm_json_i64(j, s->kind);
	rm_json_key(j, "startTimeUnixNano");
	rm_json_u64_str(j, s->start_ns);
	rm_json_key(j, "endTimeUnixNano");
	rm_json_u64_str(j, s->end_ns);
	rm_otlp_json_attributes(j, &s->record);
	count(j, "droppedAttributesCount", s->dropped_attrs);
	if (s->event_count > 0)
		events(j, s);
	count(j, "droppedEventsCount", s->dropped_events);
	if (s->link_count > 0)
		links(j, s);
	count(j, "droppedLinksCount", s->dropped_links);
	if (s->status != RM_STATUS_UNSET) {
		rm_json_key(j, "status");
		rm_json_open(j, '{');
		rm_json_key(j, "code");
		rm_json_i64(j, s->status);
		rm_json_close(j, '}');
	}
	rm_json_close(j, '}');
}

static void spans(struct rm_json *j, const struct rm_batch_group *g)
{
	for (uint32_t i = 0; i < g->span_count; i++)
		span(j, g->spans[i]);
}

static void scope(struct rm_json *j, const struct rm_batch_group *g, const struct rm_otlp_json_names *names,
		  rm_otlp_json_records *put)
{
	rm_json_key(j, names->scopes);
	rm_json_open(j, '[');
	rm_json_open(j, '{');
	rm_json_key(j, "scope");
	rm_json_open(j, '{');
	rm_json_key(j, "name");
	rm_json_str(j, RM_STR("remora"));
	rm_json_key(j, "version");
	rm_json_str(j, RM_STR(REMORA_VERSION));
	rm_json_close(j, '}');
	rm_json_key(j, names->records);
	rm_json_open(j, '[');
	put(j, g);
	rm_json_close(j, ']');
	rm_json_close(j, '}');
	rm_json_close(j, ']');
}

void rm_otlp_json_batch(struct rm_json *j, const struct rm_batch *batch, const struct rm_otlp_json_names *names,
			rm_otlp_json_records *put)
{
	rm_json_open(j, '{');
	rm_json_key(j, names->resources);
	rm_json_open(j, '[');
	for (uint32_t i = 0; i < batch->group_count; i++) {
		rm_json_open(j, '{');
		rm_json_key(j, "resource");
		rm_json_open(j, '{');
		rm_otlp_json_attributes(j, batch->groups[i].resource);
		rm_json_close(j, '}');
		scope(j, &batch->groups[i], names, put);
		rm_json_close(j, '}');
	}
	rm_json_close(j, ']');
	rm_json_close(j, '}');
	rm_json_line(j);
}

void rm_otlp_json(struct rm_json *j, const struct rm_batch *batch)
{
	static const struct rm_otlp_json_names names = { "resourceSpans", "scopeSpans", "spans" };

	rm_otlp_json_batch(j, batch, &names, spans);
}
