/*
 * Bytes of a class file, read and written within bounds: what goes beyond them sets `bad`, and reads zeros.
 * Numbers are big-endian. Context: any.
 */
#ifndef RM_ADAPTERS_JAVA_BYTES_H
#define RM_ADAPTERS_JAVA_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/endian.h"

struct rm_jin {
	const uint8_t *p, *end;
	bool bad;
};

struct rm_jout {
	uint8_t *start, *p, *end;
	bool bad;
};

/* The next n bytes; where there are fewer, zeros for up to eight, else NULL. */
static inline const uint8_t *rm_j_take(struct rm_jin *in, size_t n)
{
	static const uint8_t zeros[8];
	const uint8_t *p = in->p;

	if (n > (size_t)(in->end - in->p)) {
		in->bad = true;
		in->p = in->end;
		return n <= sizeof(zeros) ? zeros : NULL;
	}
	in->p += n;
	return p;
}

static inline unsigned rm_j_u1(struct rm_jin *in)
{
	return *rm_j_take(in, 1);
}

static inline unsigned rm_j_u2(struct rm_jin *in)
{
	return rm_be16(rm_j_take(in, 2));
}

static inline uint32_t rm_j_u4(struct rm_jin *in)
{
	return rm_be32(rm_j_take(in, 4));
}

static inline void rm_j_put(struct rm_jout *out, const void *p, size_t n)
{
	if (!p || n > (size_t)(out->end - out->p)) {
		out->bad = true;
		return;
	}
	memcpy(out->p, p, n);
	out->p += n;
}

static inline void rm_j_put1(struct rm_jout *out, unsigned v)
{
	uint8_t b = (uint8_t)v;

	rm_j_put(out, &b, 1);
}

static inline void rm_j_write2(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void rm_j_put2(struct rm_jout *out, unsigned v)
{
	uint8_t b[2];

	rm_j_write2(b, v);
	rm_j_put(out, b, 2);
}

static inline void rm_j_put4(struct rm_jout *out, uint32_t v)
{
	rm_j_put2(out, v >> 16);
	rm_j_put2(out, v & 0xffff);
}

/* Where the next byte will be. */
static inline size_t rm_j_at(const struct rm_jout *out)
{
	return (size_t)(out->p - out->start);
}

/* Keeps room for a length that is known later; what is returned goes to rm_j_put_length. */
static inline size_t rm_j_keep4(struct rm_jout *out)
{
	size_t at = rm_j_at(out);

	rm_j_put4(out, 0);
	return at;
}

static inline void rm_j_put_length(struct rm_jout *out, size_t at)
{
	size_t n = rm_j_at(out) - at - 4;

	if (out->bad)
		return;
	rm_j_write2(out->start + at, (unsigned)(n >> 16));
	rm_j_write2(out->start + at + 2, (unsigned)(n & 0xffff));
}

#endif
