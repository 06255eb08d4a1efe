/*
 * Header blocks, protocols/hpack.h. The input is blocks, each after its length in two bytes. What must
 * hold for any input: limits are kept, a table counts what it holds, and fields that were read can be
 * written as literals and read again as the same.
 */
#include "tests/hpack/receiver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { BLOCKS_MAX_BYTES = 16 * 1024, OUT_BYTES = 2 * RM_HPACK_LIST_MAX_BYTES };

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void check_table(const struct receiver *r)
{
	const struct rm_hpack_table *t = &r->table;
	uint32_t bytes = 0;

	check(t->bytes <= t->max_bytes && t->max_bytes <= RM_HPACK_TABLE_MAX_BYTES && t->cap <= r->memory_bytes);
	for (uint32_t i = 0; i < t->count; i++) {
		struct rm_str name, value;

		check(rm_hpack_table_get(t, r->memory, 62 + i, &name, &value));
		bytes += (uint32_t)(name.n + value.n) + RM_HPACK_ENTRY_BYTES;
	}
	check(bytes == t->bytes);
}

/* Reads a block; its fields become literals in `out`. Returns how reading ended. */
static int read_block(struct receiver *r, const void *block, size_t n, struct rm_strbuf *out)
{
	struct rm_hpack_field f;
	uint32_t end = 0;
	int got;

	receiver_begin(r, block, n);
	while ((got = rm_hpack_next(&r->block, &f)) == 1) {
		check(f.at >= end && f.end > f.at && f.end <= n);
		end = f.end;
		rm_hpack_put(out, f.name, f.value);
		check(r->block.list_bytes <= RM_HPACK_LIST_MAX_BYTES && !out->truncated);
	}
	check_table(r);
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char first[OUT_BYTES], second[OUT_BYTES];
	static struct receiver r, again;
	const uint8_t *end = data + n;
	int got = 0;

	receiver_open(&r);
	while (end - data >= 2 && n <= BLOCKS_MAX_BYTES && got == 0) {
		size_t bytes = data[0] | (size_t)data[1] << 8;
		struct rm_strbuf a, b;
		uint8_t *block;

		data += 2;
		bytes = bytes < (size_t)(end - data) ? bytes : (size_t)(end - data);
		block = malloc(bytes + 1); /* of its own, for asan */
		memcpy(block, data, bytes);
		rm_strbuf_init(&a, first, sizeof(first));
		rm_strbuf_init(&b, second, sizeof(second));
		got = read_block(&r, block, bytes, &a);
		receiver_open(&again);
		check(read_block(&again, first, a.n, &b) == 0 && !again.memory);
		check(a.n == b.n && memcmp(first, second, a.n) == 0);
		free(block);
		data += bytes;
	}
	receiver_close(&r);
	return 0;
}
