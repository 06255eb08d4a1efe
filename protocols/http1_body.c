/*
 * Body framing of HTTP/1. States of a chunked body:
 *
 *   CHUNK -> SIZE -> [SIZE_PAD ->] [EXTENSION ->] SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> CHUNK
 *   SIZE_LF with size 0 -> TRAILER -> TRAILER_LINE -> TRAILER ... -> TRAILER_LF -> DONE
 *
 * A bare LF is taken for CR LF, but not after a chunk extension, and a CR never stands alone: there
 * two readers of the same bytes have disagreed, to the joy of request smugglers.
 * Context: any, signal-safe. Spec: RFC 9112 section 7.1.
 */
#include "protocols/http1_body.h"

#include <string.h>

#include "base/err.h"
#include "protocols/http1_head.h"
#include "protocols/http1_scan.h"

void rm_http1_body_start(struct rm_http1_body *b, enum rm_http1_body_state kind, uint64_t length)
{
	if (kind == RM_BODY_LENGTH && length == 0)
		kind = RM_BODY_DONE;
	*b = (struct rm_http1_body){ .left = length, .state = kind };
}

int rm_http1_frame_request(struct rm_http1_body *b, const struct rm_http1_head *m)
{
	bool coded = m->framing.chunked || m->framing.other_coding;

	/* HTTP/1.0 knows no transfer codings: some readers would not see this one. */
	if (coded && (!m->framing.chunked || m->head.version.p[2] == '0'))
		return RM_E_PROTO;
	if (coded)
		rm_http1_body_start(b, RM_BODY_CHUNK, 0);
	else
		rm_http1_body_start(b, RM_BODY_LENGTH, m->framing.length);
	return rm_http1_persists(m) ? 0 : RM_HTTP1_CLOSES;
}

int rm_http1_frame_response(struct rm_http1_body *b, const struct rm_http1_head *m, bool head, bool connect)
{
	int status = m->head.status, flags = rm_http1_persists(m) ? 0 : RM_HTTP1_CLOSES;

	if (status == 101 || (connect && status / 100 == 2))
		flags = RM_HTTP1_SWITCHES;
	else if (status / 100 == 1)
		flags = RM_HTTP1_INTERIM;
	if (flags & (RM_HTTP1_SWITCHES | RM_HTTP1_INTERIM) || head || status == 204 || status == 304) {
		rm_http1_body_start(b, RM_BODY_DONE, 0);
	} else if (m->framing.chunked) {
		rm_http1_body_start(b, RM_BODY_CHUNK, 0);
		/* HTTP/1.0 knows no chunks; clients read them anyway, and trust nothing behind. */
		if (m->head.version.p[2] == '0')
			flags |= RM_HTTP1_CLOSES;
	} else if (m->framing.other_coding && m->framing.has_length) {
		return RM_E_PROTO;
	} else if (m->framing.has_length) {
		rm_http1_body_start(b, RM_BODY_LENGTH, m->framing.length);
	} else {
		rm_http1_body_start(b, RM_BODY_UNTIL_CLOSE, 0);
		flags |= RM_HTTP1_CLOSES;
	}
	return flags;
}

/* What may follow a chunk size: padding (old servers send it), an extension, the line's end. */
static int after_size(char c)
{
	switch (c) {
	case ' ':
	case '\t':
		return RM_BODY_SIZE_PAD;
	case ';':
		return RM_BODY_EXTENSION;
	case '\r':
		return RM_BODY_SIZE_LF;
	}
	return RM_E_PROTO;
}

static int size_line_over(const struct rm_http1_body *b)
{
	return b->left ? RM_BODY_DATA : RM_BODY_TRAILER;
}

