/*
 * A header block of HTTP/2 as the head of a message. Context: hook, connection locked.
 * Spec: RFC 9113 section 8, RFC 8441.
 */
#ifndef RM_PROTOCOLS_HTTP2_HEAD_H
#define RM_PROTOCOLS_HTTP2_HEAD_H

#include "protocols/hpack.h"

/* What reading a block needs: too much for a small stack. */
struct rm_http2_room {
	struct rm_field fields[RM_FIELDS_MAX];
	char text[RM_HPACK_LIST_MAX_BYTES];
};

struct rm_http2_head {
	struct rm_head head;    /* fields of its own; where it lies is the caller's to say */
	uint32_t list_bytes;    /* its size as SETTINGS_MAX_HEADER_LIST_SIZE counts */
	uint32_t traceparents;  /* how many there are; the rest tells of the last one: */
	struct rm_hpack_field traceparent;
};

/*
 * Reads a whole block. Ownership: slices of `ret` are valid until `block` or `room` change.
 * Errors: those of rm_hpack_next.
 */
int rm_http2_head_read(struct rm_http2_head *ret, struct rm_hpack_block *block, struct rm_http2_room *room);

/* True when a request has what it must have. */
bool rm_http2_is_request(const struct rm_http2_head *m);

/*
 * The length that a response says it has; UINT32_MAX where it says none, or one so long. Who has all of it may
 * reset the stream before its end comes: but not of gRPC (UINT32_MAX), whose outcome stands behind the content.
 */
uint32_t rm_http2_content_length(const struct rm_head *response);

#endif
