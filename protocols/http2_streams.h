/*
 * The exchanges under way on a connection of HTTP/2, by stream. They lie in a stash, in the order of
 * their numbers, which only rise. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_HTTP2_STREAMS_H
#define RM_PROTOCOLS_HTTP2_STREAMS_H

#include "protocols/proto.h"

struct rm_http2_stream {
	uint32_t id;
	rm_xid x;
	uint64_t body_bytes[2];  /* by enum rm_dir */
	bool asked : 1, asked_whole : 1; /* the request's head was read; its end was seen */
	bool answered : 1;       /* a final response head was read */
	bool connects : 1;       /* what follows a good answer is no content of ours */
	bool read : 1, shown : 1; /* the sink looks at the content of the request, of the response */
	uint32_t promised_bytes; /* of the response, by its Content-Length; UINT32_MAX: not said, or too many */
};

struct rm_http2_streams {
	uint32_t count, cap;
};

/* The stream, NULL when it is not under way. Valid until the next call. */
struct rm_http2_stream *rm_http2_stream_find(const struct rm_http2_streams *s, struct rm_sink *sink, uint32_t id);

/*
 * Adds a stream whose number is higher than all others'. NULL: no memory, or more than a stash has
 * place for (2048).
 */
struct rm_http2_stream *rm_http2_stream_add(struct rm_http2_streams *s, struct rm_sink *sink, uint32_t id);

/* Counts `n` bytes of content, and shows them to a sink that wants to see them; `p` is NULL where nobody saw them. */
void rm_http2_stream_content(struct rm_http2_stream *stream, struct rm_sink *sink, enum rm_dir dir, const uint8_t *p,
			     uint32_t n);

/* Takes a stream out that is under way. */
void rm_http2_stream_remove(struct rm_http2_streams *s, struct rm_sink *sink, uint32_t id);

/* The exchange of a stream, 0 when it is not under way. `streams` is a struct rm_http2_streams: for struct rm_proto. */
rm_xid rm_http2_stream_under_way(const void *streams, uint32_t id, struct rm_sink *sink);

/* The one with the highest number, NULL when there is none. */
struct rm_http2_stream *rm_http2_stream_last(const struct rm_http2_streams *s, struct rm_sink *sink);

#endif
