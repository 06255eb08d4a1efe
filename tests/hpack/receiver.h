/*
 * A receiver of header blocks for tests: the table's memory is exactly as large as asked for and moves
 * each time, so that stale pointers and overruns show under asan. Include once per test program.
 */
#ifndef RM_TESTS_HPACK_RECEIVER_H
#define RM_TESTS_HPACK_RECEIVER_H

#include <stdlib.h>

#include "protocols/hpack.h"

struct receiver {
	struct rm_sink sink; /* first: the sink is the receiver */
	struct rm_hpack_table table;
	struct rm_hpack_block block;
	char *memory;
	uint32_t memory_bytes, memory_limit; /* 0: none */
	char room[RM_HPACK_LIST_MAX_BYTES];
};

static char *receiver_stash(struct rm_sink *sink, enum rm_stash which, uint32_t bytes)
{
	struct receiver *r = (struct receiver *)sink;
	char *grown;

	(void)which;
	if (r->memory_limit && bytes > r->memory_limit)
		return NULL;
	if (bytes < r->memory_bytes)
		bytes = r->memory_bytes;
	grown = malloc(bytes);
	if (r->memory)
		memcpy(grown, r->memory, r->memory_bytes);
	free(r->memory);
	r->memory = grown;
	r->memory_bytes = bytes;
	return grown;
}

static void receiver_open(struct receiver *r)
{
	static const struct rm_sink_calls calls = { .stash = receiver_stash };

	memset(r, 0, sizeof(*r));
	r->sink.on = &calls;
	rm_hpack_table_init(&r->table);
}

static void receiver_begin(struct receiver *r, const void *block, size_t n)
{
	rm_hpack_begin(&r->block, &r->table, &r->sink, RM_STASH_REQUEST_TABLE, block, n, r->room);
}

static void receiver_close(struct receiver *r)
{
	free(r->memory);
	r->memory = NULL;
}

#endif
