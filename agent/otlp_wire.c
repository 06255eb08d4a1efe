/*
 * ExportTraceServiceRequest and ExportLogsServiceRequest, written front to back into one buffer
 * (agent/protobuf.h).
 *
 *   request { 1: ResourceSpans { 1: Resource { 1: attributes* }
 *                                2: ScopeSpans { 1: scope 2: spans* } } }
 *   and ResourceLogs, ScopeLogs and log records in the same places
 *
 * Runs at the end of a process, perhaps in a signal handler, and in the worker. Past the cap nothing is written.
 * Spec: opentelemetry-proto trace/v1, logs/v1, common/v1, resource/v1; protobuf encoding.
 */
#include "agent/otlp_wire.h"

#include <string.h>

#include "agent/otlp_attrs.h"
#include "agent/protobuf.h"
#include "base/err.h"

/* Bytes of length that most of these take: of some spans, each of some hundred bytes. */
enum { REQUEST_LENGTH = 3, RECORD_LENGTH = 2 };

/* More than the fields of a span before its attributes can take beside their texts. */
enum { HEAD_ROOM = 96 + RM_PB_OVERRUN };

/* opentelemetry.proto.trace.v1.SpanFlags: whether the parent is remote is known, and so it is. */
enum { FLAG_HAS_IS_REMOTE = 0x100, FLAG_IS_REMOTE = 0x200 };

static void put_events(struct rm_strbuf *b, uint32_t field, const struct rm_span *s)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	const struct rm_event *event;

	while (rm_event_next(&it, &event)) {
		size_t begin = rm_pb_begin(b, field);

		rm_pb_fixed64(b, 1, event->time_ns);
		if (event->name_bytes)
			rm_pb_string(b, 2, rm_event_name(event));
		rm_otlp_attrs(b, 3, &event->record);
		if (event->dropped_attrs)
			rm_pb_number(b, 4, event->dropped_attrs);
		rm_pb_end(b, begin);
	}
}

static void put_links(struct rm_strbuf *b, uint32_t field, const struct rm_span *s)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	struct rm_link link;

	while (rm_link_next(&it, &link)) {
		uint32_t flags = link.trace_flags | FLAG_HAS_IS_REMOTE | FLAG_IS_REMOTE;
		size_t begin = rm_pb_begin(b, field);

		rm_pb_bytes(b, 1, link.trace_id, sizeof(link.trace_id));
		rm_pb_bytes(b, 2, link.span_id, sizeof(link.span_id));
		rm_pb_tag_put(b, 6, RM_PB_I32);
		rm_strbuf_put(b, &flags, sizeof(flags));
		rm_pb_end(b, begin);
	}
}

static bool has_parent(const struct rm_span *s)
{
	return rm_bytes_word((const char *)s->parent_id) != 0;
}

/* What stands before a span's attributes; NULL: a text of it is not plain. */
static char *write_head(char *p, const struct rm_span *s)
{
	p = rm_pb_write_bytes(p, 1, s->trace_id, sizeof(s->trace_id));
	p = rm_pb_write_bytes(p, 2, s->span_id, sizeof(s->span_id));
	if (s->tracestate_bytes)
		p = rm_pb_write_text(p, 3, rm_span_tracestate(s).p, s->tracestate_bytes);
	if (p && has_parent(s))
		p = rm_pb_write_bytes(p, 4, s->parent_id, sizeof(s->parent_id));
	if (p && s->name_bytes)
		p = rm_pb_write_text(p, 5, rm_span_name(s).p, s->name_bytes);
	if (!p)
		return NULL;
	*p++ = (char)rm_pb_tag(6, RM_PB_VARINT);
	*p++ = (char)s->kind;
	*p++ = (char)rm_pb_tag(7, RM_PB_I64);
	memcpy(p, &s->start_ns, sizeof(s->start_ns));
	p += sizeof(s->start_ns);
	*p++ = (char)rm_pb_tag(8, RM_PB_I64);
	memcpy(p, &s->end_ns, sizeof(s->end_ns));
	return p + sizeof(s->end_ns);
}

/* The same, whatever the texts are. */
static void put_mended_head(struct rm_strbuf *b, const struct rm_span *s)
{
	rm_pb_bytes(b, 1, s->trace_id, sizeof(s->trace_id));
	rm_pb_bytes(b, 2, s->span_id, sizeof(s->span_id));
	if (s->tracestate_bytes)
		rm_pb_string(b, 3, rm_span_tracestate(s));
	if (has_parent(s))
		rm_pb_bytes(b, 4, s->parent_id, sizeof(s->parent_id));
	if (s->name_bytes)
		rm_pb_string(b, 5, rm_span_name(s));
	rm_pb_number(b, 6, s->kind);
	rm_pb_fixed64(b, 7, s->start_ns);
	rm_pb_fixed64(b, 8, s->end_ns);
}

static void put_head(struct rm_strbuf *b, const struct rm_span *s)
{
	size_t left = b->cap - b->n;
	bool fits = !b->truncated && left >= (size_t)HEAD_ROOM + s->tracestate_bytes + s->name_bytes;
	char *end = fits ? write_head(b->p + b->n, s) : NULL;

	if (end)
		b->n = (size_t)(end - b->p);
	else
		put_mended_head(b, s);
}

/* Are what it has of attributes the bytes that the last one had? Links and events are among them. */
static bool has_same_attrs(const struct rm_otlp_wire *w, const struct rm_span *s)
{
	struct rm_attr_iter now, then;

	if (!w->last)
		return false;
	now = rm_record_attrs(&s->record);
	then = rm_record_attrs(&w->last->record);
	return now.end - now.p == then.end - then.p && memcmp(now.p, then.p, (size_t)(now.end - now.p)) == 0;
}

