/*
 * The scans of HTTP/1 that must be fast, eight bytes a step: to the next control character, to the
 * end of a field name, and names compared without case. Nothing outside the range is read.
 * Little-endian. Context: any, signal-safe.
 */
#ifndef RM_PROTOCOLS_HTTP1_SCAN_H
#define RM_PROTOCOLS_HTTP1_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RM_SCAN_ONES 0x0101010101010101ull

static inline uint64_t rm_scan_word(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/*
 * Sets the top bit of bytes below `limit` (at most 128). A borrow can set bits above a true one
 * only: the lowest is exact.
 */
static inline uint64_t rm_scan_hits(uint64_t word, uint8_t limit)
{
	return (word - RM_SCAN_ONES * limit) & ~word & (RM_SCAN_ONES << 7);
}

/* The first byte below `limit` (at most 128) in [p, end), or end. */
static inline const char *rm_scan_below(const char *p, const char *end, uint8_t limit)
{
	for (; end - p >= 8; p += 8) {
		uint64_t hits = rm_scan_hits(rm_scan_word(p), limit);

		if (hits)
			return p + (__builtin_ctzll(hits) >> 3);
	}
	while (p < end && (uint8_t)*p >= limit)
		p++;
	return p;
}

/* The first colon, white space or control character in [p, end), or end. */
static inline const char *rm_scan_name(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t word = rm_scan_word(p);
		uint64_t colons = rm_scan_hits(word ^ RM_SCAN_ONES * ':', 1);
		uint64_t hits = rm_scan_hits(word, ' ' + 1) | colons;

		if (hits)
			return p + (__builtin_ctzll(hits) >> 3);
	}
	while (p < end && (uint8_t)*p > ' ' && *p != ':')
		p++;
	return p;
}

/*
 * True when `n` bytes (4, or at least 8) are the name `lower`, made of lowercase letters and
 * hyphens, in any case. They must hold no control characters: setting bit 5 makes them printable.
 */
static inline bool rm_scan_is(const char *p, const char *lower, size_t n)
{
	const uint64_t fold = RM_SCAN_ONES * 0x20;
	uint32_t a, b;

	if (n == 4) {
		memcpy(&a, p, 4);
		memcpy(&b, lower, 4);
		return (a | (uint32_t)fold) == b;
	}
	for (size_t i = 0; i + 8 < n; i += 8)
		if ((rm_scan_word(p + i) | fold) != rm_scan_word(lower + i))
			return false;
	return (rm_scan_word(p + n - 8) | fold) == rm_scan_word(lower + n - 8);
}

#endif
