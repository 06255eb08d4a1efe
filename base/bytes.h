/*
 * Bytes compared many at a time, in the widest way that every machine of its kind has: sixteen on
 * x86-64, eight elsewhere (little-endian). Nothing outside the range is read. Context: any.
 */
#ifndef RM_BASE_BYTES_H
#define RM_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RM_BYTES_ONES 0x0101010101010101ull

static inline uint64_t rm_bytes_word(const char *p)
{
	uint64_t word;

	__builtin_memcpy(&word, p, sizeof(word)); /* also where base/mem.c forbids what is built in */
	return word;
}

/* Two bytes as one number, in the order in which memory has them (little-endian). */
#define RM_BYTES_PAIR(first, second) ((uint16_t)((uint8_t)(first) | (uint8_t)(second) << 8))

static inline uint16_t rm_bytes_pair(const char *p)
{
	uint16_t pair;

	__builtin_memcpy(&pair, p, sizeof(pair));
	return pair;
}

/* `n` bytes, 1 to 7, and zeroes behind them. */
static inline uint64_t rm_bytes_few(const char *p, size_t n)
{
	uint32_t first, last;

	if (n < 4)
		return (uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << 8 * (n / 2) | (uint64_t)(uint8_t)p[n - 1] << 8 * (n - 1);
	__builtin_memcpy(&first, p, sizeof(first));
	__builtin_memcpy(&last, p + n - 4, sizeof(last));
	return first | (uint64_t)last << 8 * (n - 4);
}

/*
 * Sets the top bit of bytes below `limit` (at most 128). A borrow can set bits above a true one
 * only: the lowest is exact.
 */
static inline uint64_t rm_bytes_below(uint64_t word, uint8_t limit)
{
	return (word - RM_BYTES_ONES * limit) & ~word & (RM_BYTES_ONES << 7);
}

/*
 * True when `n` bytes (4, or at least 8) are the name `lower`, made of lowercase letters and
 * hyphens, in any case. They must hold no control characters: setting bit 5 makes them printable.
 */
static inline bool rm_bytes_are(const char *p, const char *lower, size_t n)
{
	const uint64_t fold = RM_BYTES_ONES * 0x20;
	uint32_t a, b;

	if (n == 4) {
		__builtin_memcpy(&a, p, 4);
		__builtin_memcpy(&b, lower, 4);
		return (a | (uint32_t)fold) == b;
	}
	for (size_t i = 0; i + 8 < n; i += 8)
		if ((rm_bytes_word(p + i) | fold) != rm_bytes_word(lower + i))
			return false;
	return (rm_bytes_word(p + n - 8) | fold) == rm_bytes_word(lower + n - 8);
}

/* A block of RM_BLOCK bytes, and which of them hit: rm_block_first says where the first one is. */
#if defined(__SSE2__)
#include <emmintrin.h>

enum { RM_BLOCK = 16 };
typedef __m128i rm_block;

static inline rm_block rm_block_load(const char *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

/* `n` bytes, 1 to RM_BLOCK - 1, and zeroes behind them. */
static inline rm_block rm_block_few(const char *p, size_t n)
{
	if (n < 8)
		return _mm_cvtsi64_si128((long long)rm_bytes_few(p, n));
	return _mm_set_epi64x((long long)(rm_bytes_word(p + n - 8) >> 8 * (15 - n) >> 8), (long long)rm_bytes_word(p));
}

/*
 * The last `n` bytes, 1 to RM_BLOCK - 1, before `end`, where RM_BLOCK bytes can be read: to be asked what hits, of which
 * rm_block_last_hits are theirs.
 */
static inline rm_block rm_block_last(const char *end, size_t n)
{
	return rm_block_load(end - RM_BLOCK);
}

static inline uint64_t rm_block_last_hits(uint64_t hits, size_t n)
{
	return hits >> (RM_BLOCK - n);
}

static inline uint64_t rm_block_below(rm_block b, uint8_t limit)
{
	__m128i most = _mm_set1_epi8((char)(limit - 1));

	return (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(b, most), b));
}

static inline uint64_t rm_block_equal(rm_block b, char c)
{
	return (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(b, _mm_set1_epi8(c)));
}

static inline unsigned rm_block_first(uint64_t hits)
{
	return (unsigned)__builtin_ctzll(hits);
}

static inline bool rm_block_same(const char *p, const char *q)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8(rm_block_load(p), rm_block_load(q))) == 0xffff;
}

