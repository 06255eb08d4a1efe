/*
 * ExportTraceServiceRequest and ExportLogsServiceRequest, written front to back into one buffer. A nested message is written
 * without its length; when it ends, its bytes move up by the one to five bytes of the length in
 * front of it. That keeps the encoding canonical without a pass that measures. Attributes, which are most of it, are
 * measured instead.
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

#include "base/err.h"

enum { WIRE_VARINT = 0, WIRE_I64 = 1, WIRE_LEN = 2, WIRE_I32 = 5 };
enum { LENGTH_MAX = 5 }; /* bytes of a message's length */

/* opentelemetry.proto.trace.v1.SpanFlags: whether the parent is remote is known, and so it is. */
enum { FLAG_HAS_IS_REMOTE = 0x100, FLAG_IS_REMOTE = 0x200 };

static size_t varint_bytes(uint64_t v)
{
	return (size_t)(70 - __builtin_clzll(v | 1)) / 7;
}

static char *write_varint(char *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

static uint32_t tag(uint32_t field, uint32_t wire)
{
	return field << 3 | wire;
}

static void put_tag(struct rm_strbuf *b, uint32_t field, uint32_t wire)
{
	char *p = rm_strbuf_room(b, varint_bytes(tag(field, wire)));

	if (p)
		write_varint(p, tag(field, wire));
}

static void put_number(struct rm_strbuf *b, uint32_t field, uint64_t v)
{
	char *p = rm_strbuf_room(b, varint_bytes(tag(field, WIRE_VARINT)) + varint_bytes(v));

	if (p)
		write_varint(write_varint(p, tag(field, WIRE_VARINT)), v);
}

static void put_fixed64(struct rm_strbuf *b, uint32_t field, uint64_t v)
{
	put_tag(b, field, WIRE_I64);
	rm_strbuf_put(b, &v, sizeof(v)); /* little-endian, as both our architectures are */
}

/* Both of fields below 16, whose tag is one byte. */
static size_t bytes_size(size_t n)
{
	return 1 + varint_bytes(n) + n;
}

static char *write_bytes(char *p, uint32_t field, const void *bytes, size_t n)
{
	*p++ = (char)tag(field, WIRE_LEN);
	p = write_varint(p, n);
	if (n > 0)
		memcpy(p, bytes, n);
	return p + n;
}

static void put_bytes(struct rm_strbuf *b, uint32_t field, const void *bytes, size_t n)
{
	char *p = rm_strbuf_room(b, bytes_size(n));

	if (p)
		write_bytes(p, field, bytes, n);
}

/* Begins a nested message; returns where its content begins, for message_end. */
static size_t message_begin(struct rm_strbuf *b, uint32_t field)
{
	put_tag(b, field, WIRE_LEN);
	return b->n;
}

static void message_end(struct rm_strbuf *b, size_t begin)
{
	size_t n = b->n - begin, size = varint_bytes(n);

	if (!rm_strbuf_room(b, size)) /* which sets `truncated` */
		return;
	memmove(b->p + begin + size, b->p + begin, n);
	write_varint(b->p + begin, n);
}

/* A receiver refuses a whole request for one string that is not UTF-8: bad bytes become U+FFFD, and so does NUL, which
 * not every receiver can keep. */
static void put_mended(struct rm_strbuf *b, uint32_t field, struct rm_str s)
{
	size_t begin = message_begin(b, field);

	while (s.n > 0) {
		size_t n = rm_str_plain(s);

		if (n == 0 && s.p[0])
			n = rm_utf8_next(s);
		if (n > 0)
			rm_strbuf_put(b, s.p, n);
		else
			rm_strbuf_str(b, RM_STR("\xef\xbf\xbd"));
		s.p += n > 0 ? n : 1;
		s.n -= n > 0 ? n : 1;
	}
	message_end(b, begin);
}

static bool is_plain(struct rm_str s)
{
	return rm_str_plain(s) == s.n;
}

static void put_string(struct rm_strbuf *b, uint32_t field, struct rm_str s)
{
	if (is_plain(s))
		put_bytes(b, field, s.p, s.n);
	else
		put_mended(b, field, s);
}

/* AnyValue: its members are a oneof and are written even when zero. */
static void put_value(struct rm_strbuf *b, uint32_t field, const struct rm_attr *a)
{
	size_t begin = message_begin(b, field), list, item;
	struct rm_str rest = a->v.str, s;
	uint64_t bits;

	switch (a->type) {
	case RM_ATTR_STR:
		put_string(b, 1, a->v.str);
		break;
	case RM_ATTR_BOOL:
		put_number(b, 2, a->v.i64 != 0);
		break;
	case RM_ATTR_I64:
		put_number(b, 3, (uint64_t)a->v.i64);
		break;
	case RM_ATTR_F64:
		memcpy(&bits, &a->v.f64, sizeof(bits));
		put_fixed64(b, 4, bits);
		break;
	case RM_ATTR_STRS:
		list = message_begin(b, 5);
		while (rm_attr_strs_next(&rest, &s)) {
			item = message_begin(b, 1);
			put_string(b, 1, s);
			message_end(b, item);
		}
		message_end(b, list);
		break;
	case RM_ATTR_LINK: /* rm_attr_next gives none */
	case RM_ATTR_EVENT:
		break;
	}
	message_end(b, begin);
}

/*
 * Nearly all attributes: a plain text or a number, whose size is known before anything is written, so that nothing
 * has to move afterwards. False: it is another one.
 */
static bool put_plain_attr(struct rm_strbuf *b, uint32_t field, const struct rm_attr *a)
{
	uint64_t number = a->type == RM_ATTR_BOOL ? a->v.i64 != 0 : (uint64_t)a->v.i64;
	bool is_text = a->type == RM_ATTR_STR;
	size_t value, both;
	char *p;

	if (is_text ? !is_plain(a->v.str) : a->type != RM_ATTR_I64 && a->type != RM_ATTR_BOOL)
		return false;
	if (!a->named && !is_plain(a->key))
		return false;
	value = is_text ? bytes_size(a->v.str.n) : 1 + varint_bytes(number);
	both = bytes_size(a->key.n) + bytes_size(value);
	p = rm_strbuf_room(b, bytes_size(both));
	if (!p)
		return true;
	*p++ = (char)tag(field, WIRE_LEN);
	p = write_bytes(write_varint(p, both), 1, a->key.p, a->key.n);
	*p++ = (char)tag(2, WIRE_LEN);
	p = write_varint(p, value);
	if (is_text) {
		write_bytes(p, 1, a->v.str.p, a->v.str.n);
	} else {
		*p++ = (char)tag(a->type == RM_ATTR_BOOL ? 2 : 3, WIRE_VARINT);
		write_varint(p, number);
	}
	return true;
}

/* The attributes of a record as repeated KeyValue. */
static void put_attrs(struct rm_strbuf *b, uint32_t field, const struct rm_record *r)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr a;

	while (rm_attr_next(&it, &a)) {
		size_t begin;

		if (put_plain_attr(b, field, &a))
			continue;
		begin = message_begin(b, field);
		put_string(b, 1, a.key);
		put_value(b, 2, &a);
		message_end(b, begin);
	}
}

