/*
 * SCGI and uwsgi: one request a connection, as variables in one block with a length before it, then its body;
 * the answer is what is left of the connection. They differ in how the block begins. Context: hook, connection
 * locked.
 */
#ifndef RM_PROTOCOLS_GATEWAY_H
#define RM_PROTOCOLS_GATEWAY_H

#include "protocols/cgi.h"

enum { RM_GATEWAY_PREFIX_BYTES = 8 };

struct rm_gateway_kind {
	const char *name;
	enum rm_cgi_form form;
	/*
	 * What stands before the block, `n` bytes of it: 1, and the length of the block; 0, more is needed;
	 * negative, it is none.
	 */
	int (*prefix)(const uint8_t *p, size_t n, uint32_t *ret_block_bytes);
	uint8_t tail_bytes; /* behind the block: a comma */
};

/* The members of struct rm_proto, with `kind` set by `open`. */
struct rm_gateway_state {
	const struct rm_gateway_kind *kind;
	uint8_t phase, got;
	uint8_t tail;
	bool answered;        /* a byte of the answer was seen */
	uint8_t prefix[RM_GATEWAY_PREFIX_BYTES];
	uint32_t block, stashed; /* bytes of the block, and those in the stash */
	rm_xid x;
	uint64_t pos, block_pos; /* bytes before this feed, and before the block */
	uint64_t left, in, out;  /* of the body; and of both so far */
	struct rm_cgi_answer answer;
};

int64_t rm_gateway_feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn);
int rm_gateway_skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn);
void rm_gateway_end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn);
bool rm_gateway_at_head(const void *state);
uint64_t rm_gateway_unread(const void *state);

#endif
