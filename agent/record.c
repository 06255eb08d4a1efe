/*
 * Records of spans and resources: builds them in place and reads them back. The builder runs in
 * hooks and trusts its caller; rm_record_valid is the gate for bytes from shared memory, and after
 * it the readers need no checks. Padding is zeroed, so that no stack bytes of the application leave
 * with a record. Layout: agent/telemetry.h. Context: any, signal-safe.
 */
#include "agent/record.h"

#include <string.h>

#include "base/err.h"
#include "base/segment.h"

_Static_assert((int)RM_RECORD_FILLER == (int)RM_SEGMENT_FILLER, "base/segment.c skips these");
_Static_assert((int)RM_RECORD_SPAN == (int)RM_SEGMENT_SPAN, "base/segment.c counts these");
_Static_assert(sizeof(struct rm_span) % 8 == 0 && sizeof(struct rm_attr_head) == 8, "alignment");

static const struct rm_str key_names[RM_KEY_COUNT] = {
#define RM_KEY(id, name) [RM_KEY_##id] = { name, sizeof(name) - 1 },
#include "agent/semconv_keys.h"
#undef RM_KEY
};

struct rm_str rm_key_name(enum rm_key key)
{
	return (unsigned)key < RM_KEY_COUNT ? key_names[key] : (struct rm_str){ NULL, 0 };
}

static size_t padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* Copies text and zeroes up to the next multiple of 8; returns what follows. There must be room. */
static char *put_padded(char *to, const char *p, size_t n)
{
	char *end = to + padded(n);

	if (n == 0)
		return to;
	memset(end - 8, 0, 8);
	memcpy(to, p, n);
	return end;
}

static uint32_t attrs_limit(const struct rm_builder *b)
{
	return b->max_attrs > 0 && b->max_attrs < UINT16_MAX ? b->max_attrs : UINT16_MAX;
}

static void begin(struct rm_builder *b, struct rm_record *r, char *at, uint32_t cap_bytes)
{
	b->record = r;
	b->at = at;
	b->end = (char *)r + cap_bytes;
	b->attrs_left = attrs_limit(b);
	b->dropped = 0;
}

int rm_builder_span(struct rm_builder *b, void *memory, uint32_t cap_bytes,
		    const struct rm_span *head, struct rm_str name, struct rm_str tracestate)
{
	struct rm_span *s = memory;

	if (name.n > UINT16_MAX || tracestate.n > UINT16_MAX ||
	    cap_bytes < sizeof(*s) + padded(name.n) + padded(tracestate.n))
		return RM_E_FULL;
	*s = *head;
	s->record = (struct rm_record){ .type = RM_RECORD_SPAN };
	s->name_bytes = (uint16_t)name.n;
	s->tracestate_bytes = (uint16_t)tracestate.n;
	s->reserved = 0;
	begin(b, &s->record, put_padded(put_padded((char *)(s + 1), name.p, name.n), tracestate.p, tracestate.n),
	      cap_bytes);
	return RM_OK;
}

int rm_builder_resource(struct rm_builder *b, void *memory, uint32_t cap_bytes)
{
	struct rm_record *r = memory;

	if (cap_bytes < sizeof(*r))
		return RM_E_FULL;
	*r = (struct rm_record){ .type = RM_RECORD_RESOURCE };
	*b = (struct rm_builder){ 0 };
	begin(b, r, (char *)(r + 1), cap_bytes);
	return RM_OK;
}

/* The value's first `max` characters; a byte that is not UTF-8 counts as one. */
static struct rm_str cut(struct rm_str value, uint32_t max)
{
	struct rm_str rest = value;

	if (max == 0 || value.n <= max)
		return value;
	for (uint32_t i = 0; i < max && rest.n > 0; i++) {
		size_t n = rm_utf8_next(rest);

		rest.p += n > 0 ? n : 1;
		rest.n -= n > 0 ? n : 1;
	}
	value.n -= rest.n;
	return value;
}

/* Cuts the value of the attribute that was added last. */
static void shorten(struct rm_builder *b, struct rm_str value)
{
	size_t n = cut(value, b->max_value_bytes).n;
	char *start = b->at - padded(value.n);
	uint32_t bytes = (uint32_t)n;

	memcpy(start - sizeof(struct rm_attr_head) + offsetof(struct rm_attr_head, value_bytes), &bytes,
	       sizeof(bytes));
	memset(start + n, 0, padded(n) - n);
	b->at = start + padded(n);
}