/* Those of a span like the last one are what that one's became. */
static void put_span_attrs(struct rm_otlp_wire *w, const struct rm_span *s)
{
	size_t at = w->out.n;
	char *to;

	if (has_same_attrs(w, s)) {
		to = rm_strbuf_room(&w->out, w->last_attrs_bytes);
		if (to)
			memcpy(to, w->out.p + w->last_attrs, w->last_attrs_bytes);
	} else {
		rm_otlp_attrs(&w->out, 9, &s->record);
		w->last_attrs_bytes = w->out.n - at;
	}
	w->last_attrs = at;
}

static void put_span(struct rm_otlp_wire *w, const struct rm_span *s)
{
	struct rm_strbuf *b = &w->out;
	uint32_t flags = s->trace_flags | FLAG_HAS_IS_REMOTE;
	size_t status;

	if (s->bits & RM_SPAN_PARENT_REMOTE)
		flags |= FLAG_IS_REMOTE;
	put_head(b, s);
	put_span_attrs(w, s);
	if (s->dropped_attrs)
		rm_pb_number(b, 10, s->dropped_attrs);
	if (s->event_count)
		put_events(b, 11, s);
	if (s->dropped_events)
		rm_pb_number(b, 12, s->dropped_events);
	if (s->link_count)
		put_links(b, 13, s);
	if (s->dropped_links)
		rm_pb_number(b, 14, s->dropped_links);
	if (s->status != RM_STATUS_UNSET) {
		status = rm_pb_begin(b, 15);
		rm_pb_number(b, 3, s->status);
		rm_pb_end(b, status);
	}
	rm_pb_tag_put(b, 16, RM_PB_I32);
	rm_strbuf_put(b, &flags, sizeof(flags));
}

void rm_otlp_begin(struct rm_otlp_wire *w, char *memory, size_t cap_bytes,
		   const struct rm_record *resource)
{
	size_t room = 2 * RM_PB_LENGTH_MAX, part; /* so that rm_otlp_end always fits */

	*w = (struct rm_otlp_wire){ 0 };
	rm_strbuf_init(&w->out, memory, cap_bytes > room ? cap_bytes - room : 0);
	w->resource_spans = rm_pb_begin_sized(&w->out, 1, REQUEST_LENGTH);
	part = rm_pb_begin(&w->out, 1);
	rm_otlp_attrs(&w->out, 1, resource);
	rm_pb_end(&w->out, part);
	w->scope_spans = rm_pb_begin_sized(&w->out, 2, REQUEST_LENGTH);
	part = rm_pb_begin(&w->out, 1);
	rm_pb_string(&w->out, 1, RM_STR("remora"));
	rm_pb_string(&w->out, 2, RM_STR(REMORA_VERSION));
	rm_pb_end(&w->out, part);
}

static void put_log(struct rm_strbuf *b, const struct rm_log *l)
{
	uint32_t flags = l->trace_flags;
	size_t body;

	if (l->time_ns)
		rm_pb_fixed64(b, 1, l->time_ns);
	if (l->severity)
		rm_pb_number(b, 2, l->severity);
	if (l->severity_bytes)
		rm_pb_string(b, 3, rm_log_severity_text(l));
	body = rm_pb_begin(b, 5);
	rm_pb_string(b, 1, rm_log_body(l));
	rm_pb_end(b, body);
	rm_otlp_attrs(b, 6, &l->record);
	if (l->dropped_attrs)
		rm_pb_number(b, 7, l->dropped_attrs);
	if (rm_log_has_trace(l)) {
		rm_pb_tag_put(b, 8, RM_PB_I32);
		rm_strbuf_put(b, &flags, sizeof(flags));
		rm_pb_bytes(b, 9, l->trace_id, sizeof(l->trace_id));
		rm_pb_bytes(b, 10, l->span_id, sizeof(l->span_id));
	}
	rm_pb_fixed64(b, 11, l->observed_ns);
	if (l->event_bytes)
		rm_pb_string(b, 12, rm_log_event_name(l));
}

/* Ends what was begun at `before`: takes it back when it did not fit. */
static int added(struct rm_otlp_wire *w, size_t before)
{
	if (w->out.truncated) {
		w->out.n = before;
		w->out.truncated = false;
		return RM_E_FULL;
	}
	w->span_count++;
	return RM_OK;
}

int rm_otlp_span(struct rm_otlp_wire *w, const struct rm_span *span)
{
	size_t before = w->out.n, begin, end;
	int err;

	if (w->out.truncated)
		return RM_E_FULL;
	begin = rm_pb_begin_sized(&w->out, 2, RECORD_LENGTH);
	put_span(w, span);
	end = w->out.n;
	rm_pb_end_sized(&w->out, begin, RECORD_LENGTH);
	w->last_attrs += w->out.n - end; /* its bytes may have moved */
	err = added(w, before);
	w->last = w->records_stay && !err ? span : NULL;
	return err;
}

int rm_otlp_log(struct rm_otlp_wire *w, const struct rm_log *log)
{
	size_t before = w->out.n, begin;

	if (w->out.truncated)
		return RM_E_FULL;
	begin = rm_pb_begin_sized(&w->out, 2, RECORD_LENGTH);
	put_log(&w->out, log);
	rm_pb_end_sized(&w->out, begin, RECORD_LENGTH);
	return added(w, before);
}

struct rm_str rm_otlp_end(struct rm_otlp_wire *w)
{
	w->out.cap += 2 * RM_PB_LENGTH_MAX;
	rm_pb_end_sized(&w->out, w->scope_spans, REQUEST_LENGTH);
	rm_pb_end_sized(&w->out, w->resource_spans, REQUEST_LENGTH);
	return rm_strbuf_view(&w->out);
}
