/*
 * Runs a fuzz target without a fuzzer: on each file given, then on mutations of it, the same ones
 * in each run.
 *
 *   fuzz_NAME [--mutations N] FILE...
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX_BYTES = 1 << 20, CHANGES_MAX = 8, PIECE_MAX_BYTES = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint64_t random_state = 0x9e3779b97f4a7c15;

static size_t below(size_t limit)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return limit ? (random_state >> 33) % limit : 0;
}

/* The target gets memory of exactly the input's size, so that a sanitizer sees an overrun. */
static void run(const uint8_t *data, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);

	memcpy(exact, data, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

/* One change in place; returns the new length. `p` has room for PIECE_MAX_BYTES more. */
static size_t change(uint8_t *p, size_t n)
{
	static const char pieces[] = "\r\n\r\n :,;0fHTTP/1.0close\t\n\r";
	size_t at = below(n), piece = 1 + below(PIECE_MAX_BYTES), from = below(n);

	if (!n)
		return n;
	switch (below(5)) {
	case 0:
		p[at] ^= (uint8_t)(1u << below(8));
		return n;
	case 1:
		p[at] = (uint8_t)pieces[below(sizeof(pieces) - 1)];
		return n;
	case 2: /* cut out */
		piece = piece < n - at ? piece : n - at;
		memmove(p + at, p + at + piece, n - at - piece);
		return n - piece;
	case 3: /* repeat */
		piece = piece < n - at ? piece : n - at;
		memmove(p + at + piece, p + at, n - at);
		return n + piece;
	default: /* copy from elsewhere */
		piece = piece < n - at ? piece : n - at;
		piece = piece < n - from ? piece : n - from;
		memmove(p + at, p + from, piece);
		return n;
	}
}

static void mutate(const uint8_t *seed, size_t n, uint8_t *room)
{
	memcpy(room, seed, n);
	for (size_t changes = 1 + below(CHANGES_MAX); changes > 0; changes--)
		n = change(room, n);
	run(room, n);
}

int main(int argc, char **argv)
{
	static uint8_t seed[INPUT_MAX_BYTES], room[INPUT_MAX_BYTES + CHANGES_MAX * PIECE_MAX_BYTES];
	long mutations = 0, runs = 0;
	int first = 1;

	if (argc > 2 && strcmp(argv[1], "--mutations") == 0) {
		mutations = atol(argv[2]);
		first = 3;
	}
	for (int i = first; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t n;

		if (!f) {
			perror(argv[i]);
			return 2;
		}
		n = fread(seed, 1, sizeof(seed), f);
		fclose(f);
		run(seed, n);
		for (long m = 0; m < mutations; m++)
			mutate(seed, n, room);
		runs += 1 + mutations;
	}
	printf("%ld inputs, no finding\n", runs);
	return runs == 0;
}
