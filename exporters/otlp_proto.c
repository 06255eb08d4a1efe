/*
 * Builds protobuf-c's tree of a batch in memory that is given back at once, and packs it. Strings
 * of records are not terminated and may be anything: each is copied, with U+FFFD for what is not
 * UTF-8 and for NUL, which protobuf-c cannot carry. A receiver refuses a whole request for one bad
 * string. When memory runs out `failed` is set and the tree, now with holes, is thrown away unread.
 * Context: worker. Spec: opentelemetry-proto trace/v1, common/v1, resource/v1.
 */
#include "exporters/otlp_proto.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "trace_service.pb-c.h"

enum { CHUNK_BYTES = 64 * 1024 };

struct chunk {
	struct chunk *next;
	_Alignas(16) char bytes[];
};

struct arena {
	struct chunk *chunks;
	char *at;
	size_t left;
	bool failed;
};

static void arena_free(struct arena *a)
{
	while (a->chunks) {
		struct chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
}

/* Memory for `bytes`; NULL when there is none. */
static void *get(struct arena *a, size_t bytes)
{
	void *p;

	bytes = (bytes + 15) & ~(size_t)15;
	if (bytes > a->left) {
		size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
		struct chunk *c = a->failed ? NULL : malloc(sizeof(*c) + size);

		if (!c) {
			a->failed = true;
			return NULL;
		}
		c->next = a->chunks;
		a->chunks = c;
		a->at = c->bytes;
		a->left = size;
	}
	p = a->at;
	a->at += bytes;
	a->left -= bytes;
	return p;
}

/* A terminated copy in which everything is UTF-8. */
static char *text(struct arena *a, struct rm_str s)
{
	char *copy = get(a, 3 * s.n + 1), *to = copy;
	size_t spare;

	if (!copy)
		return NULL;
	while (s.n > 0) {
		size_t n = rm_str_plain(s);

		if (n == 0 && s.p[0])
			n = rm_utf8_next(s);
		memcpy(to, n > 0 ? s.p : "\xef\xbf\xbd", n > 0 ? n : 3);
		to += n > 0 ? n : 3;
		s.p += n > 0 ? n : 1;
		s.n -= n > 0 ? n : 1;
	}
	*to = '\0';
	/* Room was for nothing but bad bytes: what good ones did not need is the next piece's. */
	spare = (size_t)(a->at - to - 1) & ~(size_t)15;
	a->left += spare;
	a->at -= spare;
	return copy;
}

static Otlp__AnyValue *string_value(struct arena *a, struct rm_str s)
{
	Otlp__AnyValue *v = get(a, sizeof(*v));

	if (!v)
		return NULL;
	otlp__any_value__init(v);
	v->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
	v->string_value = text(a, s);
	return v;
}

static Otlp__ArrayValue *array_value(struct arena *a, struct rm_str packed)
{
	Otlp__ArrayValue *array = get(a, sizeof(*array));
	struct rm_str rest = packed, s;
	size_t count = 0;

	while (rm_attr_strs_next(&rest, &s))
		count++;
	if (!array)
		return NULL;
	otlp__array_value__init(array);
	array->values = get(a, count * sizeof(*array->values));
	if (!array->values)
		return NULL;
	for (rest = packed; array->n_values < count && rm_attr_strs_next(&rest, &s);)
		array->values[array->n_values++] = string_value(a, s);
	return array;
}

static Otlp__AnyValue *any_value(struct arena *a, const struct rm_attr *attr)
{
	Otlp__AnyValue *v;

	if (attr->type == RM_ATTR_STR)
		return string_value(a, attr->v.str);
	v = get(a, sizeof(*v));
	if (!v)
		return NULL;
	otlp__any_value__init(v);
	if (attr->type == RM_ATTR_I64) {
		v->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
		v->int_value = attr->v.i64;
	} else if (attr->type == RM_ATTR_F64) {
		v->value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE;
		v->double_value = attr->v.f64;
	} else if (attr->type == RM_ATTR_BOOL) {
		v->value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
		v->bool_value = attr->v.i64 != 0;
	} else {
		v->value_case = OTLP__ANY_VALUE__VALUE_ARRAY_VALUE;
		v->array_value = array_value(a, attr->v.str);
	}
	return v;
}

static Otlp__KeyValue *key_value(struct arena *a, const struct rm_attr *attr)
{
	Otlp__KeyValue *kv = get(a, sizeof(*kv));

	if (!kv)
		return NULL;
	otlp__key_value__init(kv);
	kv->key = attr->named ? (char *)attr->key.p : text(a, attr->key);
	kv->value = any_value(a, attr);
	return kv;
}

static Otlp__KeyValue **key_values(struct arena *a, const struct rm_record *r, size_t *ret_count)
{
	Otlp__KeyValue **list = get(a, r->attr_count * sizeof(*list));
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr attr;
	size_t n = 0;

	while (list && n < r->attr_count && rm_attr_next(&it, &attr))
		list[n++] = key_value(a, &attr);
	*ret_count = n;
	return list;
}

/* ---- attributes of spans, packed one by one ---- */

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

static size_t varint_bytes(uint64_t v)
{
	return (size_t)(70 - __builtin_clzll(v | 1)) / 7;
}

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

static uint8_t *put_tag(uint8_t *p, unsigned field, enum wire wire)
{
	*p = (uint8_t)(field << 3 | wire);
	return p + 1;
}

static uint8_t *put_text(uint8_t *p, unsigned field, struct rm_str s)
{
	p = put_varint(put_tag(p, field, WIRE_BYTES), s.n);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

static size_t text_bytes(struct rm_str s)
{
	return 1 + varint_bytes(s.n) + s.n;
}

/* Text as it may go out, which nearly all is as it came. */
static struct rm_str clean(struct arena *a, struct rm_str s)
{
	return rm_str_plain(s) == s.n ? s : rm_str_c(text(a, s));
}

/* A KeyValue of one text or number. */
static ProtobufCBinaryData packed_scalar(struct arena *a, const struct rm_attr *attr)
{
	struct rm_str key = attr->named ? attr->key : clean(a, attr->key), s = { NULL, 0 };
	uint64_t number = attr->type == RM_ATTR_BOOL ? attr->v.i64 != 0 : (uint64_t)attr->v.i64;
	size_t value = attr->type == RM_ATTR_F64 ? 1 + sizeof(double) : 1 + varint_bytes(number), n;
	uint8_t *start, *p;

	if (attr->type == RM_ATTR_STR) {
		s = clean(a, attr->v.str);
		value = text_bytes(s);
	}
	n = text_bytes(key) + 1 + varint_bytes(value) + value;
	start = get(a, n);
	if (!start)
		return (ProtobufCBinaryData){ 0, NULL };
	p = put_text(start, 1, key);
	p = put_varint(put_tag(p, 2, WIRE_BYTES), value);
	switch (attr->type) {
	case RM_ATTR_STR:
		put_text(p, 1, s);
		break;
	case RM_ATTR_F64:
		memcpy(put_tag(p, 4, WIRE_FIXED64), &attr->v.f64, sizeof(double));
		break;
	default:
		put_varint(put_tag(p, attr->type == RM_ATTR_BOOL ? 2 : 3, WIRE_VARINT), number);
	}
	return (ProtobufCBinaryData){ n, start };
}

static ProtobufCBinaryData packed_list(struct arena *a, const struct rm_attr *attr)
{
	Otlp__KeyValue *kv = key_value(a, attr);
	size_t n = kv && !a->failed ? otlp__key_value__get_packed_size(kv) : 0;
	uint8_t *p = n > 0 ? get(a, n) : NULL;

	return (ProtobufCBinaryData){ p ? otlp__key_value__pack(kv, p) : 0, p };
}

/*
 * protobuf-c looks at every member of every message twice, to measure and to pack: 9,000 instructions
 * for the attributes of one span, which are 1,000 here.
 */
static ProtobufCBinaryData *packed_attrs(struct arena *a, const struct rm_record *r, size_t *ret_count)
{
	ProtobufCBinaryData *list = get(a, r->attr_count * sizeof(*list));
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr attr;
	size_t n = 0;

	while (list && n < r->attr_count && rm_attr_next(&it, &attr))
		list[n++] = attr.type == RM_ATTR_STRS ? packed_list(a, &attr) : packed_scalar(a, &attr);
	*ret_count = n;
	return list;
}

static bool is_zero(const uint8_t *id, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (id[i])
			return false;
	return true;
}

static ProtobufCBinaryData bytes(const uint8_t *p, size_t n)
{
	return (ProtobufCBinaryData){ n, (uint8_t *)p };
}

static Otlp__Span *span(struct arena *a, const struct rm_span *s)
{
	Otlp__Span *o = get(a, sizeof(*o));

	if (!o)
		return NULL;
	otlp__span__init(o);
	o->trace_id = bytes(s->trace_id, sizeof(s->trace_id));
	o->span_id = bytes(s->span_id, sizeof(s->span_id));
	if (!is_zero(s->parent_id, sizeof(s->parent_id)))
		o->parent_span_id = bytes(s->parent_id, sizeof(s->parent_id));
	o->trace_state = text(a, rm_span_tracestate(s));
	o->name = text(a, rm_span_name(s));
	o->kind = s->kind;
	o->start_time_unix_nano = s->start_ns;
	o->end_time_unix_nano = s->end_ns;
	o->attributes = packed_attrs(a, &s->record, &o->n_attributes);
	o->dropped_attributes_count = s->dropped_attrs;
	o->flags = s->trace_flags | RM_OTLP_HAS_IS_REMOTE;
	if (s->bits & RM_SPAN_PARENT_REMOTE)
		o->flags |= RM_OTLP_IS_REMOTE;
	if (s->status != RM_STATUS_UNSET) {
		o->status = get(a, sizeof(*o->status));
		if (!o->status)
			return NULL;
		otlp__status__init(o->status);
		o->status->code = s->status;
	}
	return o;
}

static Otlp__ScopeSpans *scope_spans(struct arena *a, const struct rm_batch_group *g)
{
	Otlp__ScopeSpans *ss = get(a, sizeof(*ss));
	Otlp__InstrumentationScope *scope = get(a, sizeof(*scope));
	Otlp__Span **spans = get(a, g->span_count * sizeof(*spans));

	if (!ss || !scope || !spans)
		return NULL;
	otlp__scope_spans__init(ss);
	otlp__instrumentation_scope__init(scope);
	scope->name = "remora";
	scope->version = REMORA_VERSION;
	ss->scope = scope;
	ss->spans = spans;
	for (; ss->n_spans < g->span_count; ss->n_spans++)
		spans[ss->n_spans] = span(a, g->spans[ss->n_spans]);
	return ss;
}

static Otlp__ResourceSpans *resource_spans(struct arena *a, const struct rm_batch_group *g)
{
	Otlp__ResourceSpans *rs = get(a, sizeof(*rs));
	Otlp__Resource *resource = get(a, sizeof(*resource));
	Otlp__ScopeSpans **scopes = get(a, sizeof(*scopes));

	if (!rs || !resource || !scopes)
		return NULL;
	otlp__resource_spans__init(rs);
	otlp__resource__init(resource);
	resource->attributes = key_values(a, g->resource, &resource->n_attributes);
	rs->resource = resource;
	scopes[0] = scope_spans(a, g);
	rs->scope_spans = scopes;
	rs->n_scope_spans = 1;
	return rs;
}

static int pack(const Otlp__ExportTraceServiceRequest *request, size_t max_bytes,
		uint8_t **ret_bytes, size_t *ret_n)
{
	size_t n = otlp__export_trace_service_request__get_packed_size(request);
	uint8_t *p;

	if (n > max_bytes)
		return RM_E_RANGE;
	p = malloc(n + 1);
	if (!p)
		return RM_E_NOMEM;
	*ret_n = otlp__export_trace_service_request__pack(request, p);
	*ret_bytes = p;
	return RM_OK;
}

int rm_otlp_proto(const struct rm_batch *batch, size_t max_bytes, uint8_t **ret_bytes,
		  size_t *ret_n)
{
	Otlp__ExportTraceServiceRequest request = OTLP__EXPORT_TRACE_SERVICE_REQUEST__INIT;
	struct arena a = { 0 };
	int err = RM_E_NOMEM;

	request.resource_spans = get(&a, batch->group_count * sizeof(*request.resource_spans));
	if (request.resource_spans)
		for (; request.n_resource_spans < batch->group_count; request.n_resource_spans++)
			request.resource_spans[request.n_resource_spans] = resource_spans(
				&a, &batch->groups[request.n_resource_spans]);
	if (!a.failed)
		err = pack(&request, max_bytes, ret_bytes, ret_n);
	arena_free(&a);
	return err;
}