/*
 * Reserves an attribute: writes its head and key, and zeroes the value's padding. Returns where
 * `value_bytes` of value are to go, NULL (counted) when a limit is reached.
 */
static inline char *add(struct rm_builder *b, enum rm_key key, struct rm_str name,
			enum rm_attr_type type, size_t value_bytes)
{
	const struct rm_attr_head head = { (uint16_t)key, (uint8_t)type, (uint8_t)name.n,
					   (uint32_t)value_bytes };
	size_t bytes = sizeof(head) + padded(name.n) + padded(value_bytes);
	char *to = b->at;

	if (bytes > (size_t)(b->end - to) || name.n > UINT8_MAX || !b->attrs_left) {
		b->dropped++;
		return NULL;
	}
	b->attrs_left--;
	b->at = to + bytes;
	memcpy(to, &head, sizeof(head));
	to = put_padded(to + sizeof(head), name.p, name.n);
	if (value_bytes > 0)
		memset(b->at - 8, 0, 8);
	return to;
}

static inline void put_str(struct rm_builder *b, enum rm_key key, struct rm_str name,
			   struct rm_str value)
{
	char *to = value.n > 0 ? add(b, key, name, RM_ATTR_STR, value.n) : NULL;

	if (to)
		memcpy(to, value.p, value.n);
}

/* Apart, as it keeps the short ones from being fast. */
static __attribute__((noinline)) void put_long(struct rm_builder *b, enum rm_key key, struct rm_str value)
{
	put_str(b, key, RM_STR(""), cut(value, b->max_value_bytes));
}

void rm_builder_str(struct rm_builder *b, enum rm_key key, struct rm_str value)
{
	if (b->max_value_bytes > 0 && value.n > b->max_value_bytes)
		put_long(b, key, value);
	else
		put_str(b, key, RM_STR(""), value);
}

void rm_builder_named_str(struct rm_builder *b, struct rm_str key, struct rm_str value)
{
	if (key.n > 0)
		put_str(b, RM_KEY_NONE, key, cut(value, b->max_value_bytes));
}

void rm_builder_i64(struct rm_builder *b, enum rm_key key, int64_t value)
{
	char *to = add(b, key, RM_STR(""), RM_ATTR_I64, sizeof(value));

	if (to)
		memcpy(to, &value, sizeof(value));
}

void rm_builder_joined(struct rm_builder *b, enum rm_key key, const struct rm_str *parts, uint32_t count)
{
	struct rm_str whole = { NULL, 0 };
	char *to;

	for (uint32_t i = 0; i < count; i++)
		whole.n += parts[i].n;
	to = whole.n > 0 ? add(b, key, RM_STR(""), RM_ATTR_STR, whole.n) : NULL;
	if (!to)
		return;
	whole.p = to;
	for (uint32_t i = 0; i < count; i++) {
		if (parts[i].n > 0)
			memcpy(to, parts[i].p, parts[i].n);
		to += parts[i].n;
	}
	if (b->max_value_bytes > 0 && whole.n > b->max_value_bytes)
		shorten(b, whole);
}

void rm_builder_named_strs(struct rm_builder *b, struct rm_str key, const struct rm_str *values,
			   uint32_t count)
{
	size_t bytes = 0;
	char *to;

	if (key.n == 0 || count == 0)
		return;
	for (uint32_t i = 0; i < count; i++)
		bytes += sizeof(uint32_t) + cut(values[i], b->max_value_bytes).n;
	to = add(b, RM_KEY_NONE, key, RM_ATTR_STRS, bytes);
	for (uint32_t i = 0; to && i < count; i++) {
		struct rm_str value = cut(values[i], b->max_value_bytes);
		uint32_t n = (uint32_t)value.n;

		memcpy(to, &n, sizeof(n));
		if (n > 0)
			memcpy(to + sizeof(n), value.p, n);
		to += sizeof(n) + n;
	}
}

uint32_t rm_builder_end(struct rm_builder *b)
{
	b->record->bytes = (uint32_t)(b->at - (char *)b->record);
	b->record->attr_count = (uint16_t)(attrs_limit(b) - b->attrs_left);
	if (b->record->type == RM_RECORD_SPAN)
		((struct rm_span *)b->record)->dropped_attrs += b->dropped;
	return b->record->bytes;
}

struct rm_str rm_span_name(const struct rm_span *s)
{
	return (struct rm_str){ (const char *)(s + 1), s->name_bytes };
}

