/*
 * Bounded output text. Each put is whole or nothing, so that a cut number or escape never looks
 * like a shorter, valid one. Context: any, signal-safe.
 */
#include "base/strbuf.h"

#include <string.h>

void rm_strbuf_put(struct rm_strbuf *b, const void *bytes, size_t n)
{
	char *to = rm_strbuf_room(b, n);

	if (to && n > 0)
		memcpy(to, bytes, n);
}

void rm_strbuf_char(struct rm_strbuf *b, char c)
{
	rm_strbuf_put(b, &c, 1);
}

void rm_strbuf_u64(struct rm_strbuf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	rm_strbuf_put(b, digits + at, sizeof(digits) - at);
}

void rm_strbuf_i64(struct rm_strbuf *b, int64_t v)
{
	size_t before = b->n;

	if (v < 0)
		rm_strbuf_char(b, '-');
	rm_strbuf_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
	if (b->truncated)
		b->n = before;
}

void rm_strbuf_hex_u64(struct rm_strbuf *b, uint64_t v)
{
	char digits[16];
	size_t n = sizeof(digits);

	do {
		digits[--n] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	rm_strbuf_c(b, "0x");
	rm_strbuf_put(b, digits + n, sizeof(digits) - n);
}

void rm_strbuf_hex(struct rm_strbuf *b, const uint8_t *bytes, size_t n)
{
	if (b->truncated || n > (b->cap - b->n) / 2) {
		b->truncated = true;
		return;
	}
	rm_hex_encode(bytes, n, b->p + b->n);
	b->n += 2 * n;
}
