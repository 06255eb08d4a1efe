/*
 * The scans of HTTP/1 that must be fast, a block of bytes a step: to the next control character and
 * to the end of a field name. Nothing outside the range is read. Context: any, signal-safe.
 */
#ifndef RM_PROTOCOLS_HTTP1_SCAN_H
#define RM_PROTOCOLS_HTTP1_SCAN_H

#include <stddef.h>

#include "base/bytes.h"

/* The last bytes, fewer than a block: apart, as most scans end before. Behind them stand zeroes, which hit. */
static __attribute__((noinline, unused)) const char *rm_scan_below_few(const char *p, const char *end, uint8_t limit)
{
	return p < end ? p + rm_block_first(rm_block_below(rm_block_few(p, (size_t)(end - p)), limit)) : p;
}

static __attribute__((noinline, unused)) const char *rm_scan_name_few(const char *p, const char *end)
{
	rm_block b;

	if (p == end)
		return p;
	b = rm_block_few(p, (size_t)(end - p));
	return p + rm_block_first(rm_block_below(b, ' ' + 1) | rm_block_equal(b, ':'));
}

/* The first byte below `limit` (1 to 128) in [p, end), or end. */
static inline const char *rm_scan_below(const char *p, const char *end, uint8_t limit)
{
	for (; end - p >= RM_BLOCK; p += RM_BLOCK) {
		uint64_t hits = rm_block_below(rm_block_load(p), limit);

		if (hits)
			return p + rm_block_first(hits);
	}
	return rm_scan_below_few(p, end, limit);
}

/* As rm_scan_below, where the RM_BLOCK bytes before `end` can be read: the few last ones take no call. */
static inline const char *rm_scan_below_back(const char *p, const char *end, uint8_t limit)
{
	uint64_t hits;

	for (; end - p >= RM_BLOCK; p += RM_BLOCK) {
		hits = rm_block_below(rm_block_load(p), limit);
		if (hits)
			return p + rm_block_first(hits);
	}
	if (p == end)
		return end;
	hits = rm_block_last_hits(rm_block_below(rm_block_last(end, (size_t)(end - p)), limit), (size_t)(end - p));
	return hits ? p + rm_block_first(hits) : end;
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
	return rm_scan_name_few(p, end);
}

#endif
