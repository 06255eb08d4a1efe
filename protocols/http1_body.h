/*
 * The framing of an HTTP/1 body: by length, chunked, or up to the end of the connection. Content
 * is skipped, never touched. Context: any, signal-safe. Spec: RFC 9112 sections 6 and 7.1.
 */
#ifndef RM_PROTOCOLS_HTTP1_BODY_H
#define RM_PROTOCOLS_HTTP1_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rm_http1_body_state {
	RM_BODY_DONE, /* no body, or past its last byte */
	RM_BODY_LENGTH,
	RM_BODY_UNTIL_CLOSE,
	RM_BODY_CHUNK, /* before the first digit of a chunk size */
	RM_BODY_SIZE,
	RM_BODY_SIZE_PAD,
	RM_BODY_EXTENSION,
	RM_BODY_SIZE_LF,
	RM_BODY_DATA,
	RM_BODY_DATA_CR,
	RM_BODY_DATA_LF,
	RM_BODY_TRAILER, /* at the start of a trailer line */
	RM_BODY_TRAILER_LINE,
	RM_BODY_TRAILER_LF,
};

struct rm_http1_body {
	uint64_t left;  /* bytes to come of the body, or of its chunk, whose size it is before */
	uint64_t bytes; /* content seen, without framing */
	uint8_t state;  /* enum rm_http1_body_state */
};

/* What a head says of the message besides its length. */
enum {
	RM_HTTP1_CLOSES = 1,   /* no message follows this one */
	RM_HTTP1_INTERIM = 2,  /* 1xx */
	RM_HTTP1_SWITCHES = 4, /* this response ends HTTP on the connection */
};

struct rm_http1_head;

/*
 * Starts the body that a head announces; the response is to a request HEAD, or CONNECT. Returns flags as
 * above. Errors: RM_E_PROTO where readers may disagree on how long it is. Spec: RFC 9112 section 6.3.
 */
int rm_http1_frame_request(struct rm_http1_body *b, const struct rm_http1_head *m);
int rm_http1_frame_response(struct rm_http1_body *b, const struct rm_http1_head *m, bool head, bool connect);

/* Starts a body; `length` counts for RM_BODY_LENGTH only, where 0 is RM_BODY_DONE. */
void rm_http1_body_start(struct rm_http1_body *b, enum rm_http1_body_state kind, uint64_t length);

/*
 * Takes bytes up to the end of the body, but either content or framing, not both. Returns how many belong
 * to it; b->state is RM_BODY_DONE when it is over. Errors: RM_E_PROTO.
 */
int64_t rm_http1_body_feed(struct rm_http1_body *b, const char *p, size_t n);

/* How many of the next bytes are content, whatever they are. */
uint64_t rm_http1_body_unread(const struct rm_http1_body *b);

/* Passes `n` bytes, if all of them are content and more of it follows. False: nothing was done. */
static inline bool rm_http1_body_within(struct rm_http1_body *b, uint64_t n)
{
	if ((b->state != RM_BODY_LENGTH && b->state != RM_BODY_DATA) || n >= b->left)
		return false;
	b->left -= n;
	b->bytes += n;
	return true;
}

/* Passes `n` bytes unseen. False when not all of them are known to be content. */
bool rm_http1_body_skip(struct rm_http1_body *b, uint64_t n);

#endif
