/*
 * The scans of HTTP/1 that must be fast, a block of bytes a step: to the next control character, to
 * the end of a field name, and names compared without case. Nothing outside the range is read.
 * Context: any, signal-safe.
 */
#ifndef RM_PROTOCOLS_HTTP1_SCAN_H
#define RM_PROTOCOLS_HTTP1_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* The first byte below `limit` (1 to 128) in [p, end), or end. */
static inline const char *rm_scan_below(const char *p, const char *end, uint8_t limit)
{
	for (; end - p >= RM_BLOCK; p += RM_BLOCK) {
		uint64_t hits = rm_block_below(rm_block_load(p), limit);

		if (hits)
			return p + rm_block_first(hits);
	}
	while (p < end && (uint8_t)*p >= limit)
		p++;
	return p;
}

/* The first colon, white space or control character in [p, end), or end. */
static inline const char *rm_scan_name(const char *p, const char *end)
{
	for (; end - p >= RM_BLOCK; p += RM_BLOCK) {
		rm_block b = rm_block_load(p);
		uint64_t hits = rm_block_below(b, ' ' + 1) | rm_block_equal(b, ':');

		if (hits)
			return p + rm_block_first(hits);
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
	const uint64_t fold = RM_BYTES_ONES * 0x20;
	uint32_t a, b;

	if (n == 4) {
		memcpy(&a, p, 4);
		memcpy(&b, lower, 4);
		return (a | (uint32_t)fold) == b;
	}
	for (size_t i = 0; i + 8 < n; i += 8)
		if ((rm_bytes_word(p + i) | fold) != rm_bytes_word(lower + i))
			return false;
	return (rm_bytes_word(p + n - 8) | fold) == rm_bytes_word(lower + n - 8);
}

#endif
