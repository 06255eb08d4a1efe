/* See fuzz_wire.h. */
#include "tests/fuzz/fuzz_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/replay/watch.h"

enum how { WHOLE, CUT, EVERY_BYTE };

/* A run of bytes of one direction, gathered from neighbouring records. */
struct run {
	enum rm_dir dir;
	char *bytes;
	size_t n;
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void flush(struct watch *w, struct run *run, enum how how, uint32_t *random)
{
	for (size_t at = 0; at < run->n;) {
		size_t n = run->n - at;

		if (how == EVERY_BYTE)
			n = 1;
		else if (how == CUT && next_random(random) % 4)
			n = 1 + next_random(random) % (n < 40 ? n : 40);
		watch_feed(w, run->dir, run->bytes + at, n);
		at += n;
	}
	run->n = 0;
}

static void gather(struct watch *w, struct run *run, enum rm_dir dir, const uint8_t *bytes,
		   size_t n, enum how how, uint32_t *random)
{
	if (run->dir != dir)
		flush(w, run, how, random);
	run->dir = dir;
	memcpy(run->bytes + run->n, bytes, n);
	run->n += n;
}

/* What the client says first may go on with a connection. */
static void join(struct watch *w, const uint8_t *data, const uint8_t *end)
{
	size_t bytes = end - data >= 4 ? data[2] | (size_t)data[3] << 8 : 0;

	if (!bytes || data[1] != FUZZ_REQUEST)
		return;
	data += 4;
	watch_join(w, (const char *)data, bytes < (size_t)(end - data) ? bytes : (size_t)(end - data));
}

static void play(struct watch *w, const struct rm_proto *proto, const uint8_t *data, size_t n,
		 enum how how)
{
	const uint8_t *end = data + n;
	struct run run = { .bytes = malloc(n + 1) };
	uint32_t random = n ? *data : 0;

	watch_open(w, proto);
	w->stop_heads = how == EVERY_BYTE;
	w->unrecorded = random & 1;
	join(w, data, end);
	for (data++; end - data >= 3;) {
		uint8_t op = data[0];
		size_t bytes = data[1] | (size_t)data[2] << 8;
		bool answer = op == FUZZ_RESPONSE || op == FUZZ_SKIP_RESPONSE ||
			      op == FUZZ_END_RESPONSE;
		enum rm_dir dir = answer ? RM_DIR_RESPONSE : RM_DIR_REQUEST;
		bool skip = op == FUZZ_SKIP_REQUEST || op == FUZZ_SKIP_RESPONSE;
		bool over = op == FUZZ_END_REQUEST || op == FUZZ_END_RESPONSE || op == FUZZ_RESET;

		data += 3;
		if (!skip && !over) {
			bytes = bytes < (size_t)(end - data) ? bytes : (size_t)(end - data);
			gather(w, &run, dir, data, bytes, how, &random);
			data += bytes;
			continue;
		}
		flush(w, &run, how, &random);
		if (skip)
			watch_skip(w, dir, bytes);
		else
			watch_end(w, dir, op == FUZZ_RESET);
	}
	flush(w, &run, how, &random);
	free(run.bytes);
	watch_close(w);
}

void fuzz_wire(const struct rm_proto *proto, const uint8_t *data, size_t n)
{
	struct watch whole, other;

	if (!n)
		return;
	play(&whole, proto, data, n, WHOLE);
	for (enum how how = CUT; how <= EVERY_BYTE; how++) {
		play(&other, proto, data, n, how);
		if (!whole.muted && strcmp(whole.text, other.text) != 0) {
			fprintf(stderr, "whole:\n%s\n%s:\n%s\n", whole.text,
				how == CUT ? "cut" : "byte by byte", other.text);
			abort();
		}
		watch_free(&other);
	}
	watch_free(&whole);
}
