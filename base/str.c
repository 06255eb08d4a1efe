/*
 * Slices of bytes: comparing, cutting, numbers and hexadecimal digits. ASCII only and without
 * locale: header names and settings are defined in bytes. Ids are most of what each request costs
 * here, so digits go four bytes at a time, in a little-endian word. Context: any, signal-safe.
 */
#include "base/str.h"

#include <string.h>

#define ONES 0x0101010101010101u

static unsigned char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : (unsigned char)c;
}

/* Eight characters, their capitals as small letters. */
static uint64_t lower_8(const char *p)
{
	uint64_t x, low, past_z, from_a;

	memcpy(&x, p, sizeof(x));
	low = x & ONES * 0x7f;
	past_z = low + ONES * (0x7f - 'Z');
	from_a = low + ONES * (0x80 - 'A');
	return x | ((from_a ^ past_z) & ~x & ONES * 0x80) >> 2;
}

bool rm_str_ieq(struct rm_str a, struct rm_str b)
{
	if (a.n != b.n)
		return false;
	if (a.n >= 8) {
		for (size_t i = 0; i + 8 < a.n; i += 8)
			if (lower_8(a.p + i) != lower_8(b.p + i))
				return false;
		return lower_8(a.p + a.n - 8) == lower_8(b.p + a.n - 8);
	}
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

struct rm_str rm_str_trim(struct rm_str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

struct rm_str rm_str_c(const char *s)
{
	return (struct rm_str){ s, s ? strlen(s) : 0 };
}

struct rm_str rm_str_cut(struct rm_str *rest, char sep)
{
	struct rm_str ret = *rest;
	const char *at = rest->n > 0 ? memchr(rest->p, sep, rest->n) : NULL;

	if (!at) {
		*rest = (struct rm_str){ NULL, 0 };
		return ret;
	}
	ret.n = (size_t)(at - rest->p);
	rest->p = at + 1;
	rest->n -= ret.n + 1;
	return ret;
}

bool rm_str_u64(struct rm_str s, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*ret = v;
	return true;
}

/* Value of a lowercase hex digit; negative for anything else. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Eight bytes of 0 to 15 as eight lowercase digits. */
static uint64_t to_digits(uint64_t nibbles)
{
	uint64_t letters = (nibbles + ONES * 6) >> 4 & ONES;

	return nibbles + ONES * '0' + letters * ('a' - 10 - '0');
}

static bool decode_4(const char *hex, uint8_t *ret)
{
	uint64_t x, letters;
	uint32_t bytes;

	memcpy(&x, hex, sizeof(x));
	letters = x >> 6 & ONES;
	/* Whatever is no digit comes out as another text, or as a number past 15. */
	if (((x & ONES * 15) + letters * 9) & ONES * 0xf0 ||
	    to_digits((x & ONES * 15) + letters * 9) != x)
		return false;
	x = (x & ONES * 15) + letters * 9;
	x = (x << 4 | x >> 8) & 0x00ff00ff00ff00ffu;
	x = (x | x >> 8) & 0x0000ffff0000ffffu;
	bytes = (uint32_t)(x | x >> 16);
	memcpy(ret, &bytes, sizeof(bytes));
	return true;
}

bool rm_hex_decode(const char *hex, uint8_t *ret, size_t n)
{
	for (; n >= 4; n -= 4, hex += 8, ret += 4)
		if (!decode_4(hex, ret))
			return false;
	for (; n > 0; n--, hex += 2, ret++) {
		int high = hex_value(hex[0]), low = hex_value(hex[1]);

		if (high < 0 || low < 0)
			return false;
		*ret = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void encode_4(const uint8_t *bytes, char *ret_hex)
{
	uint32_t word;
	uint64_t x;

	memcpy(&word, bytes, sizeof(word));
	x = (word | (uint64_t)word << 16) & 0x0000ffff0000ffffu;
	x = (x | x << 8) & 0x00ff00ff00ff00ffu;
	x = to_digits((x >> 4 | x << 8) & ONES * 15);
	memcpy(ret_hex, &x, sizeof(x));
}

void rm_hex_encode(const uint8_t *bytes, size_t n, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";

	for (; n >= 4; n -= 4, bytes += 4, ret_hex += 8)
		encode_4(bytes, ret_hex);
	for (; n > 0; n--, bytes++, ret_hex += 2) {
		ret_hex[0] = digits[*bytes >> 4];
		ret_hex[1] = digits[*bytes & 15];
	}
}

size_t rm_utf8_next(struct rm_str s)
{
	unsigned char c = s.n > 0 ? (unsigned char)s.p[0] : 0;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s.n == 0)
		return 0;
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (s.n < n)
		return 0;
	/* The second byte excludes overlong forms, surrogates and what lies past U+10FFFF. */
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < n; i++) {
		unsigned char next = (unsigned char)s.p[i];

		if (next < low || next > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}
