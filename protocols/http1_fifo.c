/* See http1_fifo.h. A ring, which begins at its first place whenever it was empty: so the few are mostly enough. */
#include "protocols/http1_fifo.h"

enum { MAX = RM_HTTP1_FIFO_MAX, FEW = RM_HTTP1_FIFO_FEW };

rm_xid *rm_http1_fifo_room(struct rm_http1_fifo *f, struct rm_sink *sink)
{
	unsigned at = (f->oldest + f->count) % MAX;

	if (f->count == MAX)
		return NULL;
	if (at < FEW)
		return &f->few[at];
	if (!f->many)
		f->many = (void *)sink->on->stash(sink, RM_STASH_STREAMS, (MAX - FEW) * sizeof(*f->many));
	return f->many ? &f->many[at - FEW] : NULL;
}

static inline uint64_t newest_bit(const struct rm_http1_fifo *f)
{
	return 1ull << (f->oldest + f->count - 1u) % MAX;
}

void rm_http1_fifo_push(struct rm_http1_fifo *f)
{
	f->count++;
	f->is_head &= ~newest_bit(f);
	f->is_connect &= ~newest_bit(f);
}

void rm_http1_fifo_mark(struct rm_http1_fifo *f, bool is_head, bool is_connect)
{
	if (!f->count)
		return;
	f->is_head |= is_head ? newest_bit(f) : 0;
	f->is_connect |= is_connect ? newest_bit(f) : 0;
}

static void left(struct rm_http1_fifo *f, struct rm_sink *sink)
{
	if (--f->count)
		return;
	f->oldest = 0;
	if (f->many)
		sink->on->unstash(sink, RM_STASH_STREAMS);
	f->many = NULL;
}

rm_xid rm_http1_fifo_pop(struct rm_http1_fifo *f, struct rm_sink *sink)
{
	rm_xid x = rm_http1_fifo_front(f);

	f->oldest = (f->oldest + 1) % MAX;
	left(f, sink);
	return x;
}

void rm_http1_fifo_drop(struct rm_http1_fifo *f, struct rm_sink *sink)
{
	left(f, sink);
}
