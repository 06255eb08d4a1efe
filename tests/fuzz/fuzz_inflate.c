/*
 * What is compressed as zlib does, protocols/inflate.c. For any input: it says what zlib says, byte for byte, up to what zlib refuses, and the same where
 * the input is cut anywhere.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "protocols/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PLAIN_MAX = 1 << 20 };

static void check(bool condition)
{
	if (!condition)
		abort();
}

struct plain {
	size_t n;
	bool over, bad;
	uint8_t bytes[PLAIN_MAX];
};

static void with_zlib(const uint8_t *data, size_t n, struct plain *ret)
{
	z_stream s = { .next_in = (Bytef *)data, .avail_in = (uInt)n, .next_out = ret->bytes, .avail_out = PLAIN_MAX };
	int result;

	check(inflateInit(&s) == Z_OK);
	inflateValidate(&s, 0);
	result = inflate(&s, Z_SYNC_FLUSH);
	ret->n = s.total_out;
	ret->over = result == Z_STREAM_END;
	ret->bad = result == Z_DATA_ERROR || result == Z_NEED_DICT;
	inflateEnd(&s);
}

/* In pieces of `size` bytes, each in memory of exactly that size. */
static void with_ours(const uint8_t *data, size_t n, size_t size, struct plain *ret)
{
	static struct rm_inflate f;
	enum rm_inflate_event event = RM_INFLATE_MORE;

	rm_inflate_init(&f);
	ret->n = 0;
	for (size_t at = 0, take; at < n && event == RM_INFLATE_MORE; at += take) {
		char *piece;
		struct rm_str in, out;

		take = n - at < size ? n - at : size;
		piece = malloc(take);
		memcpy(piece, data + at, take);
		in = (struct rm_str){ piece, take };
		while ((event = rm_inflate_next(&f, &in, &out)) == RM_INFLATE_SOME && ret->n + out.n <= PLAIN_MAX) {
			memcpy(ret->bytes + ret->n, out.p, out.n);
			ret->n += out.n;
		}
		check(event != RM_INFLATE_MORE || !in.n);
		free(piece);
	}
	ret->over = event == RM_INFLATE_OVER;
	ret->bad = event == RM_INFLATE_BAD;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct plain theirs, ours;

	with_zlib(data, n, &theirs);
	if (theirs.n == PLAIN_MAX)
		return 0;
	for (size_t size = 1; size <= n; size = size * 7 + 1) {
		with_ours(data, n, size, &ours);
		check(ours.n <= theirs.n && memcmp(ours.bytes, theirs.bytes, ours.n) == 0);
		check(!ours.over || (theirs.over && ours.n == theirs.n));
		/* What is behind the end is none of zlib's business. A code without any symbol zlib refuses later. */
		check(!theirs.over || ours.n == theirs.n);
		check(ours.bad || theirs.bad || ours.n == theirs.n);
	}
	return 0;
}
