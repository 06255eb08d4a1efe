/*
 * The scans of HTTP/1 that must be fast, a block of bytes a step: to the next control character and
 * to the end of a field name. Nothing outside the range is read. Context: any, signal-safe.
 */
#ifndef RM_PROTOCOLS_HTTP1_SCAN_H
#define RM_PROTOCOLS_HTTP1_SCAN_H

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

#endif
