/*
 * See grpc_body.h. States:
 *
 *   FLAGS -> LENGTH -> MESSAGE -> FLAGS
 *              |
 *              '-----> NAME -> VALUE -> AFTER -> OVER   the line of the status
 *                       ^ '--> LINE                     any other one
 *                       '-------'
 *
 *   The last byte of the trailers leads to OVER, too, and what is behind them is ignored. What cannot be read
 *   leads to LOST.
 */
#include "protocols/grpc_body.h"

#include <stddef.h>
#include <string.h>

#include "base/str.h"

enum state { FLAGS, LENGTH, MESSAGE, NAME, VALUE, AFTER, LINE, OVER, LOST }; /* from OVER on, no byte tells anything */
enum { COMPRESSED = 1, TRAILERS = 0x80, LENGTH_BYTES = 4, GROUP_CHARS = 4, GROUP_BYTES = 3 };

static const char name[] = "grpc-status:";
enum { NAME_CHARS = sizeof(name) - 1 };

void rm_grpc_body_start(struct rm_grpc_body *b, bool text)
{
	*b = (struct rm_grpc_body){ .text = text, .value = -1, .status = RM_GRPC_NO_STATUS };
}

static enum state message_over(struct rm_grpc_body *b)
{
	b->messages += b->messages < UINT32_MAX;
	return FLAGS;
}

static enum state flags_seen(struct rm_grpc_body *b, uint8_t flags)
{
	b->trailers = flags & TRAILERS;
	b->left = b->have = 0;
	if (flags & ~(COMPRESSED | TRAILERS) || flags == (COMPRESSED | TRAILERS))
		return LOST;
	return LENGTH;
}

static enum state length_seen(struct rm_grpc_body *b, uint8_t byte)
{
	b->left = b->left << 8 | byte;
	if (++b->have < LENGTH_BYTES)
		return LENGTH;
	b->have = 0;
	if (b->trailers)
		return b->left ? NAME : OVER;
	return b->left ? MESSAGE : message_over(b);
}

static enum state name_seen(struct rm_grpc_body *b, char c)
{
	char lower = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;

	if (lower == name[b->have])
		return ++b->have == NAME_CHARS ? VALUE : NAME;
	b->have = 0;
	return c == '\n' ? NAME : LINE;
}

static enum state value_seen(struct rm_grpc_body *b, char c)
{
	bool begun = b->value >= 0;

	if (c >= '0' && c <= '9') {
		b->value = (int16_t)((begun ? b->value * 10 : 0) + (c - '0'));
		return b->value <= RM_GRPC_STATUS_MAX ? VALUE : LOST;
	}
	if (c == ' ' || c == '\t')
		return begun ? AFTER : VALUE;
	if (!begun || (c != '\r' && c != '\n'))
		return LOST;
	return c == '\r' ? AFTER : OVER;
}

static enum state after_seen(char c)
{
	if (c == '\n')
		return OVER;
	return c == ' ' || c == '\t' || c == '\r' ? AFTER : LOST;
}

/* A byte of the trailers. */
static enum state trailer_seen(struct rm_grpc_body *b, char c)
{
	enum state s = LINE;

	switch (b->state) {
	case NAME:
		s = name_seen(b, c);
		break;
	case VALUE:
		s = value_seen(b, c);
		break;
	case AFTER:
		s = after_seen(c);
		break;
	case LINE:
		s = c == '\n' ? NAME : LINE;
		break;
	}
	if (--b->left == 0 && s != LOST)
		s = OVER;
	if (s == OVER)
		b->status = b->value;
	return s;
}

/* Steps over bytes of a message. Returns how many of the next `n` are of it. */
static uint64_t step_over(struct rm_grpc_body *b, uint64_t n)
{
	uint64_t bytes = n < b->left ? n : b->left;

	if (b->state != MESSAGE)
		return 0;
	b->left -= (uint32_t)bytes;
	if (!b->left)
		b->state = message_over(b);
	return bytes;
}

static void byte_seen(struct rm_grpc_body *b, char c)
{
	switch (b->state) {
	case FLAGS:
		b->state = flags_seen(b, (uint8_t)c);
		break;
	case LENGTH:
		b->state = length_seen(b, (uint8_t)c);
		break;
	case MESSAGE:
		step_over(b, 1);
		break;
	default:
		if (b->state < OVER)
			b->state = trailer_seen(b, c);
	}
}

/* The same for base64: whole groups, up to where one may be padded. */
static uint64_t step_over_text(struct rm_grpc_body *b, const char *p, uint64_t n)
{
	uint64_t groups = n / GROUP_CHARS < b->left / GROUP_BYTES ? n / GROUP_CHARS : b->left / GROUP_BYTES;
	const char *pad;

	if (b->state != MESSAGE || b->chars || !groups)
		return 0;
	pad = memchr(p, '=', groups * GROUP_CHARS);
	if (pad)
		groups = (uint64_t)(pad - p) / GROUP_CHARS;
	return step_over(b, groups * GROUP_BYTES) / GROUP_BYTES * GROUP_CHARS;
}

static void char_seen(struct rm_grpc_body *b, char c)
{
	/* Groups within a message may be anything: elsewhere they are stepped over unseen. */
	bool within = b->state == MESSAGE && b->left >= GROUP_BYTES && c != '=';
	int bits = within ? 0 : rm_base64_digit(c, '+', '/');

	if (c == '=' && b->chars >= GROUP_CHARS - 2) {
		b->pads++;
		bits = 0;
	} else if (b->pads) {
		bits = -1;
	}
	if (bits < 0) {
		b->state = LOST;
		return;
	}
	b->group = b->group << 6 | (unsigned)bits;
	if (++b->chars < GROUP_CHARS)
		return;
	for (int i = 0; i < GROUP_BYTES - b->pads; i++)
		byte_seen(b, (char)(b->group >> (16 - 8 * i)));
	b->chars = b->pads = 0;
}

static void feed_text(struct rm_grpc_body *b, const char *p, uint64_t n)
{
	for (uint64_t at = 0; at < n && b->state < OVER;) {
		at += step_over_text(b, p + at, n - at);
		if (at < n)
			char_seen(b, p[at++]);
	}
}

void rm_grpc_body_feed(struct rm_grpc_body *b, const char *p, uint64_t n)
{
	if (p && b->text) {
		feed_text(b, p, n);
		return;
	}
	for (uint64_t at = 0; at < n && b->state < OVER;) {
		at += b->text ? 0 : step_over(b, n - at);
		if (at < n && p)
			byte_seen(b, p[at++]);
		else if (at < n)
			b->state = LOST;
	}
}

bool rm_grpc_body_lacks(const struct rm_grpc_body *b)
{
	return b->status < 0 && (b->state == OVER || (b->state == FLAGS && !b->chars));
}

bool rm_grpc_body_counts(const struct rm_grpc_body *b)
{
	return b->state != LOST;
}
