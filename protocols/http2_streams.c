/* See http2_streams.h. Context: hook, connection locked. */
#include "protocols/http2_streams.h"

enum { FIRST_CAP = 16 };

static struct rm_http2_stream *all(const struct rm_http2_streams *s, struct rm_sink *sink)
{
	uint32_t bytes = s->cap * (uint32_t)sizeof(struct rm_http2_stream);

	return s->count ? (struct rm_http2_stream *)(void *)sink->on->stash(sink, RM_STASH_STREAMS, bytes) : NULL;
}

/* Where a stream stands among `n`, or `n`. */
static uint32_t place_of(const struct rm_http2_stream *list, uint32_t n, uint32_t id)
{
	uint32_t from = 0, to = n;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (list[middle].id == id)
			return middle;
		if (list[middle].id < id)
			from = middle + 1;
		else
			to = middle;
	}
	return n;
}

struct rm_http2_stream *rm_http2_stream_find(const struct rm_http2_streams *s, struct rm_sink *sink, uint32_t id)
{
	struct rm_http2_stream *list = all(s, sink);
	uint32_t i = list ? place_of(list, s->count, id) : s->count;

	return i < s->count ? &list[i] : NULL;
}

rm_xid rm_http2_stream_under_way(const void *streams, uint32_t id, struct rm_sink *sink)
{
	const struct rm_http2_stream *s = rm_http2_stream_find(streams, sink, id);

	return s ? s->x : 0;
}

struct rm_http2_stream *rm_http2_stream_add(struct rm_http2_streams *s, struct rm_sink *sink, uint32_t id)
{
	uint32_t cap = !s->cap ? FIRST_CAP : s->count == s->cap ? 2 * s->cap : s->cap;
	struct rm_http2_stream *list;

	list = (void *)sink->on->stash(sink, RM_STASH_STREAMS, cap * (uint32_t)sizeof(*list));
	if (!list)
		return NULL;
	s->cap = cap;
	list[s->count] = (struct rm_http2_stream){ .id = id };
	return &list[s->count++];
}

void rm_http2_stream_content(struct rm_http2_stream *stream, struct rm_sink *sink, enum rm_dir dir, const uint8_t *p,
			     uint32_t n)
{
	stream->body_bytes[dir] += n;
	if (dir == RM_DIR_RESPONSE && stream->shown)
		sink->on->response_content(sink, stream->x, (const char *)p, n);
	if (dir == RM_DIR_REQUEST && stream->read)
		stream->read = sink->on->request_content(sink, stream->x, (const char *)p, n);
}

void rm_http2_stream_remove(struct rm_http2_streams *s, struct rm_sink *sink, uint32_t id)
{
	struct rm_http2_stream *list = all(s, sink);
	uint32_t i = list ? place_of(list, s->count, id) : s->count;

	if (i == s->count)
		return;
	s->count--;
	memmove(list + i, list + i + 1, (s->count - i) * sizeof(*list));
}

struct rm_http2_stream *rm_http2_stream_last(const struct rm_http2_streams *s, struct rm_sink *sink)
{
	struct rm_http2_stream *list = all(s, sink);

	return list ? &list[s->count - 1] : NULL;
}
