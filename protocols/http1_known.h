/*
 * Heads of HTTP/1 that were parsed before. Most that follow on a connection have the same fields, byte for byte: those need
 * no parsing, since what they say is known. The first line is none of that, and is read each time.
 *
 * What is known lies in memory that connections share, one of them at a time (rm_sink_calls.memo). A head with fields that
 * carry trace context is never kept: those are another with each request. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_HTTP1_KNOWN_H
#define RM_PROTOCOLS_HTTP1_KNOWN_H

#include "base/bytes.h"
#include "base/worth.h"
#include "protocols/http1_head.h"

enum { RM_HTTP1_KNOWN_MAX = 4 /* of each direction */, RM_HTTP1_KNOWN_FIELDS = 16, RM_HTTP1_KNOWN_BYTES = 704 };

/* The fields of a head, and what they say. */
struct rm_http1_known {
	uint32_t number; /* 0: there is none here; else that of no others in this memory, before or after */
	uint32_t bytes;  /* of `text`, up to the empty line */
	uint32_t field_count;
	struct rm_http1_framing framing;
	struct rm_str authority;
	struct rm_field fields[RM_HTTP1_KNOWN_FIELDS]; /* of `text`, as is `authority` */
	_Alignas(16) char text[RM_HTTP1_KNOWN_BYTES];
};

/* Zeroes to begin with. */
struct rm_http1_memo {
	uint32_t numbers; /* given so far */
	struct rm_http1_kept {
		uint8_t next;   /* where the next one goes */
		uint8_t last;   /* which was found last; 1 is the first */
		struct rm_worth worth;
		struct rm_http1_known known[RM_HTTP1_KNOWN_MAX];
	} kept[2]; /* by enum rm_dir */
};

_Static_assert(sizeof(struct rm_http1_memo) <= RM_MEMO_BYTES, "a sink lends so much");

/* Is what follows in [p, end) the fields of it, and the empty line's CR behind them? */
static inline bool rm_http1_is_known(const struct rm_http1_known *k, const char *p, const char *end)
{
	return (size_t)(end - p) > k->bytes && p[k->bytes] == '\r' && rm_bytes_same(p, k->text, k->bytes);
}

/*
 * As rm_http1_head_parse, of a head that lies whole in the buffer, if it does. *which is the one of the memo that the
 * connection's last head in this direction was like, and this one is then; 0: none. Where ret->head.same is set, fields and
 * authority lie in the memo.
 */
enum rm_http1_parsed rm_http1_known_parse(struct rm_http1_head *ret, enum rm_dir dir, const char *p, size_t n,
					  struct rm_http1_memo *memo, uint8_t *which);

#endif
