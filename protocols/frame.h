/*
 * Messages that begin with a head of fixed length, which says how long the rest is: one direction of a
 * connection. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_FRAME_H
#define RM_PROTOCOLS_FRAME_H

#include "base/endian.h"
#include "protocols/proto.h"

enum { RM_FRAME_HEAD_MAX = 24 };

enum rm_frame_event {
	RM_FRAME_MORE, /* the bytes are over */
	RM_FRAME_HEAD, /* the head is here: the caller sets `left`, and how much of it is `wanted` */
	RM_FRAME_TEXT, /* so much of it is whole, in one piece */
	RM_FRAME_OVER, /* the message is */
	RM_FRAME_BAD,  /* no memory */
};

struct rm_frame {
	uint8_t state;
	uint8_t head_bytes; /* the protocol's: of the next message */
	uint8_t head_n;
	uint8_t head[RM_FRAME_HEAD_MAX];
	uint32_t left;      /* of the body, not seen yet */
	uint32_t wanted;    /* of the body, from its beginning on; not more than that */
	uint32_t kept;      /* of that, in the stash */
};

/*
 * Goes on at p[*at] to the next event: HEAD, TEXT and OVER of each message. `ret_text` is set at TEXT, and
 * valid until the next call.
 */
enum rm_frame_event rm_frame_next(struct rm_frame *f, enum rm_dir dir, struct rm_str bytes, size_t *at,
				  struct rm_sink *sink, struct rm_str *ret_text);

/*
 * The caller's answer to HEAD: so much follows, and at most so much of it is wanted. Also at TEXT of at most one byte, to
 * want more of what follows that: another TEXT will come.
 */
void rm_frame_body(struct rm_frame *f, uint32_t bytes, uint32_t most);

/* Gives back what is kept; the message will not go on. */
void rm_frame_forget(struct rm_frame *f, enum rm_dir dir, struct rm_sink *sink);

/* True where what comes next, `left` bytes, is stepped over. */
bool rm_frame_rest(const struct rm_frame *f);

/* True where a message begins. */
bool rm_frame_between(const struct rm_frame *f);

/* For `skip` of a protocol: steps over n bytes that nobody saw. False: there is more than the rest of a body in them. */
bool rm_frame_skip(struct rm_frame *f, uint64_t n);

#endif
