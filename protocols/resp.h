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

#include "base/str.h"

enum { RM_RESP_KEPT_BYTES = 40, RM_RESP_INLINE = 'i', RM_RESP_WORDS = 3 };

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

/* A command that lies as a whole where it came. */
struct rm_resp_command {
	uint32_t args;
	struct rm_str word[RM_RESP_WORDS]; /* the first of them */
};

/* Reads an array of strings at p[*at], if all of it is there. False: rm_resp_next is to say what it is. */
bool rm_resp_command(const char *p, size_t n, size_t *at, struct rm_resp_command *ret);

/*
 * Steps over a simple answer at p[*at], if all of it is there: a status, a number that is not negative, a string, or that
 * there is none. False: rm_resp_next is to say what it is.
 */
bool rm_resp_answer(const char *p, size_t n, size_t *at);

/* True between items. */
bool rm_resp_between(const struct rm_resp *r);

#endif
