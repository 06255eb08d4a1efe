/*
 * HPACK, the receiver's half. A field's texts are handed out where they lie when they stand in the
 * block or in the static table, and are copied to the caller's room when they were coded, or come
 * from the dynamic table, which the next field may change.
 * Context: hook, connection locked. Spec: RFC 7541.
 */
#include "protocols/hpack.h"

#include "base/err.h"
#include "protocols/hpack_huffman.h"

enum { INTEGER_MAX_SHIFT = 21 }; /* four bytes behind the prefix: more than any limit here */

void rm_hpack_begin(struct rm_hpack_block *b, struct rm_hpack_table *t, struct rm_sink *sink,
		    enum rm_stash which, const void *p, size_t n, char *room)
{
	*b = (struct rm_hpack_block){ .table = t, .sink = sink, .which = which };
	b->start = b->at = p;
	b->end = b->start + n;
	rm_strbuf_init(&b->text, room, RM_HPACK_LIST_MAX_BYTES);
}

/* An integer whose first bits stand in the low `prefix` bits of the next byte (section 5.1). */
static bool read_integer(struct rm_hpack_block *b, unsigned prefix, uint64_t *ret)
{
	uint64_t mask = (1u << prefix) - 1, value;

	if (b->at == b->end)
		return false;
	value = *b->at++ & mask;
	if (value < mask) {
		*ret = value;
		return true;
	}
	for (unsigned shift = 0; shift <= INTEGER_MAX_SHIFT; shift += 7) {
		uint8_t byte;

		if (b->at == b->end)
			return false;
		byte = *b->at++;
		value += (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static int read_string(struct rm_hpack_block *b, struct rm_str *ret)
{
	struct rm_strbuf *text = &b->text;
	const uint8_t *p;
	uint64_t n;
	int64_t got;
	bool coded;

	if (b->at == b->end)
		return RM_E_PROTO;
	coded = *b->at & 0x80;
	if (!read_integer(b, 7, &n) || n > (size_t)(b->end - b->at))
		return RM_E_PROTO;
	p = b->at;
	b->at += n;
	if (!coded) {
		*ret = (struct rm_str){ (const char *)p, n };
		return RM_OK;
	}
	got = rm_hpack_huffman(p, n, text->p + text->n, text->cap - text->n);
	if (got < 0)
		return (int)got;
	*ret = (struct rm_str){ text->p + text->n, (size_t)got };
	text->n += (size_t)got;
	return RM_OK;
}

/* The table's memory, fetched once a block. */
static char *memory_of(struct rm_hpack_block *b)
{
	if (!b->memory && b->table->cap)
		b->memory = b->sink->on->stash(b->sink, b->which, b->table->cap);
	return b->memory;
}

/* A text that stays where the table changes. */
static int keep(struct rm_hpack_block *b, struct rm_str *s)
{
	const char *p = b->text.p + b->text.n;

	rm_strbuf_str(&b->text, *s);
	if (b->text.truncated)
		return RM_E_FULL;
	s->p = p;
	return RM_OK;
}

/* The entry of an index; only the name is asked for when `ret_value` is NULL. */
static int look_up(struct rm_hpack_block *b, uint64_t index, struct rm_str *ret_name,
		   struct rm_str *ret_value)
{
	struct rm_str value;
	int error;

	if (b->table->cap && !memory_of(b))
		return RM_E_NOMEM;
	if (!rm_hpack_table_get(b->table, b->memory, index, ret_name, &value))
		return RM_E_PROTO;
	if (ret_value)
		*ret_value = value;
	if (rm_hpack_is_static(index))
		return RM_OK;
	error = keep(b, ret_name);
	return error || !ret_value ? error : keep(b, ret_value);
}

static int add(struct rm_hpack_block *b, const struct rm_hpack_field *f)
{
	struct rm_hpack_table *t = b->table;
	uint32_t cap;

	if (t->cap && !memory_of(b))
		return RM_E_NOMEM;
	if (!rm_hpack_table_evict(t, b->memory, f->name.n + f->value.n, &cap))
		return RM_OK;
	if (cap > t->cap) {
		b->memory = b->sink->on->stash(b->sink, b->which, cap);
		if (!b->memory)
			return RM_E_NOMEM;
		rm_hpack_table_grown(t, b->memory, cap);
	}
	rm_hpack_table_add(t, b->memory, f->name, f->value);
	return RM_OK;
}

/* A name from the table or written out, and a value (section 6.2). */
static int read_literal(struct rm_hpack_block *b, unsigned prefix, struct rm_hpack_field *ret)
{
	uint64_t index;
	int error;

	if (!read_integer(b, prefix, &index))
		return RM_E_PROTO;
	error = index ? look_up(b, index, &ret->name, NULL) : read_string(b, &ret->name);
	return error ? error : read_string(b, &ret->value);
}

/*
 * Size updates stand before the first field of a block (section 4.2), but golang.org/x/net wrote some in the
 * middle, and Java reads them there. Who does not takes the whole block for an error: no two readers of such
 * a block know different tables.
 */
static int update_size(struct rm_hpack_block *b)
{
	uint64_t bytes;

	if (!read_integer(b, 5, &bytes))
		return RM_E_PROTO;
	if (bytes > RM_HPACK_TABLE_MAX_BYTES)
		return RM_E_RANGE;
	if (b->table->cap && !memory_of(b))
		return RM_E_NOMEM;
	rm_hpack_table_resize(b->table, b->memory, (uint32_t)bytes);
	return RM_OK;
}

static int read_field(struct rm_hpack_block *b, struct rm_hpack_field *ret)
{
	uint8_t first = *b->at;
	uint64_t index;

	if (first & 0x80) {
		ret->form = RM_HPACK_INDEXED;
		return read_integer(b, 7, &index) ? look_up(b, index, &ret->name, &ret->value) : RM_E_PROTO;
	}
	if (first & 0x40) {
		ret->form = RM_HPACK_INDEXING;
		return read_literal(b, 6, ret);
	}
	ret->form = first & 0x10 ? RM_HPACK_NEVER : RM_HPACK_PLAIN;
	return read_literal(b, 4, ret);
}

int rm_hpack_next(struct rm_hpack_block *b, struct rm_hpack_field *ret)
{
	int error;

	while (b->at < b->end && (*b->at & 0xe0) == 0x20) {
		error = update_size(b);
		if (error)
			return error;
	}
	if (b->at == b->end)
		return 0;
	ret->at = (uint32_t)(b->at - b->start);
	error = read_field(b, ret);
	if (error)
		return error;
	ret->end = (uint32_t)(b->at - b->start);
	/* Each part is bounded by the block or the room: the sum fits. */
	b->list_bytes += (uint32_t)(ret->name.n + ret->value.n + RM_HPACK_ENTRY_BYTES);
	if (b->list_bytes > RM_HPACK_LIST_MAX_BYTES)
		return RM_E_RANGE;
	error = ret->form == RM_HPACK_INDEXING ? add(b, ret) : RM_OK;
	return error ? error : 1;
}

static void put_string(struct rm_strbuf *out, struct rm_str s)
{
	size_t rest = s.n - 0x7f;

	if (s.n < 0x7f) {
		rm_strbuf_char(out, (char)s.n);
	} else {
		rm_strbuf_char(out, 0x7f);
		for (; rest >= 0x80; rest >>= 7)
			rm_strbuf_char(out, (char)(rest | 0x80));
		rm_strbuf_char(out, (char)rest);
	}
	rm_strbuf_str(out, s);
}

void rm_hpack_put(struct rm_strbuf *out, struct rm_str name, struct rm_str value)
{
	rm_strbuf_char(out, 0);
	put_string(out, name);
	put_string(out, value);
}

void rm_hpack_put_never(struct rm_strbuf *out, struct rm_str name, struct rm_str value)
{
	rm_strbuf_char(out, 0x10);
	put_string(out, name);
	put_string(out, value);
}

void rm_hpack_put_traceparent(struct rm_strbuf *out, const struct rm_spanctx *c)
{
	static const char start[] = "\x10\x88\x4d\x83\x21\x6b\x1d\x85\xa9\x3f"; /* a literal for nobody's table, its name */
	uint8_t value[RM_TRACEPARENT_BYTES];
	size_t n = rm_hpack_huffman_traceparent(c, value);

	rm_strbuf_put(out, start, sizeof(start) - 1);
	rm_strbuf_char(out, (char)(0x80 | n));
	rm_strbuf_put(out, value, n);
}
