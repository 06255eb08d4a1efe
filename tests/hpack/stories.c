/*
 * Header blocks of other encoders (encode.py) must give the fields they were made of. A story is one
 * direction of one connection; lines are "block HEX", each followed by its fields, "name: value" with
 * \xHH for what does not print. TAP: stories FILE...
 */
#include <stdio.h>

#include "tests/hpack/receiver.h"

enum { BLOCK_MAX_BYTES = 64 * 1024 };

/* In place. Returns the length. */
static size_t unescape(char *text)
{
	char *to = text;
	unsigned byte;

	for (const char *p = text; *p; p++) {
		if (*p == '\\' && sscanf(p, "\\x%2x", &byte) == 1) {
			*to++ = (char)byte;
			p += 3;
		} else {
			*to++ = *p;
		}
	}
	return (size_t)(to - text);
}

static size_t from_hex(const char *hex, uint8_t *ret)
{
	size_t n = 0;
	unsigned byte;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		ret[n++] = (uint8_t)byte;
	return n;
}

static bool field_is(const struct rm_hpack_field *f, char *line)
{
	char *colon = strstr(line + 1, ": ");
	struct rm_str value;

	if (!colon)
		return false;
	*colon = '\0';
	value = (struct rm_str){ colon + 2, unescape(colon + 2) };
	return rm_str_eq(f->name, (struct rm_str){ line, unescape(line) }) && rm_str_eq(f->value, value);
}

/* Plays a story. Returns the number of the first line that is wrong, 0 when all are right. */
static int play(FILE *in, int *ret_blocks)
{
	static struct receiver r;
	static uint8_t block[BLOCK_MAX_BYTES];
	struct rm_hpack_field f;
	int number = 0, wrong = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	receiver_open(&r);
	receiver_begin(&r, block, 0);
	while (!wrong && (n = getline(&line, &cap, in)) > 0) {
		number++;
		if (line[n - 1] == '\n')
			line[--n] = '\0';
		if (line[0] == '#')
			continue;
		if (strncmp(line, "block ", 6) == 0) {
			wrong = rm_hpack_next(&r.block, &f) == 0 ? 0 : number;
			receiver_begin(&r, block, from_hex(line + 6, block));
			++*ret_blocks;
			continue;
		}
		wrong = rm_hpack_next(&r.block, &f) == 1 && field_is(&f, line) ? 0 : number;
	}
	if (!wrong && rm_hpack_next(&r.block, &f) != 0)
		wrong = number;
	receiver_close(&r);
	free(line);
	return wrong;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		const char *name = strrchr(argv[i], '/');
		FILE *in = fopen(argv[i], "r");
		int blocks = 0, wrong = in ? play(in, &blocks) : -1;

		if (in)
			fclose(in);
		if (wrong)
			printf("# %s:%d\n", argv[i], wrong);
		failed += wrong || !blocks;
		printf("%sok %d - %s, %d blocks\n", wrong || !blocks ? "not " : "", i, name ? name + 1 : argv[i],
		       blocks);
	}
	printf("1..%d\n", argc - 1);
	return failed != 0;
}