/* One byte of framing; returns the next state or RM_E_PROTO. */
static int frame_byte(struct rm_http1_body *b, char c)
{
	int digit;

	switch (b->state) {
	case RM_BODY_CHUNK:
		b->left = 0;
		/* fall through */
	case RM_BODY_SIZE:
		digit = rm_hex_digit(c);
		if (digit >= 0) {
			if (b->left >> 60)
				return RM_E_PROTO;
			b->left = b->left << 4 | (unsigned)digit;
			return RM_BODY_SIZE;
		}
		if (b->state == RM_BODY_CHUNK)
			return RM_E_PROTO;
		/* fall through */
	case RM_BODY_SIZE_PAD:
		return c == '\n' ? size_line_over(b) : after_size(c);
	case RM_BODY_SIZE_LF:
		return c == '\n' ? size_line_over(b) : RM_E_PROTO;
	case RM_BODY_DATA_CR:
		if (c == '\r')
			return RM_BODY_DATA_LF;
		return c == '\n' ? RM_BODY_CHUNK : RM_E_PROTO;
	case RM_BODY_DATA_LF:
		return c == '\n' ? RM_BODY_CHUNK : RM_E_PROTO;
	case RM_BODY_TRAILER:
		if (c == '\r')
			return RM_BODY_TRAILER_LF;
		return c == '\n' ? RM_BODY_DONE : RM_BODY_TRAILER_LINE;
	case RM_BODY_TRAILER_LF:
		return c == '\n' ? RM_BODY_DONE : RM_E_PROTO;
	}
	return RM_E_PROTO;
}

static int64_t extension(struct rm_http1_body *b, const char *p, const char *end)
{
	const char *at = p;

	while ((at = rm_scan_below(at, end, ' ')) < end && *at == '\t')
		at++;
	if (at == end)
		return end - p;
	if (*at != '\r')
		return RM_E_PROTO;
	b->state = RM_BODY_SIZE_LF;
	return at + 1 - p;
}

static int64_t trailer_line(struct rm_http1_body *b, const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	if (!lf)
		return end - p;
	b->state = RM_BODY_TRAILER;
	return lf + 1 - p;
}

/* Counts content; `n` is at most what is left of it. */
static void content(struct rm_http1_body *b, uint64_t n)
{
	b->bytes += n;
	if (b->state == RM_BODY_UNTIL_CLOSE)
		return;
	b->left -= n;
	if (!b->left)
		b->state = b->state == RM_BODY_DATA ? RM_BODY_DATA_CR : RM_BODY_DONE;
}

/* The part of `have` bytes that is content, where content is next. */
static uint64_t content_in(const struct rm_http1_body *b, uint64_t have)
{
	uint64_t unread = rm_http1_body_unread(b);

	return unread < have ? unread : have;
}

int64_t rm_http1_body_feed(struct rm_http1_body *b, const char *p, size_t n)
{
	const char *at = p, *end = p + n;
	uint64_t n_content = content_in(b, n);

	if (n_content) {
		content(b, n_content);
		return (int64_t)n_content;
	}
	while (at < end && b->state != RM_BODY_DONE && b->state != RM_BODY_DATA) {
		int64_t used = 1;

		if (b->state == RM_BODY_EXTENSION) {
			used = extension(b, at, end);
		} else if (b->state == RM_BODY_TRAILER_LINE) {
			used = trailer_line(b, at, end);
		} else {
			int next = frame_byte(b, *at);

			if (next < 0)
				return next;
			b->state = (uint8_t)next;
		}
		if (used < 0)
			return used;
		at += used;
	}
	return at - p;
}

uint64_t rm_http1_body_unread(const struct rm_http1_body *b)
{
	if (b->state == RM_BODY_UNTIL_CLOSE)
		return UINT64_MAX;
	return b->state == RM_BODY_LENGTH || b->state == RM_BODY_DATA ? b->left : 0;
}

bool rm_http1_body_skip(struct rm_http1_body *b, uint64_t n)
{
	bool by_length = b->state == RM_BODY_LENGTH || b->state == RM_BODY_DATA;

	if (by_length ? n > b->left : b->state != RM_BODY_UNTIL_CLOSE)
		return false;
	content(b, n);
	return true;
}
