/* See http2_edit.h. Context: any, signal-safe. */
#include "protocols/http2_edit.h"

#include "protocols/hpack.h"
#include "protocols/http2_frame.h"

/* What the fields add to the header list at most: each is longer as a literal than its texts are. */
static uint64_t listed_bytes(struct rm_str fields)
{
	return fields.n + (uint64_t)RM_CARRIER_COUNT * RM_HPACK_ENTRY_BYTES;
}

static void put_frame(struct rm_strbuf *out, const struct rm_block *b, uint8_t type, uint8_t flags, size_t bytes)
{
	struct rm_http2_frame f = { .bytes = (uint32_t)bytes, .stream = b->stream, .type = type, .flags = flags };
	uint8_t head[RM_HTTP2_FRAME_HEAD];

	rm_http2_frame_write(&f, head);
	rm_strbuf_put(out, head, sizeof(head));
}

bool rm_http2_edit(const struct rm_block *b, bool replace, struct rm_str fields, struct rm_strbuf *out)
{
	uint32_t without = replace ? b->old_bytes : 0;
	size_t kept = b->fragment.n - without, payload = b->prefix_bytes + kept + b->pad;
	bool apart = payload + fields.n > RM_HTTP2_FRAME_MAX_BYTES;
	const char *old = b->fragment.p + b->old_at;

	if (b->list_bytes + listed_bytes(fields) > b->list_max_bytes || (replace && !without))
		return false;
	if (apart && (b->flags & RM_HTTP2_PADDED || fields.n > RM_HTTP2_FRAME_MAX_BYTES))
		return false;
	put_frame(out, b, b->type, (uint8_t)(apart ? b->flags & ~RM_HTTP2_END_HEADERS : b->flags),
		  payload + (apart ? 0 : fields.n));
	rm_strbuf_put(out, b->prefix, b->prefix_bytes);
	rm_strbuf_put(out, b->fragment.p, replace ? b->old_at : kept);
	if (replace)
		rm_strbuf_put(out, old + without, kept - b->old_at);
	if (apart)
		put_frame(out, b, RM_HTTP2_CONTINUATION, RM_HTTP2_END_HEADERS, fields.n);
	rm_strbuf_str(out, fields);
	return true;
}
