/*
 * base/mem.c against plain loops: every length, alignment and overlap up to a few words, beside a page
 * that nobody may touch.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/rmtest.h"

#define memcpy mem_memcpy
#define memmove mem_memmove
#define memset mem_memset
#define memcmp mem_memcmp
#define bcmp mem_bcmp
#define memchr mem_memchr
#define strlen mem_strlen
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *at, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
int bcmp(const void *a, const void *b, size_t n);
void *memchr(const void *at, int value, size_t n);
size_t strlen(const char *s);
#include "base/mem.c"

enum { PAGE = 4096, MAX = 70 };

/* The end of a page behind which there is nothing. */
static uint8_t *page_end(void)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p + PAGE, PAGE, PROT_NONE);
	return p + PAGE;
}

static void fill(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(1 + (seed * 131 + i * 37) % 251);
}

static bool copies(uint8_t *to_end, uint8_t *from_end)
{
	for (size_t n = 0; n <= MAX; n++) {
		uint8_t *to = to_end - n, *from = from_end - n;

		fill(from, n, (unsigned)n);
		fill(to - 8, n + 8, 99);
		if (mem_memcpy(to, from, n) != to)
			return false;
		for (size_t i = 0; i < n; i++)
			if (to[i] != from[i])
				return false;
		for (size_t i = 0; i < 8; i++)
			if (to[i - 8] != (uint8_t)(1 + (99 * 131 + i * 37) % 251))
				return false;
	}
	return true;
}

static bool moves(uint8_t *end)
{
	uint8_t want[3 * MAX];

	for (size_t n = 0; n <= MAX; n++)
		for (size_t from = 0; from + n <= 2 * MAX; from++)
			for (size_t to = 0; to + n <= 2 * MAX; to += 3) {
				uint8_t *base = end - 2 * MAX;

				fill(base, 2 * MAX, (unsigned)(n + from));
				for (size_t i = 0; i < 2 * MAX; i++)
					want[i] = base[i];
				for (size_t i = 0; i < n; i++)
					want[to + i] = base[from + i];
				mem_memmove(base + to, base + from, n);
				for (size_t i = 0; i < 2 * MAX; i++)
					if (base[i] != want[i])
						return false;
			}
	return true;
}

static bool sets(uint8_t *end)
{
	for (size_t n = 0; n <= MAX; n++) {
		fill(end - n - 1, n + 1, 3);
		uint8_t before = end[-(long)n - 1];

		mem_memset(end - n, 0xa5, n);
		for (size_t i = 0; i < n; i++)
			if (end[-(long)n + (long)i] != 0xa5)
				return false;
		if (end[-(long)n - 1] != before)
			return false;
	}
	return true;
}

static bool compares(uint8_t *a_end, uint8_t *b_end)
{
	for (size_t n = 1; n <= MAX; n++)
		for (size_t at = 0; at <= n; at++) {
			uint8_t *a = a_end - n, *b = b_end - n;

			fill(a, n, 5);
			fill(b, n, 5);
			if (at == n) {
				if (mem_memcmp(a, b, n) != 0)
					return false;
				continue;
			}
			b[at] = 255;
			if (mem_memcmp(a, b, n) >= 0 || mem_memcmp(b, a, n) <= 0)
				return false;
		}
	return true;
}

static bool finds(uint8_t *end)
{
	for (size_t n = 0; n <= MAX; n++)
		for (size_t at = 0; at <= n; at++) {
			uint8_t *p = end - n;

			fill(p, n, 7);
			if (at < n)
				p[at] = 0;
			/* Two of them: the first one counts. */
			if (at + 1 < n)
				p[n - 1] = 0;
			if (mem_memchr(p, 0x100, n) != (at < n ? p + at : NULL))
				return false;
		}
	return true;
}

RM_TEST("memcpy copies all bytes and no other")
{
	RM_CHECK(copies(page_end(), page_end()));
}

RM_TEST("memmove moves over itself in both directions")
{
	RM_CHECK(moves(page_end()));
}

RM_TEST("memset sets all bytes and no other")
{
	RM_CHECK(sets(page_end()));
}

RM_TEST("memcmp finds the first difference and its sign")
{
	RM_CHECK(compares(page_end(), page_end()));
}

RM_TEST("memchr finds the first one, or none")
{
	RM_CHECK(finds(page_end()));
}

RM_TEST("strlen stops at the terminator")
{
	uint8_t *end = page_end();

	end[-1] = 0;
	end[-2] = 'x';
	RM_CHECK(mem_strlen((char *)end - 2) == 1);
	RM_CHECK(mem_strlen((char *)end - 1) == 0);
}
