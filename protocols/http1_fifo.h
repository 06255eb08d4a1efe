/*
 * The requests of a connection that wait for their answers, in their order. Few clients ask before they are answered, so most
 * places lie in the stash, while they are needed. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_HTTP1_FIFO_H
#define RM_PROTOCOLS_HTTP1_FIFO_H

#include "protocols/proto.h"

enum { RM_HTTP1_FIFO_MAX = 64, RM_HTTP1_FIFO_FEW = 6 };

/* All 0 at first. */
struct rm_http1_fifo {
	uint64_t is_head;    /* bit i: that in place i is a HEAD request */
	uint64_t is_connect;
	rm_xid *many;        /* the places behind the few; NULL: not needed */
	uint8_t oldest, count;
	rm_xid few[RM_HTTP1_FIFO_FEW];
};

/* The oldest; any, where there is none. */
static inline rm_xid rm_http1_fifo_front(const struct rm_http1_fifo *f)
{
	return f->oldest < RM_HTTP1_FIFO_FEW ? f->few[f->oldest] : f->many[f->oldest - RM_HTTP1_FIFO_FEW];
}

/* Is the oldest one of `bits`? */
static inline bool rm_http1_fifo_bit(const struct rm_http1_fifo *f, uint64_t bits)
{
	return bits >> f->oldest & 1;
}

/* Where to put the next one, before rm_http1_fifo_push. NULL: there is no room, or no memory. */
rm_xid *rm_http1_fifo_room(struct rm_http1_fifo *f, struct rm_sink *sink);
void rm_http1_fifo_push(struct rm_http1_fifo *f);

/* Says what the newest asks, if there is one. */
void rm_http1_fifo_mark(struct rm_http1_fifo *f, bool is_head, bool is_connect);

/* Takes the oldest out, and the newest. There must be one. */
rm_xid rm_http1_fifo_pop(struct rm_http1_fifo *f, struct rm_sink *sink);
void rm_http1_fifo_drop(struct rm_http1_fifo *f, struct rm_sink *sink);

#endif
