/*
 * RESP, the wire format of Redis, versions 2 and 3: cuts one direction into items. An item is a scalar
 * or the head of an aggregate, whose elements are the items that follow. Context: hook.
 * Spec: Redis serialization protocol specification; RESP3.
 */
#ifndef RM_PROTOCOLS_RESP_H
#define RM_PROTOCOLS_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RM_RESP_KEPT_BYTES = 40, RM_RESP_INLINE = 'i' };

enum rm_resp_step { RM_RESP_MORE, RM_RESP_ITEM, RM_RESP_BAD };

struct rm_resp {
	uint8_t state;
	uint8_t type;    /* of the item: '+', '$', '*' ... or RM_RESP_INLINE */
	uint8_t kept;    /* bytes of text */
	bool keep;       /* asked by the caller: the beginning of the next bulk shall be kept; of an error it is */
	bool cut;        /* not all of a line was kept */
	uint64_t left;   /* of a bulk and its line's end: stepped over, never looked at */
	int64_t number;  /* a length, a count or an integer; -1 for what is null */
	char text[RM_RESP_KEPT_BYTES]; /* a line, or the beginning of a bulk */
};

/* Goes on at p[*at] to the end of an item, or to the end of the bytes. Zeroed, it stands before one. */
enum rm_resp_step rm_resp_next(struct rm_resp *r, const char *p, size_t n, size_t *at);

/* The next item is a line without a type: an inline command. */
void rm_resp_inline(struct rm_resp *r);

/* True between items. */
bool rm_resp_between(const struct rm_resp *r);

#endif
