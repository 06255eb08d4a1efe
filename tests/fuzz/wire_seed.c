/*
 * Turns captures into inputs of fuzz_wire.c: wire_seed PREFIX FOLDER FILE.wire... writes
 * FOLDER/PREFIX-FILE.seed.
 */
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz_wire.h"
#include "tests/replay/wire.h"

static void put(FILE *f, char op, size_t n, const char *bytes)
{
	if (n > FUZZ_RECORD_MAX_BYTES)
		n = FUZZ_RECORD_MAX_BYTES;
	fputc(op, f);
	fputc((int)(n & 0xff), f);
	fputc((int)(n >> 8), f);
	if (bytes)
		fwrite(bytes, 1, n, f);
}

static void put_wire(FILE *f, const struct wire *w)
{
	fputc('1', f);
	for (size_t i = 0; i < w->count; i++) {
		const struct wire_item *item = &w->items[i];
		bool request = item->dir == RM_DIR_REQUEST;

		switch (item->kind) {
		case WIRE_BYTES:
			put(f, request ? FUZZ_REQUEST : FUZZ_RESPONSE, item->n, item->bytes);
			break;
		case WIRE_SKIP:
			put(f, request ? FUZZ_SKIP_REQUEST : FUZZ_SKIP_RESPONSE, item->n, NULL);
			break;
		case WIRE_END:
			put(f, request ? FUZZ_END_REQUEST : FUZZ_END_RESPONSE, 0, NULL);
			break;
		case WIRE_RESET:
			put(f, FUZZ_RESET, 0, NULL);
			break;
		}
	}
}

static bool convert(const char *prefix, const char *folder, const char *wire_path)
{
	const char *slash = strrchr(wire_path, '/'), *name = slash ? slash + 1 : wire_path;
	struct wire w = wire_read(wire_path);
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s-%.*s.seed", folder, prefix, (int)strcspn(name, "."),
		 name);
	f = fopen(path, "wb");
	if (f)
		put_wire(f, &w);
	wire_free(&w);
	if (f && fclose(f) == 0)
		return true;
	perror(path);
	return false;
}

int main(int argc, char **argv)
{
	for (int i = 3; i < argc; i++)
		if (!convert(argv[1], argv[2], argv[i]))
			return 2;
	return argc < 4;
}
