/* A borrowed slice of bytes: pointer and length, never NUL-terminated. */
#ifndef RM_BASE_STR_H
#define RM_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rm_str {
	const char *p;
	size_t n;
};

#define RM_STR(literal) ((struct rm_str){ (literal), sizeof(literal) - 1 })

/* The text in an array: up to the first NUL, or all of it. Tables of arrays hold no address. Context: any. */
#define RM_STR_OF(array) rm_str_in((array), sizeof(array))

static inline struct rm_str rm_str_in(const char *array, size_t bytes)
{
	const char *end = memchr(array, '\0', bytes);

	return (struct rm_str){ array, end ? (size_t)(end - array) : bytes };
}

/* True when both slices hold the same bytes. Context: any. */
static inline bool rm_str_eq(struct rm_str a, struct rm_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* True when the slice begins with those bytes. Context: any. */
static inline bool rm_str_begins(struct rm_str s, struct rm_str with)
{
	return s.n >= with.n && (with.n == 0 || memcmp(s.p, with.p, with.n) == 0);
}

/* What stands behind the first `n` bytes; the empty slice with p == NULL where nothing does. Context: any. */
static inline struct rm_str rm_str_behind(struct rm_str s, size_t n)
{
	return n < s.n ? (struct rm_str){ s.p + n, s.n - n } : (struct rm_str){ NULL, 0 };
}

/* Where those bytes, one at least, stand first in the slice; NULL: nowhere. Context: any. */
const char *rm_str_find(struct rm_str s, struct rm_str what);

/* As rm_str_eq, ASCII letters compared without case. Context: any. */
bool rm_str_ieq(struct rm_str a, struct rm_str b);

/* The slice without leading and trailing SP and HT (RFC 9110 section 5.6.3, OWS). Context: any. */
struct rm_str rm_str_trim(struct rm_str s);

/* What stands behind the last slash of a path; all of it where there is none. Context: any. */
struct rm_str rm_str_file_name(struct rm_str path);

/* Length of a NUL-terminated string as a slice; NULL gives the empty slice. Context: any. */
struct rm_str rm_str_c(const char *s);

/*
 * Cuts *rest at the first `sep`: returns what stood before it and leaves in *rest what follows.
 * Without `sep` all of *rest is returned and *rest becomes the empty slice with p == NULL.
 * Context: any.
 */
struct rm_str rm_str_cut(struct rm_str *rest, char sep);

/* Parses an unsigned decimal that fills the whole slice. Returns false on anything else or overflow. */
bool rm_str_u64(struct rm_str s, uint64_t *ret);

/*
 * The six bits of a character of base64; negative for anything else, padding too. The last two digits are those of the
 * alphabet: + and /, or - and _. Context: any. Spec: RFC 4648 sections 4 and 5.
 */
static inline int rm_base64_digit(char c, char digit_62, char digit_63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == digit_62 ? 62 : c == digit_63 ? 63 : -1;
}

/* Value of a hex digit of either case; negative for anything else. Context: any. */
static inline int rm_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Parses `n` bytes from 2n lowercase hex digits. Returns false on any other character; `ret` then
 * holds anything.
 */
bool rm_hex_decode(const char *hex, uint8_t *ret, size_t n);

/* Writes 2n lowercase hex digits of n bytes, no terminator. */
void rm_hex_encode(const uint8_t *bytes, size_t n, char *ret_hex);

/* Length of the run of ASCII characters other than NUL that the slice begins with. Context: any. */
size_t rm_str_plain(struct rm_str s);

/*
 * Length of the UTF-8 sequence (1 to 4 bytes) that the slice begins with; 0 when it is empty or
 * begins with anything else. Context: any. Spec: RFC 3629 section 4.
 */
size_t rm_utf8_next(struct rm_str s);

#endif
