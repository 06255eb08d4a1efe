/*
 * The code is canonical: codes of one length are consecutive numbers in the order of `symbols`, and
 * every code is smaller than the longer ones, all read from the left. So a code's length is found by
 * comparing, and its symbol by subtracting. Most text has codes of 5 to 8 bits: four comparisons.
 * Context: any, signal-safe. Spec: RFC 7541 section 5.2, appendix B.
 */
#include "protocols/hpack_huffman.h"

#include <string.h>

#include "base/err.h"

enum { SYMBOLS = 256, PADDING_MAX_BITS = 7 };

/* From the shortest code to the longest; the end-of-string symbol would come behind the last. */
static const uint8_t symbols[SYMBOLS] = {
	48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56,
	57, 61, 65, 95, 98, 100, 102, 103, 104, 108, 109, 110, 112, 114, 117, 58, 66, 67, 68, 69,
	70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89, 106, 107, 113,
	118, 119, 120, 121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40, 41, 63, 39, 43, 124, 35, 62,
	0, 36, 64, 91, 93, 126, 94, 125, 60, 96, 123, 92, 195, 208, 128, 130, 131, 162, 184, 194,
	224, 226, 153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230, 129, 132, 133,
	134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190,
	196, 198, 228, 232, 233, 1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152,
	155, 157, 158, 165, 166, 168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239, 9, 142,
	144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193, 200, 201,
	202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212, 214, 221, 222,
	223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254, 2, 3, 4, 5, 6, 7, 8, 11, 12,
	14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220, 249, 10, 13,
	22,
};

/* The codes of one length: the first one, its place in `symbols`, and where longer codes begin. */
static const struct {
	uint8_t bits, first;
	uint32_t code;
	uint64_t limit; /* left-justified in 32 bits */
} lengths[] = {
	{ 5, 0, 0x0, 0x50000000ull },
	{ 6, 10, 0x14, 0xb8000000ull },
	{ 7, 36, 0x5c, 0xf8000000ull },
	{ 8, 68, 0xf8, 0xfe000000ull },
	{ 10, 74, 0x3f8, 0xff400000ull },
	{ 11, 79, 0x7fa, 0xffa00000ull },
	{ 12, 82, 0xffa, 0xffc00000ull },
	{ 13, 84, 0x1ff8, 0xfff00000ull },
	{ 14, 90, 0x3ffc, 0xfff80000ull },
	{ 15, 92, 0x7ffc, 0xfffe0000ull },
	{ 19, 95, 0x7fff0, 0xfffe6000ull },
	{ 20, 98, 0xfffe6, 0xfffee000ull },
	{ 21, 106, 0x1fffdc, 0xffff4800ull },
	{ 22, 119, 0x3fffd2, 0xffffb000ull },
	{ 23, 145, 0x7fffd8, 0xffffea00ull },
	{ 24, 174, 0xffffea, 0xfffff600ull },
	{ 25, 186, 0x1ffffec, 0xfffff800ull },
	{ 26, 190, 0x3ffffe0, 0xfffffbc0ull },
	{ 27, 205, 0x7ffffde, 0xfffffe20ull },
	{ 28, 224, 0xfffffe2, 0xfffffff0ull },
	{ 30, 253, 0x3ffffffc, 0x100000000ull },
};

int64_t rm_hpack_huffman(const uint8_t *p, size_t n, char *ret, size_t cap)
{
	const uint8_t *end = p + n;
	uint64_t acc = 0; /* bits not decoded yet, left-justified */
	unsigned have = 0;
	size_t len = 0;

	for (;;) {
		uint32_t window, symbol;
		unsigned i = 0;

		for (; have <= 56 && p < end; have += 8)
			acc |= (uint64_t)*p++ << (56 - have);
		/* Behind the end stand the ones that padding is made of. */
		window = (uint32_t)(acc >> 32) | (have < 32 ? UINT32_MAX >> have : 0);
		if (have <= PADDING_MAX_BITS && window == UINT32_MAX)
			return (int64_t)len;
		while (window >= lengths[i].limit)
			i++;
		symbol = lengths[i].first + (window >> (32 - lengths[i].bits)) - lengths[i].code;
		if (lengths[i].bits > have || symbol >= SYMBOLS)
			return RM_E_PROTO;
		if (len == cap)
			return RM_E_FULL;
		ret[len++] = (char)symbols[symbol];
		acc <<= lengths[i].bits;
		have -= lengths[i].bits;
	}
}

/* Bits on their way out, the first one highest. */
struct writer {
	uint8_t *to;
	uint64_t bits; /* of those that are not written yet the lowest */
	unsigned have;
};

static void put_bits(struct writer *w, uint32_t code, unsigned bits)
{
	uint32_t four;

	w->bits = w->bits << bits | code;
	w->have += bits;
	if (w->have < 32)
		return;
	w->have -= 32;
	four = __builtin_bswap32((uint32_t)(w->bits >> w->have));
	memcpy(w->to, &four, sizeof(four));
	w->to += sizeof(four);
}

static void put_hex(struct writer *w, const uint8_t *p, size_t n)
{
	static const struct {
		uint8_t code, bits;
	} digits[16] = {
		{ 0x00, 5 }, { 0x01, 5 }, { 0x02, 5 }, { 0x19, 6 }, { 0x1a, 6 }, { 0x1b, 6 }, { 0x1c, 6 }, { 0x1d, 6 },
		{ 0x1e, 6 }, { 0x1f, 6 }, { 0x03, 5 }, { 0x23, 6 }, { 0x04, 5 }, { 0x24, 6 }, { 0x05, 5 }, { 0x25, 6 },
	};

	for (size_t i = 0; i < n; i++) {
		unsigned high = p[i] >> 4, low = p[i] & 15;

		put_bits(w, (uint32_t)digits[high].code << digits[low].bits | digits[low].code,
			 digits[high].bits + digits[low].bits);
	}
}

size_t rm_hpack_huffman_traceparent(const struct rm_spanctx *c, uint8_t ret[RM_TRACEPARENT_BYTES])
{
	enum { DASH = 0x16, DASH_BITS = 6 };
	const uint8_t version = 0, flags = c->flags & (RM_FLAG_SAMPLED | RM_FLAG_RANDOM);
	struct writer w = { .to = ret };

	put_hex(&w, &version, 1);
	put_bits(&w, DASH, DASH_BITS);
	put_hex(&w, c->trace_id, 16);
	put_bits(&w, DASH, DASH_BITS);
	put_hex(&w, c->span_id, 8);
	put_bits(&w, DASH, DASH_BITS);
	put_hex(&w, &flags, 1);
	put_bits(&w, (1u << (-w.have & 7)) - 1, -w.have & 7);
	for (; w.have; w.to++) {
		w.have -= 8;
		*w.to = (uint8_t)(w.bits >> w.have);
	}
	return (size_t)(w.to - ret);
}