static void put_events(struct rm_strbuf *b, uint32_t field, const struct rm_span *s)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	const struct rm_event *event;

	while (rm_event_next(&it, &event)) {
		size_t begin = message_begin(b, field);

		put_fixed64(b, 1, event->time_ns);
		if (event->name_bytes)
			put_string(b, 2, rm_event_name(event));
		put_attrs(b, 3, &event->record);
		if (event->dropped_attrs)
			put_number(b, 4, event->dropped_attrs);
		message_end(b, begin);
	}
}

static void put_links(struct rm_strbuf *b, uint32_t field, const struct rm_span *s)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	struct rm_link link;

	while (rm_link_next(&it, &link)) {
		uint32_t flags = link.trace_flags | FLAG_HAS_IS_REMOTE | FLAG_IS_REMOTE;
		size_t begin = message_begin(b, field);

		put_bytes(b, 1, link.trace_id, sizeof(link.trace_id));
		put_bytes(b, 2, link.span_id, sizeof(link.span_id));
		put_tag(b, 6, WIRE_I32);
		rm_strbuf_put(b, &flags, sizeof(flags));
		message_end(b, begin);
	}
}

static bool is_zero(const uint8_t *id, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (id[i])
			return false;
	return true;
}

static void put_span(struct rm_strbuf *b, const struct rm_span *s)
{
	uint32_t flags = s->trace_flags | FLAG_HAS_IS_REMOTE;
	size_t status;

	if (s->bits & RM_SPAN_PARENT_REMOTE)
		flags |= FLAG_IS_REMOTE;
	put_bytes(b, 1, s->trace_id, sizeof(s->trace_id));
	put_bytes(b, 2, s->span_id, sizeof(s->span_id));
	if (s->tracestate_bytes)
		put_string(b, 3, rm_span_tracestate(s));
	if (!is_zero(s->parent_id, sizeof(s->parent_id)))
		put_bytes(b, 4, s->parent_id, sizeof(s->parent_id));
	if (s->name_bytes)
		put_string(b, 5, rm_span_name(s));
	put_number(b, 6, s->kind);
	put_fixed64(b, 7, s->start_ns);
	put_fixed64(b, 8, s->end_ns);
	put_attrs(b, 9, &s->record);
	if (s->dropped_attrs)
		put_number(b, 10, s->dropped_attrs);
	if (s->event_count)
		put_events(b, 11, s);
	if (s->dropped_events)
		put_number(b, 12, s->dropped_events);
	if (s->link_count)
		put_links(b, 13, s);
	if (s->dropped_links)
		put_number(b, 14, s->dropped_links);
	if (s->status != RM_STATUS_UNSET) {
		status = message_begin(b, 15);
		put_number(b, 3, s->status);
		message_end(b, status);
	}
	put_tag(b, 16, WIRE_I32);
	rm_strbuf_put(b, &flags, sizeof(flags));
}

