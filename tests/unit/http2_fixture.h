/*
 * HTTP/2 for tests of what is changed in it: frames to send, and taking out again what was put in.
 * Include once per test program.
 */
#ifndef RM_TESTS_HTTP2_FIXTURE_H
#define RM_TESTS_HTTP2_FIXTURE_H

#include "protocols/http2_frame.h"
#include "protocols/tracecontext.h"

/* Each test uses some of these. */
#pragma GCC diagnostic ignored "-Wunused-function"

enum { FIELD_BYTES = 69 /* a traceparent as a literal */, HEAD = RM_HTTP2_FRAME_HEAD };

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

/* True when the bytes are a traceparent field as we write it. */
static bool is_field(const char *p)
{
	static const char name[] = "\0\x0btraceparent\x37";
	struct rm_spanctx c;

	return memcmp(p, name, sizeof(name) - 1) == 0 &&
	       rm_traceparent_parse((struct rm_str){ p + sizeof(name) - 1, RM_TRACEPARENT_BYTES }, &c);
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
		size_t whole = HEAD + f.bytes, pad = 0;
		bool block = f.type == RM_HTTP2_HEADERS || f.type == RM_HTTP2_CONTINUATION;

		if (whole > n)
			return 0;
		if (f.type == RM_HTTP2_HEADERS && f.flags & RM_HTTP2_PADDED)
			pad = (uint8_t)p[HEAD];
		memcpy(ret + out, p, whole);
		if (block && f.flags & RM_HTTP2_END_HEADERS && f.bytes >= FIELD_BYTES + pad &&
		    is_field(p + whole - pad - FIELD_BYTES)) {
			f.bytes -= FIELD_BYTES;
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
