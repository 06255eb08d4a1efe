/*
 * Protobuf's encoding, written front to back. A nested message is written with as much room in front of it as its length
 * will probably take; where that was wrong its bytes move when it ends. That keeps the encoding canonical without a
 * pass that measures. rm_pb_write_... and rm_pb_copy_... go by a pointer and return what follows: the caller has seen to the room.
 * Context of all: any, signal-safe. Spec: protobuf encoding.
 */
#ifndef RM_AGENT_PROTOBUF_H
#define RM_AGENT_PROTOBUF_H

#include "base/bytes.h"
#include "base/strbuf.h"

enum { RM_PB_VARINT = 0, RM_PB_I64 = 1, RM_PB_LEN = 2, RM_PB_I32 = 5 };
enum {
	RM_PB_LENGTH_MAX = 5, /* bytes of a message's length */
	RM_PB_OVERRUN = 16,   /* texts are copied in whole words: so many bytes behind one may be written, too */
};

static inline size_t rm_pb_varint_bytes(uint64_t v)
{
	return (size_t)(9 * (63 ^ __builtin_clzll(v | 1)) + 73) / 64; /* (bits + 6) / 7, for up to 64 of them */
}

static inline char *rm_pb_write_varint(char *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

static inline uint32_t rm_pb_tag(uint32_t field, uint32_t wire)
{
	return field << 3 | wire;
}

/* Both of fields below 16, whose tag is one byte. */
static inline size_t rm_pb_bytes_size(size_t n)
{
	return 1 + rm_pb_varint_bytes(n) + n;
}

static inline char *rm_pb_write_bytes(char *p, uint32_t field, const void *bytes, size_t n)
{
	*p++ = (char)rm_pb_tag(field, RM_PB_LEN);
	p = rm_pb_write_varint(p, n);
	if (n > 0)
		memcpy(p, bytes, n);
	return p + n;
}

/*
 * Text as it lies in a record, in words of which the last one may be padding in part. Up to 7 bytes more are written. False:
 * it is not plain.
 */
static inline bool rm_pb_copy_plain(char *to, const char *from, size_t n)
{
	uint64_t odd = 0, word;
	size_t i;

	for (i = 0; i + sizeof(word) <= n; i += sizeof(word)) {
		word = rm_bytes_word(from + i);
		memcpy(to + i, &word, sizeof(word));
		odd |= (word - RM_BYTES_ONES) | word;
	}
	if (i < n) {
		word = rm_bytes_word(from + i);
		memcpy(to + i, &word, sizeof(word));
		word |= RM_BYTES_ONES << 8 * (n - i);
		odd |= (word - RM_BYTES_ONES) | word;
	}
	return !(odd & RM_BYTES_ONES << 7);
}

/* The same as a field below 16; NULL: it is not plain. */
static inline char *rm_pb_write_text(char *p, uint32_t field, const char *from, size_t n)
{
	*p++ = (char)rm_pb_tag(field, RM_PB_LEN);
	p = rm_pb_write_varint(p, n);
	return rm_pb_copy_plain(p, from, n) ? p + n : NULL;
}

/* Puts a field; all of it or nothing. */
void rm_pb_tag_put(struct rm_strbuf *b, uint32_t field, uint32_t wire);
void rm_pb_number(struct rm_strbuf *b, uint32_t field, uint64_t v);
void rm_pb_fixed64(struct rm_strbuf *b, uint32_t field, uint64_t v);
void rm_pb_bytes(struct rm_strbuf *b, uint32_t field, const void *bytes, size_t n);

/*
 * Of text from anywhere. A receiver refuses a whole request for one string that is not UTF-8: bad bytes become U+FFFD, and so
 * does NUL, which not every receiver can keep.
 */
void rm_pb_string(struct rm_strbuf *b, uint32_t field, struct rm_str s);

/* Begins a nested message whose length will probably take `size` bytes; returns where its content begins, for rm_pb_end_sized. */
size_t rm_pb_begin_sized(struct rm_strbuf *b, uint32_t field, size_t size);
void rm_pb_end_sized(struct rm_strbuf *b, size_t begin, size_t expected);

static inline size_t rm_pb_begin(struct rm_strbuf *b, uint32_t field)
{
	return rm_pb_begin_sized(b, field, 1);
}

static inline void rm_pb_end(struct rm_strbuf *b, size_t begin)
{
	rm_pb_end_sized(b, begin, 1);
}

#endif
