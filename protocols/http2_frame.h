/*
 * The layout of HTTP/2 frames: their head, and what stands before the payload proper; and what both
 * sides begin with. Stateless.
 * Context: any, signal-safe. Spec: RFC 9113 sections 4.1, 6, 7.
 */
#ifndef RM_PROTOCOLS_HTTP2_FRAME_H
#define RM_PROTOCOLS_HTTP2_FRAME_H

#include "base/endian.h"
#include "protocols/proto.h"

enum { RM_HTTP2_FRAME_HEAD = 9, RM_HTTP2_FRAME_MAX_BYTES = 16384 /* of payload, if nobody says more */ };

enum rm_http2_type {
	RM_HTTP2_DATA,
	RM_HTTP2_HEADERS,
	RM_HTTP2_PRIORITY,
	RM_HTTP2_RST_STREAM,
	RM_HTTP2_SETTINGS,
	RM_HTTP2_PUSH_PROMISE,
	RM_HTTP2_PING,
	RM_HTTP2_GOAWAY,
	RM_HTTP2_WINDOW_UPDATE,
	RM_HTTP2_CONTINUATION,
};

enum rm_http2_flags {
	RM_HTTP2_ACK = 1, /* of settings; else: */
	RM_HTTP2_END_STREAM = 1,
	RM_HTTP2_END_HEADERS = 4,
	RM_HTTP2_PADDED = 8,
	RM_HTTP2_HAS_PRIORITY = 32,
};

enum { RM_HTTP2_MAX_HEADER_LIST_SIZE = 6 }; /* the one setting that matters here */

struct rm_http2_frame {
	uint32_t bytes, stream; /* of the payload */
	uint8_t type, flags;
};

/* Reads RM_HTTP2_FRAME_HEAD bytes. */
struct rm_http2_frame rm_http2_frame_read(const uint8_t *p);
void rm_http2_frame_write(const struct rm_http2_frame *f, uint8_t *ret);

/*
 * How many bytes of the payload come before the part that is stepped over or read as a header block:
 * lengths of padding and the like; the first setting, the code of a reset, the last stream of a GOAWAY.
 * Errors: RM_E_PROTO for a frame that is too short, or on a stream that it has nothing to do with.
 */
int rm_http2_frame_prefix(const struct rm_http2_frame *f);

/* What a client sends first. */
extern const char rm_http2_preface[];
enum { RM_HTTP2_PREFACE = 24 };

/* As the members of struct rm_proto. */
enum rm_sniff rm_http2_sniff(const uint8_t *p, size_t n);
bool rm_http2_greets(const uint8_t *p, size_t n);

/* The name of an error code, in lower case. */
struct rm_str rm_http2_error(uint32_t code);

#endif
