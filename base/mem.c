/*
 * memcpy and its kin for the preloaded object, so that none of them is anybody else's: a program may
 * define its own, a sanitizer's would take our lock-free memory for races, and a process without
 * libc has none. Linked into libremora.so only, hidden. No header: they are declared by string.h.
 *
 * Wide accesses go through types that may be unaligned and alias anything. Compiled so that the
 * compiler does not turn the loops into calls of the very functions they are (base/meson.build).
 * Must never read or write a byte outside what was given. Context: any, signal-safe.
 */
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

typedef uint8_t wide __attribute__((vector_size(16), may_alias, aligned(1)));
typedef uint64_t word __attribute__((may_alias, aligned(1)));
typedef uint32_t half __attribute__((may_alias, aligned(1)));
typedef uint16_t quarter __attribute__((may_alias, aligned(1)));

enum { WIDE = sizeof(wide), WORD = sizeof(word) };
#define ONES 0x0101010101010101ull

/* Up to 16 bytes; everything is loaded before anything is stored, so the two may overlap. */
static void copy_few(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n >= WORD) {
		word first = *(const word *)from, last = *(const word *)(from + n - WORD);

		*(word *)to = first;
		*(word *)(to + n - WORD) = last;
	} else if (n >= sizeof(half)) {
		half first = *(const half *)from, last = *(const half *)(from + n - sizeof(half));

		*(half *)to = first;
		*(half *)(to + n - sizeof(half)) = last;
	} else if (n >= sizeof(quarter)) {
		quarter first = *(const quarter *)from;
		uint8_t last = from[n - 1];

		*(quarter *)to = first;
		to[n - 1] = last;
	} else if (n) {
		*to = *from;
	}
}

/* More than 16 bytes; `to` is below `from`, or they do not overlap. */
static void copy_up(uint8_t *to, const uint8_t *from, size_t n)
{
	wide last = *(const wide *)(from + n - WIDE);
	size_t i = 0;

	for (; i + 4 * WIDE < n; i += 4 * WIDE) {
		wide a = *(const wide *)(from + i), b = *(const wide *)(from + i + WIDE);
		wide c = *(const wide *)(from + i + 2 * WIDE), d = *(const wide *)(from + i + 3 * WIDE);

		*(wide *)(to + i) = a;
		*(wide *)(to + i + WIDE) = b;
		*(wide *)(to + i + 2 * WIDE) = c;
		*(wide *)(to + i + 3 * WIDE) = d;
	}
	for (; i + WIDE < n; i += WIDE)
		*(wide *)(to + i) = *(const wide *)(from + i);
	*(wide *)(to + n - WIDE) = last;
}

/* More than 16 bytes; `to` is above `from` and they overlap. */
static void copy_down(uint8_t *to, const uint8_t *from, size_t n)
{
	wide first = *(const wide *)from;

	for (; n > WIDE; n -= WIDE)
		*(wide *)(to + n - WIDE) = *(const wide *)(from + n - WIDE);
	*(wide *)to = first;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	if (n <= 2 * WORD)
		copy_few(to, from, n);
	else
		copy_up(to, from, n);
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	if (n <= 2 * WORD)
		copy_few(to, from, n);
	else if ((uintptr_t)to - (uintptr_t)from >= n)
		copy_up(to, from, n);
	else
		copy_down(to, from, n);
	return to;
}

void *memset(void *at, int value, size_t n)
{
	word w = ONES * (uint8_t)value;
	uint8_t *p = at;

	for (; n >= WORD; n -= WORD, p += WORD)
		*(word *)p = w;
	while (n--)
		*p++ = (uint8_t)value;
	return at;
}

/* The sign of the difference at the first byte in which two words differ. */
static int order(uint64_t a, uint64_t b)
{
	return a == b ? 0 : __builtin_bswap64(a) < __builtin_bswap64(b) ? -1 : 1;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const char *p = a, *q = b;
	int ret = 0;

	for (; n >= WORD && !ret; n -= WORD, p += WORD, q += WORD)
		ret = order(rm_bytes_word(p), rm_bytes_word(q));
	return ret || !n ? ret : order(rm_bytes_few(p, n), rm_bytes_few(q, n));
}

/* What compilers write for a memcmp whose sign nobody looks at. */
int bcmp(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n);
}

void *memchr(const void *at, int value, size_t n)
{
	const char *p = at;

	for (; n >= RM_BLOCK; n -= RM_BLOCK, p += RM_BLOCK) {
		uint64_t hits = rm_block_equal(rm_block_load(p), (char)value);

		if (hits)
			return (void *)(p + rm_block_first(hits));
	}
	if (n) {
		/* Behind them stand zeroes. */
		uint64_t hits = rm_block_equal(rm_block_few(p, n), (char)value);

		if (hits && rm_block_first(hits) < n)
			return (void *)(p + rm_block_first(hits));
	}
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}