struct rm_str rm_span_tracestate(const struct rm_span *s)
{
	return (struct rm_str){ (const char *)(s + 1) + padded(s->name_bytes), s->tracestate_bytes };
}

/* Bytes before the first attribute. */
static size_t fixed_bytes(const struct rm_record *r)
{
	const struct rm_span *s = (const struct rm_span *)r;

	if (r->type != RM_RECORD_SPAN)
		return sizeof(*r);
	return sizeof(*s) + padded(s->name_bytes) + padded(s->tracestate_bytes);
}

struct rm_attr_iter rm_record_attrs(const struct rm_record *r)
{
	const char *p = (const char *)r;

	return (struct rm_attr_iter){ p + fixed_bytes(r), p + r->bytes, r->attr_count };
}

bool rm_builder_find_str(const struct rm_builder *b, enum rm_key key, struct rm_str *ret)
{
	const char *p = (const char *)b->record;
	struct rm_attr_iter it = { p + fixed_bytes(b->record), b->at, attrs_limit(b) - b->attrs_left };
	struct rm_attr attr;

	while (rm_attr_next(&it, &attr)) {
		if (attr.type != RM_ATTR_STR || attr.key.p != rm_key_name(key).p)
			continue;
		*ret = attr.v.str;
		return true;
	}
	return false;
}

bool rm_attr_strs_next(struct rm_str *rest, struct rm_str *ret)
{
	uint32_t n;

	if (rest->n < sizeof(n))
		return false;
	memcpy(&n, rest->p, sizeof(n));
	if (n > rest->n - sizeof(n))
		return false;
	*ret = (struct rm_str){ rest->p + sizeof(n), n };
	rest->p += sizeof(n) + n;
	rest->n -= sizeof(n) + n;
	return true;
}

/*
 * Decodes the attribute at it->p and steps over it. False when it does not stay inside or is of no
 * known kind, which in a valid record happens only at the end.
 */
bool rm_attr_next(struct rm_attr_iter *it, struct rm_attr *ret)
{
	struct rm_attr_head head;
	size_t left = (size_t)(it->end - it->p);
	const char *text = it->p + sizeof(head), *value;

	if (it->left == 0 || left < sizeof(head))
		return false;
	memcpy(&head, it->p, sizeof(head));
	left -= sizeof(head);
	if (left < padded(head.key_bytes) ||
	    left - padded(head.key_bytes) < padded(head.value_bytes))
		return false;
	if ((head.key == RM_KEY_NONE) != (head.key_bytes > 0) || head.key >= RM_KEY_COUNT)
		return false;
	value = text + padded(head.key_bytes);
	ret->key = head.key != RM_KEY_NONE ? rm_key_name(head.key) :
					     (struct rm_str){ text, head.key_bytes };
	ret->named = head.key != RM_KEY_NONE;
	ret->type = head.type;
	if (head.type == RM_ATTR_STR || head.type == RM_ATTR_STRS)
		ret->v.str = (struct rm_str){ value, head.value_bytes };
	else if (head.type >= RM_ATTR_I64 && head.type <= RM_ATTR_BOOL && head.value_bytes == 8)
		memcpy(&ret->v, value, 8);
	else
		return false;
	it->p = value + padded(head.value_bytes);
	it->left--;
	return true;
}

static bool strs_valid(struct rm_str list)
{
	struct rm_str item;

	while (rm_attr_strs_next(&list, &item))
		;
	return list.n == 0;
}

bool rm_record_valid(const struct rm_record *r, uint32_t bytes)
{
	const struct rm_span *s = (const struct rm_span *)r;
	struct rm_attr_iter it;
	struct rm_attr attr;

	if (bytes < sizeof(*r) || r->bytes != bytes || bytes % 8 != 0)
		return false;
	if (r->type != RM_RECORD_SPAN && r->type != RM_RECORD_RESOURCE)
		return false;
	if (r->type == RM_RECORD_SPAN &&
	    (bytes < sizeof(*s) || s->kind > RM_KIND_CONSUMER || s->status > RM_STATUS_ERROR))
		return false;
	if (fixed_bytes(r) > bytes)
		return false;
	it = rm_record_attrs(r);
	while (rm_attr_next(&it, &attr))
		if (attr.type == RM_ATTR_STRS && !strs_valid(attr.v.str))
			return false;
	return it.left == 0 && it.p == it.end;
}