/* The same of four blocks. */
static inline bool rm_blocks_same(const char *p, const char *q)
{
	__m128i a = _mm_cmpeq_epi8(rm_block_load(p), rm_block_load(q));
	__m128i b = _mm_cmpeq_epi8(rm_block_load(p + RM_BLOCK), rm_block_load(q + RM_BLOCK));
	__m128i c = _mm_cmpeq_epi8(rm_block_load(p + 2 * RM_BLOCK), rm_block_load(q + 2 * RM_BLOCK));
	__m128i d = _mm_cmpeq_epi8(rm_block_load(p + 3 * RM_BLOCK), rm_block_load(q + 3 * RM_BLOCK));

	return _mm_movemask_epi8(_mm_and_si128(_mm_and_si128(a, b), _mm_and_si128(c, d))) == 0xffff;
}
#else
enum { RM_BLOCK = 8 };
typedef uint64_t rm_block;

static inline rm_block rm_block_load(const char *p)
{
	return rm_bytes_word(p);
}

static inline rm_block rm_block_few(const char *p, size_t n)
{
	return rm_bytes_few(p, n);
}

/* Behind them stand zeroes: a hit there is the first behind the last byte. */
static inline rm_block rm_block_last(const char *end, size_t n)
{
	return rm_bytes_word(end - RM_BLOCK) >> 8 * (RM_BLOCK - n);
}

static inline uint64_t rm_block_last_hits(uint64_t hits, size_t n)
{
	return hits & ((1ull << 8 * n) - 1);
}

static inline uint64_t rm_block_below(rm_block b, uint8_t limit)
{
	return rm_bytes_below(b, limit);
}

static inline uint64_t rm_block_equal(rm_block b, char c)
{
	return rm_bytes_below(b ^ RM_BYTES_ONES * (uint8_t)c, 1);
}

static inline unsigned rm_block_first(uint64_t hits)
{
	return (unsigned)__builtin_ctzll(hits) >> 3;
}

static inline bool rm_block_same(const char *p, const char *q)
{
	return rm_bytes_word(p) == rm_bytes_word(q);
}

/* The same of four blocks. */
static inline bool rm_blocks_same(const char *p, const char *q)
{
	uint64_t a = rm_bytes_word(p) ^ rm_bytes_word(q), b = rm_bytes_word(p + 8) ^ rm_bytes_word(q + 8);
	uint64_t c = rm_bytes_word(p + 16) ^ rm_bytes_word(q + 16), d = rm_bytes_word(p + 24) ^ rm_bytes_word(q + 24);

	return !(a | b | c | d);
}
#endif

/* True when both have the same `n` bytes, at least RM_BLOCK of them. */
static inline bool rm_bytes_same(const char *p, const char *q, size_t n)
{
	if (n >= 4 * RM_BLOCK) {
		const char *last = p + n - 4 * RM_BLOCK;

		for (; p < last; p += 4 * RM_BLOCK, q += 4 * RM_BLOCK)
			if (!rm_blocks_same(p, q))
				return false;
		return rm_blocks_same(last, q - (p - last));
	}
	for (; n > RM_BLOCK; n -= RM_BLOCK, p += RM_BLOCK, q += RM_BLOCK)
		if (!rm_block_same(p, q))
			return false;
	return rm_block_same(p - (RM_BLOCK - n), q - (RM_BLOCK - n));
}

/* Which of the last bytes from `p` to `end`, fewer than a block, of a range that begins at `from` are `c`. */
static inline uint64_t rm_block_rest_equal(const char *from, const char *p, const char *end, char c)
{
	size_t n = (size_t)(end - p);

	if (!n)
		return 0;
	if (end - from < RM_BLOCK)
		return rm_block_equal(rm_block_few(p, n), c); /* behind them stand zeroes */
	return rm_block_last_hits(rm_block_equal(rm_block_last(end, n), c), n);
}

/* As rm_bytes_any, of hits in the block at `p`: only the first of these is sure to be one. */
static inline __attribute__((always_inline)) bool rm_block_any(const char *from, const char *p, uint64_t hits, char c,
							       bool (*is)(const char *from, const char *at, const void *arg),
							       const void *arg)
{
	for (; hits; hits &= hits - 1)
		if (p[rm_block_first(hits)] == c && is(from, p + rm_block_first(hits), arg))
			return true;
	return false;
}

/* Asks `is` of each `c` among the `n` bytes from `from` on, until it says so. False: it did of none. Context: any, signal-safe. */
static inline __attribute__((always_inline)) bool rm_bytes_any(const char *from, size_t n, char c,
							       bool (*is)(const char *from, const char *at, const void *arg),
							       const void *arg)
{
	const char *p = from, *end = n ? p + n : p;

	for (; end - p >= RM_BLOCK; p += RM_BLOCK)
		if (rm_block_any(from, p, rm_block_equal(rm_block_load(p), c), c, is, arg))
			return true;
	return rm_block_any(from, p, rm_block_rest_equal(from, p, end, c), c, is, arg);
}

#endif
