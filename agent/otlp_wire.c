/*
 * ExportTraceServiceRequest, written front to back into one buffer. A nested message is written
 * without its length; when it ends, its bytes move up by the one to five bytes of the length in
 * front of it. That keeps the encoding canonical without a pass that measures.
 *
 *   request { 1: ResourceSpans { 1: Resource { 1: attributes* }
 *                                2: ScopeSpans { 1: scope 2: spans* } } }
 *
 * Runs at the end of a process, perhaps in a signal handler. Past the cap nothing is written.
 * Spec: opentelemetry-proto trace/v1, common/v1, resource/v1; protobuf encoding.
 */
#include "agent/otlp_wire.h"

#include <string.h>

#include "base/err.h"

enum { WIRE_VARINT = 0, WIRE_I64 = 1, WIRE_LEN = 2, WIRE_I32 = 5 };
enum { LENGTH_MAX = 5 }; /* bytes of a message's length */

/* opentelemetry.proto.trace.v1.SpanFlags: whether the parent is remote is known, and so it is. */
enum { FLAG_HAS_IS_REMOTE = 0x100, FLAG_IS_REMOTE = 0x200 };

static size_t varint(uint64_t v, uint8_t *ret)
{
	size_t n = 0;

	while (v >= 0x80) {
		ret[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	ret[n++] = (uint8_t)v;
	return n;
}

static void put_varint(struct rm_strbuf *b, uint64_t v)
{
	uint8_t bytes[10];

	rm_strbuf_put(b, bytes, varint(v, bytes));
}

static void put_tag(struct rm_strbuf *b, uint32_t field, uint32_t wire)
{
	put_varint(b, field << 3 | wire);
}

static void put_number(struct rm_strbuf *b, uint32_t field, uint64_t v)
{
	put_tag(b, field, WIRE_VARINT);
	put_varint(b, v);
}

static void put_fixed64(struct rm_strbuf *b, uint32_t field, uint64_t v)
{
	put_tag(b, field, WIRE_I64);
	rm_strbuf_put(b, &v, sizeof(v)); /* little-endian, as both our architectures are */
}

static void put_bytes(struct rm_strbuf *b, uint32_t field, const void *bytes, size_t n)
{
	put_tag(b, field, WIRE_LEN);
	put_varint(b, n);
	rm_strbuf_put(b, bytes, n);
}

/* Begins a nested message; returns where its content begins, for message_end. */
static size_t message_begin(struct rm_strbuf *b, uint32_t field)
{
	put_tag(b, field, WIRE_LEN);
	return b->n;
}

static void message_end(struct rm_strbuf *b, size_t begin)
{
	uint8_t length[10];
	size_t n = b->n - begin, size = varint(n, length);

	if (b->truncated)
		return;
	rm_strbuf_put(b, length, size); /* makes room, or sets `truncated` */
	if (b->truncated)
		return;
	memmove(b->p + begin + size, b->p + begin, n);
	memcpy(b->p + begin, length, size);
}

/* A receiver refuses a whole request for one string that is not UTF-8: bad bytes become U+FFFD. */
static void put_string(struct rm_strbuf *b, uint32_t field, struct rm_str s)
{
	size_t begin = message_begin(b, field);

	while (s.n > 0) {
		size_t good = 0, n = 1;

		while (good < s.n && n > 0) {
			n = rm_utf8_next((struct rm_str){ s.p + good, s.n - good });
			good += n;
		}
		rm_strbuf_put(b, s.p, good);
		s.p += good;
		s.n -= good;
		if (s.n == 0)
			break;
		rm_strbuf_str(b, RM_STR("\xef\xbf\xbd"));
		s.p++;
		s.n--;
	}
	message_end(b, begin);
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
	}
	message_end(b, begin);
}

/* The attributes of a record as repeated KeyValue. */
static void put_attrs(struct rm_strbuf *b, uint32_t field, const struct rm_record *r)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr a;

	while (rm_attr_next(&it, &a)) {
		size_t begin = message_begin(b, field);

		put_string(b, 1, a.key);
		put_value(b, 2, &a);
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

int rm_otlp_span(struct rm_otlp_wire *w, const struct rm_span *span)
{
	size_t before = w->out.n, begin;

	if (w->out.truncated)
		return RM_E_FULL;
	begin = message_begin(&w->out, 2);
	put_span(&w->out, span);
	message_end(&w->out, begin);
	if (w->out.truncated) {
		w->out.n = before;
		w->out.truncated = false;
		return RM_E_FULL;
	}
	w->span_count++;
	return RM_OK;
}

struct rm_str rm_otlp_end(struct rm_otlp_wire *w)
{
	w->out.cap += 2 * LENGTH_MAX;
	message_end(&w->out, w->scope_spans);
	message_end(&w->out, w->resource_spans);
	return rm_strbuf_view(&w->out);
}
