/*
 * Attributes as KeyValue. Nearly all are texts and numbers of ours, whose size is known before anything is written: these
 * are written with one look at each, their names as they lie ready (rm_key_field). What else there is goes the long way.
 * Context: any, signal-safe. Spec: opentelemetry-proto common/v1.
 */
#include "agent/otlp_attrs.h"

#include <string.h>

#include "agent/keys.h"
#include "agent/protobuf.h"

/* More than an attribute can take beside its text. */
enum { ATTR_ROOM = 3 * RM_PB_LENGTH_MAX + 4 + UINT8_MAX + RM_PB_OVERRUN };

/* AnyValue: its members are a oneof and are written even when zero. */
static void put_value(struct rm_strbuf *b, uint32_t field, const struct rm_attr *a)
{
	size_t begin = rm_pb_begin(b, field), list, item;
	struct rm_str rest = a->v.str, s;
	uint64_t bits;

	switch (a->type) {
	case RM_ATTR_STR:
		rm_pb_string(b, 1, a->v.str);
		break;
	case RM_ATTR_BOOL:
		rm_pb_number(b, 2, a->v.i64 != 0);
		break;
	case RM_ATTR_I64:
		rm_pb_number(b, 3, (uint64_t)a->v.i64);
		break;
	case RM_ATTR_F64:
		memcpy(&bits, &a->v.f64, sizeof(bits));
		rm_pb_fixed64(b, 4, bits);
		break;
	case RM_ATTR_STRS:
		list = rm_pb_begin(b, 5);
		while (rm_attr_strs_next(&rest, &s)) {
			item = rm_pb_begin(b, 1);
			rm_pb_string(b, 1, s);
			rm_pb_end(b, item);
		}
		rm_pb_end(b, list);
		break;
	case RM_ATTR_LINK: /* rm_attr_next gives none */
	case RM_ATTR_EVENT:
		break;
	}
	rm_pb_end(b, begin);
}

/* A KeyValue up to where its value begins, of `value` bytes, `name` being from rm_key_field. */
static inline char *write_key(char *p, uint32_t field, struct rm_str name, size_t value)
{
	size_t i = 0;

	*p++ = (char)rm_pb_tag(field, RM_PB_LEN);
	p = rm_pb_write_varint(p, name.n + rm_pb_varint_bytes(value) + value);
	do
		memcpy(p + i, name.p + i, RM_PB_OVERRUN);
	while ((i += RM_PB_OVERRUN) < name.n);
	return rm_pb_write_varint(p + name.n, value);
}

/* All three lengths of most take a byte each. */
static inline char *write_text_attr(char *p, uint32_t field, const struct rm_attr_head *h)
{
	struct rm_str name = rm_key_field((enum rm_key)h->key);
	const char *value = (const char *)(h + 1);
	size_t n = h->value_bytes, i = 0;

	if (name.n + n > 0x7f - 3)
		return rm_pb_write_text(write_key(p, field, name, rm_pb_bytes_size(n)), 1, value, n);
	*p++ = (char)rm_pb_tag(field, RM_PB_LEN);
	*p++ = (char)(name.n + n + 3);
	do
		memcpy(p + i, name.p + i, RM_PB_OVERRUN);
	while ((i += RM_PB_OVERRUN) < name.n);
	p += name.n;
	*p++ = (char)(n + 2);
	*p++ = (char)rm_pb_tag(1, RM_PB_LEN);
	*p++ = (char)n;
	return rm_pb_copy_plain(p, value, n) ? p + n : NULL;
}

static inline char *write_number_attr(char *p, uint32_t field, const struct rm_attr_head *h)
{
	bool is_bool = h->type == RM_ATTR_BOOL;
	uint64_t number = rm_bytes_word((const char *)(h + 1));

	if (is_bool)
		number = number != 0;
	p = write_key(p, field, rm_key_field((enum rm_key)h->key), 1 + rm_pb_varint_bytes(number));
	*p++ = (char)rm_pb_tag(is_bool ? 2 : 3, RM_PB_VARINT);
	return rm_pb_write_varint(p, number);
}

/* A text or number of ours, as nearly all attributes are. */
static inline bool is_simple(const struct rm_attr_head *h)
{
	return h->key && (h->type == RM_ATTR_STR || h->type == RM_ATTR_I64 || h->type == RM_ATTR_BOOL);
}

static inline size_t attr_bytes(const struct rm_attr_head *h)
{
	return sizeof(*h) + ((h->value_bytes + (size_t)7) & ~(size_t)7);
}

/* Steps over the attributes that it wrote, up to one that is something else. */
static void put_simple_attrs(struct rm_strbuf *b, uint32_t field, struct rm_attr_iter *it)
{
	char *to = b->p + b->n, *end = b->p + b->cap, *next;

	while (it->left > 0 && !b->truncated) {
		const struct rm_attr_head *h = (const struct rm_attr_head *)it->p;

		if (!is_simple(h) || (size_t)(end - to) < ATTR_ROOM + (size_t)h->value_bytes)
			break;
		next = h->type == RM_ATTR_STR ? write_text_attr(to, field, h) : write_number_attr(to, field, h);
		if (!next)
			break;
		to = next;
		it->p += attr_bytes(h);
		it->left--;
	}
	b->n = (size_t)(to - b->p);
}

void rm_otlp_attrs(struct rm_strbuf *b, uint32_t field, const struct rm_record *r)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr a;

	put_simple_attrs(b, field, &it);
	while (rm_attr_next(&it, &a)) {
		size_t begin = rm_pb_begin(b, field);

		rm_pb_string(b, 1, a.key);
		put_value(b, 2, &a);
		rm_pb_end(b, begin);
		put_simple_attrs(b, field, &it);
	}
}
