/*
 * Requests of HTTP/3: what carries them is encrypted before it is a packet, so they are told of by hooks of the library that
 * makes their heads. A request is known by its connection there and its stream, until its response is whole or it is given
 * up. A connection has a number of the caller's, which is another's once rm_http3_closed was called.
 * Context of all: hook, inside a visit.
 */
#ifndef RM_AGENT_HTTP3_H
#define RM_AGENT_HTTP3_H

#include "agent/hookapi.h"
#include "agent/text.h" /* for those who gather fields */
#include "base/str.h"
#include "base/strbuf.h"

enum { RM_HTTP3_CONNS_MAX = 256, RM_HTTP3_FIELDS_MAX = 128, RM_HTTP3_LINES_BYTES = 8192 };

struct rm_http3_field {
	struct rm_str name, value;
};

/*
 * A client is about to send a request with these fields, pseudo fields first. What it is to carry besides is written to
 * `lines`, as "name: value\r\n", of RM_HTTP3_LINES_BYTES at most; with `*ret_replace` there is a traceparent among the fields
 * whose place the one in `lines` takes. False: the request is none, or there is no room for it (counted).
 */
bool rm_http3_request(struct rm_thread *t, uint32_t conn, int64_t stream, const struct rm_http3_field *fields, uint32_t count,
		      struct rm_strbuf *lines, bool *ret_replace);

/* It was not sent after all. */
void rm_http3_refused(uint32_t conn, int64_t stream);

/* The status of its response; interim ones are passed over. */
void rm_http3_status(struct rm_thread *t, uint32_t conn, int64_t stream, struct rm_str status);

/* It is over: whole, unless `error` is a word for what went wrong. No such request: nothing. */
void rm_http3_end(struct rm_thread *t, uint32_t conn, int64_t stream, struct rm_str error);

/* The connection is gone, and all that is under way with it. */
void rm_http3_closed(struct rm_thread *t, uint32_t conn);

#endif
