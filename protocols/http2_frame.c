/* See http2_frame.h. Context: any, signal-safe. */
#include "protocols/http2_frame.h"

#include "base/err.h"

enum { SETTING_BYTES = 6, RESET_BYTES = 4, GOAWAY_BYTES = 8, PRIORITY_BYTES = 5, PROMISE_BYTES = 4 };
enum { SNIFF_BYTES = 4 };

struct rm_http2_frame rm_http2_frame_read(const uint8_t *p)
{
	return (struct rm_http2_frame){
		.bytes = rm_be24(p),
		.type = p[3],
		.flags = p[4],
		.stream = rm_be32(p + 5) & INT32_MAX,
	};
}

void rm_http2_frame_write(const struct rm_http2_frame *f, uint8_t *ret)
{
	ret[0] = (uint8_t)(f->bytes >> 16);
	ret[1] = (uint8_t)(f->bytes >> 8);
	ret[2] = (uint8_t)f->bytes;
	ret[3] = f->type;
	ret[4] = f->flags;
	for (int i = 0; i < 4; i++)
		ret[5 + i] = (uint8_t)(f->stream >> (24 - 8 * i));
}

/* Of a frame that belongs to a stream. */
static int stream_prefix(const struct rm_http2_frame *f)
{
	int padded = f->flags & RM_HTTP2_PADDED ? 1 : 0;

	switch (f->type) {
	case RM_HTTP2_DATA:
		return padded;
	case RM_HTTP2_HEADERS:
		return padded + (f->flags & RM_HTTP2_HAS_PRIORITY ? PRIORITY_BYTES : 0);
	case RM_HTTP2_PUSH_PROMISE:
		return padded + PROMISE_BYTES;
	case RM_HTTP2_RST_STREAM:
		return f->bytes == RESET_BYTES ? RESET_BYTES : RM_E_PROTO;
	}
	return 0;
}

int rm_http2_frame_prefix(const struct rm_http2_frame *f)
{
	int prefix = 0;

	switch (f->type) {
	case RM_HTTP2_DATA:
	case RM_HTTP2_HEADERS:
	case RM_HTTP2_PUSH_PROMISE:
	case RM_HTTP2_RST_STREAM:
	case RM_HTTP2_CONTINUATION:
		prefix = f->stream ? stream_prefix(f) : RM_E_PROTO;
		break;
	case RM_HTTP2_SETTINGS:
		if (f->stream || f->bytes % SETTING_BYTES || (f->flags & RM_HTTP2_ACK && f->bytes))
			return RM_E_PROTO;
		prefix = f->bytes ? SETTING_BYTES : 0;
		break;
	case RM_HTTP2_GOAWAY:
		prefix = f->stream ? RM_E_PROTO : GOAWAY_BYTES;
		break;
	}
	return prefix <= (int)f->bytes ? prefix : RM_E_PROTO;
}

const char rm_http2_preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
_Static_assert(sizeof(rm_http2_preface) - 1 == RM_HTTP2_PREFACE, "the preface");

enum rm_sniff rm_http2_sniff(const uint8_t *p, size_t n)
{
	/* Shorter than this it may as well be PROPFIND. */
	if (n < SNIFF_BYTES || memcmp(p, rm_http2_preface, n < RM_HTTP2_PREFACE ? n : RM_HTTP2_PREFACE) != 0)
		return RM_SNIFF_NO;
	return n < RM_HTTP2_PREFACE ? RM_SNIFF_MORE : RM_SNIFF_YES;
}

bool rm_http2_greets(const uint8_t *p, size_t n)
{
	struct rm_http2_frame f;

	if (n < RM_HTTP2_FRAME_HEAD)
		return false;
	f = rm_http2_frame_read(p);
	return f.type == RM_HTTP2_SETTINGS && !f.flags && f.bytes <= RM_HTTP2_FRAME_MAX_BYTES &&
	       rm_http2_frame_prefix(&f) >= 0;
}

struct rm_str rm_http2_error(uint32_t code)
{
	static const char names[][20] = {
		"no_error", "protocol_error", "internal_error", "flow_control_error", "settings_timeout",
		"stream_closed", "frame_size_error", "refused_stream", "cancel", "compression_error",
		"connect_error", "enhance_your_calm", "inadequate_security", "http_1_1_required",
	};

	return code < sizeof(names) / sizeof(names[0]) ? RM_STR_OF(names[code]) : RM_STR("stream_reset");
}
