/* What zlib compressed, read without it: protocols/inflate.c. */
#include "protocols/inflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/rmtest.h"

enum { PLAIN_BYTES = 150000 };

static uint8_t plain[PLAIN_BYTES], packed[2 * PLAIN_BYTES];

static void fill(int kind)
{
	static const char text[] = "INSERT INTO orders VALUES (1, 'a'), ";
	uint32_t x = 7;

	for (size_t i = 0; i < PLAIN_BYTES; i++) {
		x = x * 1103515245 + 12345;
		plain[i] = (uint8_t)(kind == 0 ? x >> 16 : kind == 1 ? (uint8_t)text[(i + (x >> 28)) % (sizeof(text) - 1)] :
				     i > 32768 && x >> 27 ? plain[i - 32768] : 'a' + (x >> 16) % 6);
	}
}

static size_t pack(int level, int strategy)
{
	z_stream s = { .next_in = plain, .avail_in = PLAIN_BYTES, .next_out = packed, .avail_out = sizeof(packed) };

	RM_CHECK(deflateInit2(&s, level, Z_DEFLATED, 15, 8, strategy) == Z_OK);
	RM_CHECK(deflate(&s, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&s);
	return s.total_out;
}

/* How many bytes come out as they were, in pieces of that size; negative: the data were found to be bad, or did not end. */
static long read_all(size_t n, size_t size)
{
	static struct rm_inflate f;
	long done = 0;

	rm_inflate_init(&f);
	for (size_t at = 0; at < n; at += size) {
		struct rm_str in = { (char *)packed + at, n - at < size ? n - at : size }, out;
		enum rm_inflate_event event;

		while ((event = rm_inflate_next(&f, &in, &out)) == RM_INFLATE_SOME) {
			if (out.n > (size_t)(PLAIN_BYTES - done) || memcmp(plain + done, out.p, out.n) != 0)
				return -1;
			done += (long)out.n;
		}
		if (event == RM_INFLATE_OVER)
			return at + size >= n && !in.n ? done : -2;
		if (event == RM_INFLATE_BAD)
			return -3;
	}
	return -4;
}

RM_TEST("all that zlib writes is read, whole and in pieces")
{
	static const int strategies[] = { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE };
	static const size_t sizes[] = { 2 * PLAIN_BYTES, 16384, 1000, 7, 1 };

	for (int kind = 0; kind < 3; kind++) {
		fill(kind);
		for (int i = 0; i < 8; i++) {
			size_t n = pack(i % 2 ? 9 : i == 0 ? 0 : 1, strategies[i / 2]);

			for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++)
				RM_CHECK(read_all(n, sizes[k]) == PLAIN_BYTES);
		}
	}
}

RM_TEST("data that are cut, damaged, longer, or need a dictionary are told from whole ones")
{
	size_t n;

	fill(1);
	n = pack(6, Z_DEFAULT_STRATEGY);
	RM_CHECK(read_all(n - 1, n) < 0);
	RM_CHECK(read_all(n + 1, n + 1) < 0);
	packed[1] ^= 1;
	RM_CHECK(read_all(n, n) == -3);
	packed[1] ^= 1;
	packed[0] = 0x78;
	packed[1] = 0xbb;
	RM_CHECK(read_all(n, n) == -3);
	/* A stored block whose length is not what it should be; a kind of block that there is not. */
	memcpy(packed, "\x78\x9c\1\2\0\0\0aa", 10);
	RM_CHECK(read_all(10, 10) < 0);
	memcpy(packed, "\x78\x9c\7\0\0\0\0", 8);
	RM_CHECK(read_all(8, 8) < 0);
	/* A copy of what stands before the beginning. */
	memcpy(packed, "\x78\x9c\x4b\x04\x42\x00\x00\x00\x00\x00", 10);
	RM_CHECK(read_all(10, 10) < 0);
}
