/* See snappy.h. */
#include "protocols/snappy.h"

#include <string.h>

enum tag { LITERAL, COPY_1, COPY_2, COPY_4 }; /* a copy's distance is in so many bytes */

enum { SIZE_BYTES = 5, LONG_LITERAL = 60 };

struct element {
	uint64_t bytes, distance;
	bool literal;
};

/* n bytes of `in`, the least first; they are there. */
static uint32_t take(struct rm_str *in, size_t n)
{
	uint32_t value = 0;

	for (size_t i = 0; i < n; i++)
		value |= (uint32_t)(uint8_t)in->p[i] << 8 * i;
	*in = rm_str_behind(*in, n);
	return value;
}

/* The size of all, in groups of seven bits. False: it is none, or cut off. */
static bool read_size(struct rm_str *in, uint32_t *ret)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < SIZE_BYTES && i < in->n; i++) {
		uint8_t byte = (uint8_t)in->p[i];

		size |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (byte & 0x80)
			continue;
		*in = rm_str_behind(*in, i + 1);
		*ret = (uint32_t)size;
		return size <= UINT32_MAX;
	}
	return false;
}

/* False: it is cut off. */
static bool read_element(struct rm_str *in, struct element *ret)
{
	static const uint8_t distance_bytes[] = { [COPY_1] = 1, [COPY_2] = 2, [COPY_4] = 4 };
	uint8_t tag = (uint8_t)in->p[0], high = tag >> 2;
	enum tag kind = (enum tag)(tag & 3);
	size_t more = kind != LITERAL ? distance_bytes[kind] : high >= LONG_LITERAL ? (size_t)high - LONG_LITERAL + 1 : 0;

	if (in->n < 1 + more)
		return false;
	*in = rm_str_behind(*in, 1);
	*ret = (struct element){ .bytes = (uint64_t)high + 1, .literal = kind == LITERAL };
	if (kind == LITERAL && more)
		ret->bytes = (uint64_t)take(in, more) + 1;
	else if (kind == COPY_1)
		ret->bytes = 4 + (high & 7);
	if (kind != LITERAL)
		ret->distance = take(in, more) | (kind == COPY_1 ? (uint32_t)(tag >> 5) << 8 : 0);
	return true;
}

int64_t rm_snappy_begin(struct rm_str in, char *out, uint32_t cap, uint32_t *ret_size)
{
	struct element e;
	uint32_t n = 0;

	if (!read_size(&in, ret_size))
		return -1;
	cap = cap < *ret_size ? cap : *ret_size;
	while (n < cap && in.n && read_element(&in, &e)) {
		uint64_t here = e.bytes < cap - n ? e.bytes : cap - n;

		if (e.bytes > *ret_size - n || (!e.literal && (!e.distance || e.distance > n)))
			return -1;
		if (e.literal) {
			here = here < in.n ? here : in.n;
			if (here)
				memcpy(out + n, in.p, here);
			in = rm_str_behind(in, here);
		} else {
			/* A copy may overlap what it makes. */
			for (uint64_t i = 0; i < here; i++)
				out[n + i] = out[n + i - e.distance];
		}
		n += (uint32_t)here;
	}
	return n;
}
