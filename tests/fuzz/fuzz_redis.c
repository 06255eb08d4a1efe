/*
 * Redis conversations, see fuzz_wire.h. And what comes in small letters never comes out: names, queries and
 * status words are made of known words, capitals, and question marks.
 */
#include <stdlib.h>

#include "tests/fuzz/fuzz_wire.h"
#include "tests/replay/watch.h"

extern const struct rm_proto rm_proto_redis;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'a' && s.p[i] <= 'z')
			abort();
}

static struct rm_sink_calls calls;

static rm_xid on_request(struct rm_sink *sink, void *conn)
{
	return 0;
}

static void on_operation(struct rm_sink *sink, rm_xid x, const struct rm_operation *op)
{
	check(op->name);
	check(op->query);
	if (op->collection.n || op->space.n || op->summary.n)
		abort();
}

static void on_outcome(struct rm_sink *sink, rm_xid x, const struct rm_outcome *outcome)
{
	check(outcome->status);
	check(outcome->space);
}

/* One command after the other with the input as its bytes, an error as the answer to the first of them. */
static void secrets(const uint8_t *data, size_t n)
{
	struct watch w;

	watch_open(&w, &rm_proto_redis);
	calls = *w.sink.on;
	calls.request = on_request;
	calls.operation = on_operation;
	calls.outcome = on_outcome;
	w.sink.on = &calls;
	watch_feed(&w, RM_DIR_REQUEST, (const char *)data, n);
	watch_feed(&w, RM_DIR_RESPONSE, (const char *)data, n);
	watch_close(&w);
	watch_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	fuzz_wire(&rm_proto_redis, data, n);
	if (n > 4)
		secrets(data + 4, n - 4);
	return 0;
}
