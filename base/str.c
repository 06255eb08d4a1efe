/*
 * Slices of bytes: comparing, cutting, numbers and hexadecimal digits. ASCII only and without
 * locale: header names and settings are defined in bytes. Ids are most of what each request costs
 * here, so digits go eight bytes at a time. Little-endian. Context: any, signal-safe.
 */
#include "base/str.h"

#include <string.h>

#include "base/bytes.h"

#define ONES RM_BYTES_ONES

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

struct rm_str rm_str_file_name(struct rm_str path)
{
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/')
			return (struct rm_str){ path.p + i, path.n - i };
	return path;
}

struct rm_str rm_str_c(const char *s)
{
	return (struct rm_str){ s, s ? strlen(s) : 0 };
}

const char *rm_str_find(struct rm_str s, struct rm_str what)
{
	while (s.n >= what.n) {
		const char *at = memchr(s.p, what.p[0], s.n - what.n + 1);

		if (!at || memcmp(at, what.p, what.n) == 0)
			return at;
		s.n -= (size_t)(at + 1 - s.p);
		s.p = at + 1;
	}
	return NULL;
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

typedef int8_t chars __attribute__((vector_size(16)));
typedef uint16_t pairs __attribute__((vector_size(16)));
typedef uint64_t words __attribute__((vector_size(16)));

/* Numbers of 0 to 15 as lowercase digits. */
static inline chars to_digits(chars x)
{
	return x + '0' + ((x > 9) & ('a' - 10 - '0'));
}

static bool decode_8(const char *hex, uint8_t *ret)
{
	chars x, v, bad;
	pairs both;
	uint64_t any[2];

	memcpy(&x, hex, sizeof(x));
	v = (x & 15) + ((x > '9') & 9);
	/* Whatever is no digit comes out as another text, or as a number past 15. */
	bad = (to_digits(v) != x) | (v > 15);
	memcpy(any, &bad, sizeof(any));
	if (any[0] | any[1])
		return false;
	both = (pairs)v;
	x = (chars)((both << 4 | both >> 8) & 0xff);
	x = __builtin_shufflevector(x, x, 0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
	memcpy(ret, &x, 8);
	return true;
}

bool rm_hex_decode(const char *hex, uint8_t *ret, size_t n)
{
	for (; n >= 8; n -= 8, hex += 16, ret += 8)
		if (!decode_8(hex, ret))
			return false;
	for (; n > 0; n--, hex += 2, ret++) {
		int high = hex_value(hex[0]), low = hex_value(hex[1]);

		if (high < 0 || low < 0)
			return false;
		*ret = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void encode_8(const uint8_t *bytes, char *ret_hex)
{
	uint64_t word;
	chars high, low, x;

	memcpy(&word, bytes, sizeof(word));
	high = (chars)(words){ word >> 4 };
	low = (chars)(words){ word };
	x = __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
	x = to_digits(x & 15);
	memcpy(ret_hex, &x, sizeof(x));
}

void rm_hex_encode(const uint8_t *bytes, size_t n, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";

	for (; n >= 8; n -= 8, bytes += 8, ret_hex += 16)
		encode_8(bytes, ret_hex);
	for (; n > 0; n--, bytes++, ret_hex += 2) {
		ret_hex[0] = digits[*bytes >> 4];
		ret_hex[1] = digits[*bytes & 15];
	}
}

size_t rm_str_plain(struct rm_str s)
{
	size_t n = 0;

	for (; n + 8 <= s.n; n += 8) {
		uint64_t word = rm_bytes_word(s.p + n);
		uint64_t hits = rm_bytes_below(word, 1) | (word & RM_BYTES_ONES << 7);

		if (hits)
			return n + ((size_t)__builtin_ctzll(hits) >> 3);
	}
	while (n < s.n && s.p[n] > 0)
		n++;
	return n;
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
