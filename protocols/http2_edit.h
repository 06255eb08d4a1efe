/*
 * Adding fields to a request of HTTP/2: the frame that ends its header block is written anew, longer.
 * The tables of both ends stay as they are. Context: any, signal-safe.
 * Spec: RFC 9113 sections 6.2, 6.10, 6.5.2.
 */
#ifndef RM_PROTOCOLS_HTTP2_EDIT_H
#define RM_PROTOCOLS_HTTP2_EDIT_H

#include "base/strbuf.h"
#include "protocols/proto.h"

/* The most that writing a frame anew adds to its length, besides the fields. */
enum { RM_HTTP2_EDIT_EXTRA_BYTES = 9 };

/*
 * Writes what is to stand in the place of the frame of `b`, its first `b->frame_bytes`: the same with
 * `fields` at the end, which rm_hpack_put wrote, and with `replace` without the traceparent at
 * b->old_at. Where the frame may not become longer, fields go into a CONTINUATION frame behind it.
 * False: it cannot be done without breaking a limit or moving padding; `out` is of no use then, as
 * it is when it is truncated.
 */
bool rm_http2_edit(const struct rm_block *b, bool replace, struct rm_str fields, struct rm_strbuf *out);

#endif
