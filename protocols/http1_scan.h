/*
 * The one scan of HTTP/1 that must be fast: to the next control character. Eight bytes a step,
 * reads nothing outside its range. Context: any, signal-safe.
 */
#ifndef RM_PROTOCOLS_HTTP1_SCAN_H
#define RM_PROTOCOLS_HTTP1_SCAN_H

#include <stdint.h>
#include <string.h>

/* The first byte below `limit` (at most 128) in [p, end), or end. */
static inline const char *rm_scan_below(const char *p, const char *end, uint8_t limit)
{
	const uint64_t ones = 0x0101010101010101;

	for (; end - p >= 8; p += 8) {
		uint64_t word, hits;

		memcpy(&word, p, 8);
		/* Borrows can only raise false hits above a true one: the lowest hit is exact. */
		hits = (word - ones * limit) & ~word & (ones << 7);
		if (hits)
			return p + (__builtin_ctzll(hits) >> 3); /* little-endian */
	}
	while (p < end && (uint8_t)*p >= limit)
		p++;
	return p;
}

#endif
