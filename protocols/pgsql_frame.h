/*
 * The messages of PostgreSQL's protocol, one direction. Context: hook, connection locked.
 * Spec: PostgreSQL, "Message Formats".
 */
#ifndef RM_PROTOCOLS_PGSQL_FRAME_H
#define RM_PROTOCOLS_PGSQL_FRAME_H

#include "protocols/proto.h"

enum rm_pgsql_event {
	RM_PGSQL_MORE, /* the bytes are over */
	RM_PGSQL_HEAD, /* type and length are here: the caller says how much of the body is `wanted` */
	RM_PGSQL_TEXT, /* so much of it is whole, in one piece */
	RM_PGSQL_OVER, /* the message is */
	RM_PGSQL_BAD,
};

struct rm_pgsql_frame {
	uint8_t state;
	bool untyped;     /* the next message has no type: that of the start */
	char type;
	uint8_t head_n;
	uint8_t head[5];
	uint32_t left;    /* of the body, not seen yet */
	uint32_t wanted;  /* of the body, from its beginning on */
	uint32_t kept;    /* of that, in the stash */
};

/*
 * Goes on at p[*at] to the next event: HEAD, TEXT and OVER of each message. `ret_text` is set at TEXT, and
 * valid until the next call.
 */
enum rm_pgsql_event rm_pgsql_next(struct rm_pgsql_frame *f, enum rm_dir dir, struct rm_str bytes, size_t *at,
				  struct rm_sink *sink, struct rm_str *ret_text);

/* Gives back what is kept; the message will not go on. */
void rm_pgsql_forget(struct rm_pgsql_frame *f, enum rm_dir dir, struct rm_sink *sink);

/* True where what comes next, `left` bytes, is stepped over. */
bool rm_pgsql_rest(const struct rm_pgsql_frame *f);

/* True where a message begins. */
bool rm_pgsql_between(const struct rm_pgsql_frame *f);

uint32_t rm_pgsql_be32(const uint8_t *p);

#endif