void rm_otlp_begin(struct rm_otlp_wire *w, char *memory, size_t cap_bytes,
		   const struct rm_record *resource)
{
	size_t room = 2 * LENGTH_MAX, part; /* so that rm_otlp_end always fits */

	*w = (struct rm_otlp_wire){ 0 };
	rm_strbuf_init(&w->out, memory, cap_bytes > room ? cap_bytes - room : 0);
	w->resource_spans = message_begin(&w->out, 1);
	part = message_begin(&w->out, 1);
	put_attrs(&w->out, 1, resource);
	message_end(&w->out, part);
	w->scope_spans = message_begin(&w->out, 2);
	part = message_begin(&w->out, 1);
	put_string(&w->out, 1, RM_STR("remora"));
	put_string(&w->out, 2, RM_STR(REMORA_VERSION));
	message_end(&w->out, part);
}

static void put_log(struct rm_strbuf *b, const struct rm_log *l)
{
	uint32_t flags = l->trace_flags;
	size_t body;

	if (l->time_ns)
		put_fixed64(b, 1, l->time_ns);
	if (l->severity)
		put_number(b, 2, l->severity);
	if (l->severity_bytes)
		put_string(b, 3, rm_log_severity_text(l));
	body = message_begin(b, 5);
	put_string(b, 1, rm_log_body(l));
	message_end(b, body);
	put_attrs(b, 6, &l->record);
	if (l->dropped_attrs)
		put_number(b, 7, l->dropped_attrs);
	if (rm_log_has_trace(l)) {
		put_tag(b, 8, WIRE_I32);
		rm_strbuf_put(b, &flags, sizeof(flags));
		put_bytes(b, 9, l->trace_id, sizeof(l->trace_id));
		put_bytes(b, 10, l->span_id, sizeof(l->span_id));
	}
	put_fixed64(b, 11, l->observed_ns);
	if (l->event_bytes)
		put_string(b, 12, rm_log_event_name(l));
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
	size_t before = w->out.n, begin;

	if (w->out.truncated)
		return RM_E_FULL;
	begin = message_begin(&w->out, 2);
	put_span(&w->out, span);
	message_end(&w->out, begin);
	return added(w, before);
}

int rm_otlp_log(struct rm_otlp_wire *w, const struct rm_log *log)
{
	size_t before = w->out.n, begin;

	if (w->out.truncated)
		return RM_E_FULL;
	begin = message_begin(&w->out, 2);
	put_log(&w->out, log);
	message_end(&w->out, begin);
	return added(w, before);
}

struct rm_str rm_otlp_end(struct rm_otlp_wire *w)
{
	w->out.cap += 2 * LENGTH_MAX;
	message_end(&w->out, w->scope_spans);
	message_end(&w->out, w->resource_spans);
	return rm_strbuf_view(&w->out);
}
