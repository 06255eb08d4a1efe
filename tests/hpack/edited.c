/*
 * Writes the bytes of a client's connection whose requests are those of a story (encode.py), each with our traceparent:
 * behind its fields, in the place of one that no table learns, or not at all where one is that a table does. Frames are cut and
 * padded in several ways. What other decoders make of it is compared in tests/e2e/cases/header_blocks.py.
 *
 * edited STORY: the connection goes to stdout; the n-th request has the parent id n.
 */
#include <stdio.h>
#include <stdlib.h>

#include "protocols/hpack.h"
#include "protocols/http2_edit.h"
#include "protocols/http2_frame.h"
#include "protocols/tracecontext.h"

extern const struct rm_proto rm_proto_http2;

enum { BLOCK_MAX_BYTES = 64 * 1024, ROOM_BYTES = 2 * BLOCK_MAX_BYTES };

struct editor {
	struct rm_sink sink; /* first: the sink is the editor */
	char *stash[RM_STASHES];
	uint32_t stash_bytes[RM_STASHES];
	_Alignas(16) char scratch[256 * 1024];
	char room[ROOM_BYTES]; /* what stands in the place of a frame */
	struct rm_strbuf out;
	int64_t from, frame_bytes;  /* of it, in the bytes being fed; no bytes: nothing is changed */
	rm_xid requests;
};

static void fail(const char *what)
{
	fprintf(stderr, "edited: %s\n", what);
	exit(1);
}

static rm_xid on_request(struct rm_sink *sink, void *conn)
{
	(void)conn;
	return ++((struct editor *)sink)->requests;
}

static bool on_request_head(struct rm_sink *sink, rm_xid x, const struct rm_head *head, uint32_t blank_at)
{
	struct editor *e = (struct editor *)sink;
	struct rm_spanctx ctx = { .valid = true, .flags = 1, .trace_id = { 1 }, .span_id = { [7] = (uint8_t)x } };
	const struct rm_str none = { NULL, 0 };
	bool has = false;
	char text[100];
	struct rm_strbuf field;

	(void)blank_at;
	for (uint32_t i = 0; i < head->field_count; i++)
		has = has || rm_str_eq(head->fields[i].name, RM_STR("traceparent"));
	if (has && !head->block->old_bytes)
		return true;
	rm_strbuf_init(&field, text, sizeof(text));
	rm_inject(RM_PROP_TRACECONTEXT, &ctx, none, none, NULL, rm_hpack_put, &field);
	rm_strbuf_init(&e->out, e->room, sizeof(e->room));
	if (!rm_http2_edit(head->block, has, rm_strbuf_view(&field), &e->out) || e->out.truncated)
		fail("a block that cannot be edited");
	e->from = head->block->frame_at;
	e->frame_bytes = head->block->frame_bytes;
	return true;
}

static void on_request_end(struct rm_sink *sink, rm_xid x, uint64_t body_bytes)
{
	(void)sink, (void)x, (void)body_bytes;
}

static void on_broken(struct rm_sink *sink, rm_xid x, struct rm_str error)
{
	(void)sink, (void)x, (void)error;
	fail("a request that is none");
}

static char *on_stash(struct rm_sink *sink, enum rm_stash which, uint32_t bytes)
{
	struct editor *e = (struct editor *)sink;

	if (bytes > e->stash_bytes[which]) {
		e->stash[which] = realloc(e->stash[which], bytes);
		e->stash_bytes[which] = bytes;
	}
	return e->stash[which];
}

static void on_unstash(struct rm_sink *sink, enum rm_stash which)
{
	(void)sink, (void)which;
}

static void *on_scratch(struct rm_sink *sink, uint32_t bytes)
{
	return bytes <= sizeof(((struct editor *)sink)->scratch) ? ((struct editor *)sink)->scratch : NULL;
}

static const struct rm_sink_calls calls = {
	.request = on_request,
	.request_head = on_request_head,
	.request_end = on_request_end,
	.broken = on_broken,
	.stash = on_stash,
	.unstash = on_unstash,
	.scratch = on_scratch,
};

/* Feeds whole frames and writes what is to be sent in their place. */
static void feed(struct editor *e, void *state, const uint8_t *p, size_t n)
{
	e->frame_bytes = 0;
	e->from = (int64_t)n;
	if (rm_proto_http2.feed(state, RM_DIR_REQUEST, p, n, &e->sink, NULL) != (int64_t)n)
		fail("bytes that are not understood");
	fwrite(p, 1, (size_t)e->from, stdout);
	if (!e->frame_bytes)
		return;
	fwrite(e->out.p, 1, e->out.n, stdout);
	fwrite(p + e->from + e->frame_bytes, 1, n - (size_t)(e->from + e->frame_bytes), stdout);
}

static size_t put(uint8_t *to, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t n, size_t pad)
{
	struct rm_http2_frame f = { (uint32_t)(n + (pad ? 1 + pad : 0)), stream, type,
				    (uint8_t)(flags | (pad ? RM_HTTP2_PADDED : 0)) };
	size_t at = RM_HTTP2_FRAME_HEAD;

	rm_http2_frame_write(&f, to);
	if (pad)
		to[at++] = (uint8_t)pad;
	if (n)
		memcpy(to + at, payload, n);
	memset(to + at + n, 0, pad);
	return at + n + pad;
}

/* The n-th block, in frames of one of four kinds: whole, padded, in two, in two of which the last is empty. */
static size_t in_frames(uint8_t *to, uint32_t number, const uint8_t *block, size_t n)
{
	uint32_t stream = 2 * number - 1;
	size_t first = number % 4 == 2 ? n / 2 : n, at;

	if (number % 4 < 2)
		return put(to, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, stream, block, n,
			   number % 4 ? 100 : 0);
	at = put(to, RM_HTTP2_HEADERS, RM_HTTP2_END_STREAM, stream, block, first, 0);
	return at + put(to + at, RM_HTTP2_CONTINUATION, RM_HTTP2_END_HEADERS, stream, block + first, n - first, 0);
}

int main(int argc, char **argv)
{
	static struct editor e = { .sink.on = &calls };
	static uint8_t block[BLOCK_MAX_BYTES], frames[ROOM_BYTES];
	static _Alignas(16) char state[4096];
	FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;
	uint32_t number = 0;
	char *line = NULL;
	size_t cap = 0, n;
	unsigned byte;

	if (!in || rm_proto_http2.state_bytes > sizeof(state))
		fail("no story");
	rm_proto_http2.open(state, RM_ROLE_CLIENT);
	memcpy(frames, rm_http2_preface, RM_HTTP2_PREFACE);
	n = RM_HTTP2_PREFACE;
	n += put(frames + n, RM_HTTP2_SETTINGS, 0, 0, NULL, 0, 0);
	n += put(frames + n, RM_HTTP2_SETTINGS, RM_HTTP2_ACK, 0, NULL, 0, 0);
	feed(&e, state, frames, n);
	while (getline(&line, &cap, in) > 0) {
		if (strncmp(line, "block ", 6) != 0)
			continue;
		n = 0;
		for (const char *hex = line + 6; sscanf(hex, "%2x", &byte) == 1; hex += 2)
			block[n++] = (uint8_t)byte;
		number++;
		feed(&e, state, frames, in_frames(frames, number, block, n));
	}
	free(line);
	fclose(in);
	return ferror(stdout) || e.requests != number;
}
