/*
 * HTTP/2 for tests of what is changed in it: frames to send, and taking out again what was put in.
 * Include once per test program.
 */
#ifndef RM_TESTS_HTTP2_FIXTURE_H
#define RM_TESTS_HTTP2_FIXTURE_H

#include "protocols/hpack_huffman.h"
#include "protocols/http2_frame.h"
#include "protocols/tracecontext.h"

/* Each test uses some of these. */
#pragma GCC diagnostic ignored "-Wunused-function"

enum {
	FIELD_BYTES = 69,  /* a traceparent as a literal; coded it has ... */
	CODED_MIN_BYTES = 46,
	CODED_MAX_BYTES = 52,
	TIMING_BYTES = 90, /* a Server-Timing, and ... */
	EXPOSE_BYTES = 45, /* ... what may stand behind it */
	HEAD = RM_HTTP2_FRAME_HEAD,
};

/* Appends a frame; returns what it takes. */
static size_t put_frame(char *to, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t n)
{
	struct rm_http2_frame f = { .bytes = (uint32_t)n, .stream = stream, .type = type, .flags = flags };

	rm_http2_frame_write(&f, (uint8_t *)to);
	if (n)
		memcpy(to + HEAD, payload, n);
	return HEAD + n;
}

/* What a client begins with. */
static size_t put_preface(char *to)
{
	memcpy(to, rm_http2_preface, RM_HTTP2_PREFACE);
	return RM_HTTP2_PREFACE + put_frame(to + RM_HTTP2_PREFACE, RM_HTTP2_SETTINGS, 0, 0, NULL, 0);
}

/* GET http://h/ in six bytes, without a change of the table. */
static const char get_block[] = { '\x82', '\x86', '\x84', '\x01', '\x01', 'h' };

/*
 * How we write a field: of what goes out, a literal that the peer does not index; of what comes in, that nobody may, coded
 * unless it takes the place of one that is longer.
 */
enum { OUTGOING = 0, INCOMING = 0x10 };

static bool is_field_as(const char *p, char form)
{
	static const char name[] = "\x0btraceparent\x37";
	struct rm_spanctx c;

	return p[0] == form && memcmp(p + 1, name, sizeof(name) - 1) == 0 &&
	       rm_traceparent_parse((struct rm_str){ p + sizeof(name), RM_TRACEPARENT_BYTES }, &c);
}

/* True when the bytes are a traceparent field as we write it, in either direction. */
static bool is_field(const char *p)
{
	return is_field_as(p, OUTGOING) || is_field_as(p, INCOMING);
}

/* How many bytes a coded one takes that ends there, of `most`; 0: none does. */
static size_t coded_before(const char *end, size_t most)
{
	static const char start[] = "\x10\x88\x4d\x83\x21\x6b\x1d\x85\xa9\x3f";
	enum { VALUE_AT = sizeof(start) };
	char value[RM_TRACEPARENT_BYTES];
	struct rm_spanctx c;

	for (size_t n = CODED_MIN_BYTES; n <= CODED_MAX_BYTES && n <= most; n++) {
		const char *p = end - n;

		if (memcmp(p, start, VALUE_AT - 1) == 0 && (uint8_t)p[VALUE_AT - 1] == (0x80 | (n - VALUE_AT)) &&
		    rm_hpack_huffman((const uint8_t *)p + VALUE_AT, n - VALUE_AT, value, sizeof(value)) == sizeof(value) &&
		    rm_traceparent_parse((struct rm_str){ value, sizeof(value) }, &c))
			return n;
	}
	return 0;
}

/* The same of a Server-Timing. */
static bool is_timing(const char *p)
{
	static const char start[] = "\0\x0dserver-timing\x4atraceparent;desc=\"";
	struct rm_spanctx c;

	return memcmp(p, start, sizeof(start) - 1) == 0 && p[TIMING_BYTES - 1] == '"' &&
	       rm_traceparent_parse((struct rm_str){ p + sizeof(start) - 1, RM_TRACEPARENT_BYTES }, &c);
}

/* How many bytes of ours stand before `end`, at the end of a block or a part of it that has `n`. */
static size_t ours_before(const char *end, size_t n)
{
	static const char expose[] = "\0\x1d" "access-control-expose-headers\x0dServer-Timing";

	if (n >= TIMING_BYTES + EXPOSE_BYTES && memcmp(end - EXPOSE_BYTES, expose, EXPOSE_BYTES) == 0 &&
	    is_timing(end - EXPOSE_BYTES - TIMING_BYTES))
		return TIMING_BYTES + EXPOSE_BYTES;
	if (n >= TIMING_BYTES && is_timing(end - TIMING_BYTES))
		return TIMING_BYTES;
	return n >= FIELD_BYTES && is_field(end - FIELD_BYTES) ? FIELD_BYTES : coded_before(end, n);
}

/*
 * Takes our fields out of the ends of header blocks, and shortens their frames again. Counts them.
 * Returns the length; 0 when the bytes are not whole frames.
 */
static size_t without_fields(const char *p, size_t n, char *ret, int *ret_fields)
{
	size_t out = 0;

	*ret_fields = 0;
	if (n >= RM_HTTP2_PREFACE && memcmp(p, rm_http2_preface, RM_HTTP2_PREFACE) == 0) {
		memcpy(ret, p, RM_HTTP2_PREFACE);
		p += RM_HTTP2_PREFACE;
		n -= RM_HTTP2_PREFACE;
		out = RM_HTTP2_PREFACE;
	}
	while (n >= HEAD) {
		struct rm_http2_frame f = rm_http2_frame_read((const uint8_t *)p);
		size_t whole = HEAD + f.bytes, pad = 0, ours = 0;
		bool block = f.type == RM_HTTP2_HEADERS || f.type == RM_HTTP2_CONTINUATION;

		if (whole > n)
			return 0;
		if (f.type == RM_HTTP2_HEADERS && f.flags & RM_HTTP2_PADDED)
			pad = (uint8_t)p[HEAD];
		memcpy(ret + out, p, whole);
		if (block && f.flags & RM_HTTP2_END_HEADERS && f.bytes >= pad)
			ours = ours_before(p + whole - pad, f.bytes - pad);
		if (ours) {
			f.bytes -= (uint32_t)ours;
			rm_http2_frame_write(&f, (uint8_t *)ret + out);
			memcpy(ret + out + HEAD + f.bytes - pad, p + whole - pad, pad);
			++*ret_fields;
		}
		out += HEAD + f.bytes;
		p += whole;
		n -= whole;
	}
	return n ? 0 : out;
}

#endif
