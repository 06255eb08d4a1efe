/* See protobuf.h. */
#include "agent/protobuf.h"

#include <string.h>

void rm_pb_tag_put(struct rm_strbuf *b, uint32_t field, uint32_t wire)
{
	char *p = rm_strbuf_room(b, rm_pb_varint_bytes(rm_pb_tag(field, wire)));

	if (p)
		rm_pb_write_varint(p, rm_pb_tag(field, wire));
}

void rm_pb_number(struct rm_strbuf *b, uint32_t field, uint64_t v)
{
	char *p = rm_strbuf_room(b, rm_pb_varint_bytes(rm_pb_tag(field, RM_PB_VARINT)) + rm_pb_varint_bytes(v));

	if (p)
		rm_pb_write_varint(rm_pb_write_varint(p, rm_pb_tag(field, RM_PB_VARINT)), v);
}

void rm_pb_fixed64(struct rm_strbuf *b, uint32_t field, uint64_t v)
{
	rm_pb_tag_put(b, field, RM_PB_I64);
	rm_strbuf_put(b, &v, sizeof(v)); /* little-endian, as both our architectures are */
}

void rm_pb_bytes(struct rm_strbuf *b, uint32_t field, const void *bytes, size_t n)
{
	char *p = rm_strbuf_room(b, rm_pb_bytes_size(n));

	if (p)
		rm_pb_write_bytes(p, field, bytes, n);
}

size_t rm_pb_begin_sized(struct rm_strbuf *b, uint32_t field, size_t size)
{
	rm_pb_tag_put(b, field, RM_PB_LEN);
	rm_strbuf_room(b, size);
	return b->n;
}

void rm_pb_end_sized(struct rm_strbuf *b, size_t begin, size_t expected)
{
	size_t n = b->n - begin, size = rm_pb_varint_bytes(n);
	char *length = b->p + begin - expected;

	if (size > expected)
		rm_strbuf_room(b, size - expected); /* which sets `truncated` */
	if (b->truncated)
		return;
	if (size != expected)
		memmove(length + size, b->p + begin, n);
	b->n = begin - expected + size + n;
	rm_pb_write_varint(length, n);
}

static void put_mended(struct rm_strbuf *b, uint32_t field, struct rm_str s)
{
	size_t begin = rm_pb_begin(b, field);

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
	rm_pb_end(b, begin);
}

static bool is_plain(struct rm_str s)
{
	return rm_str_plain(s) == s.n;
}

void rm_pb_string(struct rm_strbuf *b, uint32_t field, struct rm_str s)
{
	if (is_plain(s))
		rm_pb_bytes(b, field, s.p, s.n);
	else
		put_mended(b, field, s);
}
