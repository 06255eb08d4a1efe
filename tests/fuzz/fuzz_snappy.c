/*
 * What Snappy compressed, protocols/snappy.c. For any input: what is unpacked of its beginning, or for less room, is the beginning
 * of what is unpacked of all, and what is refused is refused however much room there is from there on.
 */
#include <stdlib.h>
#include <string.h>

#include "protocols/snappy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PLAIN_MAX = 1 << 16 };

static void check(bool condition)
{
	if (!condition)
		abort();
}

struct plain {
	int64_t n; /* -1: refused */
	uint32_t size;
	char *bytes;
};

/* Of the first `n` bytes, with room for `cap`: each in memory of exactly that size. */
static struct plain unpack(const uint8_t *data, size_t n, uint32_t cap)
{
	char *in = malloc(n ? n : 1);
	struct plain ret = { .bytes = malloc(cap ? cap : 1) };

	memcpy(in, data, n);
	ret.n = rm_snappy_begin((struct rm_str){ in, n }, ret.bytes, cap, &ret.size);
	check(ret.n >= -1 && ret.n <= cap && (ret.n < 0 || ret.n <= ret.size));
	free(in);
	return ret;
}

static void check_beginning(const struct plain *whole, struct plain part)
{
	if (part.n > 0)
		check(part.n <= whole->n && memcmp(part.bytes, whole->bytes, (size_t)part.n) == 0);
	free(part.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct plain whole = unpack(data, n, PLAIN_MAX);
	uint32_t most = whole.n < 0 ? 64 : (uint32_t)whole.n;

	for (uint32_t cap = 0; cap <= most; cap = cap * 3 + 1) {
		struct plain less = unpack(data, n, cap);

		check(less.n >= 0 || whole.n < 0);
		check(whole.n < 0 || less.n == cap);
		if (whole.n >= 0)
			check_beginning(&whole, less);
		else
			free(less.bytes);
	}
	for (size_t cut = 0; cut <= n && whole.n >= 0; cut = cut * 2 + 1)
		check_beginning(&whole, unpack(data, cut, PLAIN_MAX));
	free(whole.bytes);
	return 0;
}
