/*
 * Where one direction of an HTTP/2 connection stands. Context: hook, connection locked.
 *
 * States:
 *
 *   PREFACE (requests only) --> FRAME --> [PREFIX] --> FRAGMENT | CONTENT --> REST --> FRAME
 *                                 ^  '--> REST            |                    |
 *                                 '------------------------+--------------------'
 *
 *   PREFIX:   what stands before the payload proper: length of padding, priority, promised stream;
 *             or all there is: one setting, the code of a reset, the last stream of a GOAWAY
 *   FRAGMENT: of a header block; when the last one is whole, the block is read
 *   CONTENT:  of a DATA frame
 *   REST:     padding, and frames that tell us nothing
 */
#ifndef RM_PROTOCOLS_HTTP2_WAY_H
#define RM_PROTOCOLS_HTTP2_WAY_H

#include <string.h>

#include "protocols/http2_frame.h"
#include "protocols/http2_head.h"

enum rm_way_state {
	RM_WAY_PREFACE,
	RM_WAY_FRAME,
	RM_WAY_PREFIX,
	RM_WAY_FRAGMENT,
	RM_WAY_CONTENT,
	RM_WAY_REST,
	RM_WAY_MUTED,
};

struct rm_http2_way {
	struct rm_hpack_table table;
	uint32_t left;           /* of the frame's payload */
	uint32_t stream;
	uint32_t before;         /* bytes of the frame that came with earlier feeds */
	uint32_t block_stream;   /* whose header block is being gathered; 0: none is */
	uint32_t stashed;        /* bytes of it in the stash ... */
	uint32_t fragment_from;  /* ... and where in it this frame's fragment begins */
	uint32_t list_max_bytes; /* what this side's settings say of the header lists it reads */
	uint8_t state, type, flags, pad;
	uint8_t block_type, block_flags;
	bool settled;            /* the first frame was one of settings */
	bool shown;              /* the frame is content of a request that the sink looks at */
	uint8_t have, need, small[RM_HTTP2_FRAME_HEAD]; /* bytes of a frame's head, then of its prefix */
};

/* What comes behind the prefix of a frame. */
static inline enum rm_way_state rm_way_payload(uint8_t type)
{
	switch (type) {
	case RM_HTTP2_DATA:
		return RM_WAY_CONTENT;
	case RM_HTTP2_HEADERS:
	case RM_HTTP2_PUSH_PROMISE:
	case RM_HTTP2_CONTINUATION:
		return RM_WAY_FRAGMENT;
	}
	return RM_WAY_REST;
}

static inline void rm_way_next_frame(struct rm_http2_way *w)
{
	w->state = RM_WAY_FRAME;
	w->have = 0;
}

/* True when the next step needs no byte: nothing is left of what it stands in. */
static inline bool rm_way_is_over(const struct rm_http2_way *w)
{
	switch (w->state) {
	case RM_WAY_FRAGMENT:
	case RM_WAY_CONTENT:
		return w->left == w->pad;
	case RM_WAY_REST:
		return !w->left;
	}
	return false;
}

/* How many of the bytes that come next are stepped over without being read. */
static inline uint64_t rm_way_unread(const struct rm_http2_way *w)
{
	return w->state == RM_WAY_CONTENT && !w->shown ? w->left - w->pad : w->state == RM_WAY_REST ? w->left : 0;
}

/*
 * Where the head lies whose header block the way has just come to the end of, at `at` of the buffer being fed, in a
 * frame that began at `frame_at`; `list_max_bytes` is what its reader's settings say. Of `m` the raw bytes are used.
 */
static inline void rm_way_block(const struct rm_http2_way *w, const struct rm_http2_head *m, int64_t frame_at, size_t at,
		  uint32_t list_max_bytes, struct rm_block *ret)
{
	struct rm_str raw = m->head.raw;
	uint32_t from = w->fragment_from;

	*ret = (struct rm_block){
		.frame_at = frame_at,
		.frame_bytes = (uint32_t)((int64_t)at - frame_at),
		.pad = w->pad,
		.type = w->type,
		.flags = w->flags,
		.stream = w->stream,
		.prefix_bytes = w->type == RM_HTTP2_HEADERS ? w->have : 0,
		.fragment = { raw.p + from, raw.n - from },
		.list_bytes = m->list_bytes,
		.list_max_bytes = list_max_bytes,
	};
	memcpy(ret->prefix, w->small, ret->prefix_bytes);
	if (m->traceparents == 1 && m->traceparent.at >= from && m->traceparent.form != RM_HPACK_INDEXING) {
		ret->old_at = m->traceparent.at - from;
		ret->old_bytes = m->traceparent.end - m->traceparent.at;
	}
}

#endif
