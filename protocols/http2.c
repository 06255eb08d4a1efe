/*
 * HTTP/2 over one connection: which frames make requests, which responses, and of which stream. Header
 * blocks are read in place when one buffer holds them whole and in the sink's stash otherwise; all
 * other payload is stepped over.
 *
 * The states of each direction are in http2_way.h.
 *
 * A stream is under way from its first HEADERS to the end of its response, or to what breaks it. Header blocks
 * of others (pushed responses, trailers of requests, late answers) are read, too, as they change the tables.
 * Frames that have no right to be there, such as a first one that is not SETTINGS, mute: it is not HTTP/2.
 *
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: RFC 9113; RFC 7540 section 3.2 (Upgrade).
 */
#include <string.h>

#include "protocols/http2_frame.h"
#include "protocols/http2_head.h"
#include "protocols/http2_streams.h"
#include "protocols/http2_way.h"

struct http2 {
	struct rm_http2_streams streams; /* first: for rm_http2_stream_under_way */
	struct rm_http2_way way[2];      /* by enum rm_dir */
	uint32_t last;                   /* the highest stream that the client opened */
};

/* One call of feed(). */
struct feed {
	struct http2 *h;
	struct rm_http2_way *way;
	enum rm_dir dir;
	const uint8_t *p;
	size_t n, at;
	int64_t frame_at; /* where the frame begins; negative when that was in an earlier feed */
	struct rm_sink *sink;
	void *conn;
};

enum step { GO_ON, STOP, MUTE };

static struct rm_http2_stream *find(const struct feed *f, uint32_t id)
{
	return rm_http2_stream_find(&f->h->streams, f->sink, id);
}

/* ---- the end of streams ---- */

/* A request whose head nobody saw whole never was one. */
static void break_stream(struct http2 *h, struct rm_sink *sink, const struct rm_http2_stream *s, struct rm_str error)
{
	rm_xid x = s->x;
	bool asked = s->asked;

	rm_http2_stream_remove(&h->streams, sink, s->id);
	sink->on->broken(sink, x, asked ? error : RM_STR(""));
}

static void response_over(struct feed *f, const struct rm_http2_stream *s)
{
	struct rm_http2_stream was = *s;

	if (!was.answered) {
		break_stream(f->h, f->sink, s, RM_STR("protocol_error"));
		return;
	}
	rm_http2_stream_remove(&f->h->streams, f->sink, was.id);
	f->sink->on->response_end(f->sink, was.x, was.body_bytes[RM_DIR_RESPONSE]);
}

static void break_all_above(struct http2 *h, struct rm_sink *sink, uint32_t id, struct rm_str error)
{
	struct rm_http2_stream *s;

	while ((s = rm_http2_stream_last(&h->streams, sink)) != NULL && s->id > id)
		break_stream(h, sink, s, error);
}

/* END_STREAM was seen. */
static void message_over(struct feed *f, struct rm_http2_stream *s)
{
	if (f->dir == RM_DIR_RESPONSE) {
		response_over(f, s);
	} else if (!s->asked_whole) {
		s->asked_whole = true;
		f->sink->on->request_end(f->sink, s->x, s->body_bytes[RM_DIR_REQUEST]);
	}
}

static void unstash(struct rm_http2_way *w, enum rm_dir dir, struct rm_sink *sink)
{
	if (w->stashed)
		sink->on->unstash(sink, (enum rm_stash)dir);
	w->stashed = 0;
}

/* The connection is left alone for good: all that may still come is end(). */
static int mute(struct http2 *h)
{
	h->way[RM_DIR_REQUEST].state = h->way[RM_DIR_RESPONSE].state = RM_WAY_MUTED;
	return RM_FEED_MUTE;
}

/* ---- header blocks ---- */

/* Tells where the head lies, for whoever wants to add to it. */
static inline __attribute__((always_inline)) void describe(const struct feed *f, struct rm_http2_head *m,
							   struct rm_block *room)
{
	const struct rm_http2_way *reader = &f->h->way[!f->dir];

	rm_way_block(f->way, m, f->frame_at, f->at, reader->list_max_bytes, room);
	m->head.block = room;
}

static enum step request_head(struct feed *f, struct rm_http2_head *m, struct rm_http2_stream *s)
{
	struct rm_block block;
	rm_xid x = s->x;
	bool go_on;

	if (!rm_http2_is_request(m)) {
		break_stream(f->h, f->sink, s, RM_STR(""));
		return GO_ON;
	}
	s->asked = true;
	s->asked_whole = f->way->block_flags & RM_HTTP2_END_STREAM;
	s->connects = rm_str_eq(m->head.method, RM_STR("CONNECT"));
	describe(f, m, &block);
	go_on = f->sink->on->request_head(f->sink, x, &m->head, (uint32_t)f->at);
	if (f->way->block_flags & RM_HTTP2_END_STREAM)
		f->sink->on->request_end(f->sink, x, 0);
	else
		s->read = f->sink->on->reads_request && f->sink->on->reads_request(f->sink, x);
	return go_on ? GO_ON : STOP;
}

static void response_head(struct feed *f, struct rm_http2_head *m, struct rm_http2_stream *s)
{
	bool over = f->way->block_flags & RM_HTTP2_END_STREAM;
	struct rm_block block;
	rm_xid x = s->x;

	if (s->answered) {
		m->head.status = 0;
		f->sink->on->response_trailers(f->sink, x, &m->head);
	} else if (m->head.status >= 200) {
		s->answered = true;
		s->promised_bytes = rm_http2_content_length(&m->head);
		over = over || (s->connects && m->head.status < 300);
		/* Before its settings nobody knows what the client takes. */
		if (f->sink->on->adds_to_responses && !s->connects && f->h->way[RM_DIR_REQUEST].settled)
			describe(f, m, &block);
		s->shown = f->sink->on->response_head(f->sink, x, &m->head);
	}
	if (over)
		response_over(f, find(f, f->way->block_stream));
}

/* The whole block is here. */
static enum step read_block(struct feed *f, const char *p, size_t n)
{
	struct rm_http2_way *w = f->way;
	struct rm_http2_room *room = f->sink->on->scratch(f->sink, sizeof(*room));
	struct rm_hpack_block block;
	struct rm_http2_stream *s;
	struct rm_http2_head m;

	if (!room)
		return MUTE;
	rm_hpack_begin(&block, &w->table, f->sink, RM_STASH_REQUEST_TABLE + f->dir, p, n, room->text);
	if (rm_http2_head_read(&m, &block, room) < 0)
		return MUTE;
	m.head.raw = (struct rm_str){ p, n };
	s = w->block_type == RM_HTTP2_HEADERS ? find(f, w->block_stream) : NULL;
	if (!s)
		return GO_ON;
	if (f->dir == RM_DIR_REQUEST && !s->asked)
		return request_head(f, &m, s);
	if (f->dir == RM_DIR_RESPONSE && s->asked)
		response_head(f, &m, s);
	else if (w->block_flags & RM_HTTP2_END_STREAM)
		message_over(f, s);
	return GO_ON;
}

static enum step block_over(struct feed *f, const char *p, size_t n)
{
	enum step s = read_block(f, p, n);

	unstash(f->way, f->dir, f->sink);
	f->way->block_stream = 0;
	f->way->fragment_from = 0;
	return s;
}

static enum step fragment(struct feed *f)
{
	struct rm_http2_way *w = f->way;
	size_t want = w->left - w->pad, have = f->n - f->at, take = want < have ? want : have;
	const char *block = (const char *)f->p + f->at;
	bool over = take == want && w->flags & RM_HTTP2_END_HEADERS;
	size_t n = w->stashed + take;

	f->at += take;
	w->left -= (uint32_t)take;
	if (take == want)
		w->state = RM_WAY_REST;
	if ((w->stashed || !over) && take) {
		char *to = n <= RM_HEAD_MAX_BYTES ? f->sink->on->stash(f->sink, (enum rm_stash)f->dir, (uint32_t)n) : NULL;

		if (!to)
			return MUTE;
		memcpy(to + w->stashed, block, take);
		w->stashed = (uint32_t)n;
		block = to;
	} else if (w->stashed) {
		block = f->sink->on->stash(f->sink, (enum rm_stash)f->dir, w->stashed);
		if (!block)
			return MUTE;
	}
	return over ? block_over(f, block, n) : GO_ON;
}

/* ---- frames ---- */

/* The first HEADERS of a stream: a request begins. */
static void open_stream(struct feed *f, uint32_t id)
{
	rm_xid x = f->sink->on->request(f->sink, f->conn);
	struct rm_http2_stream *s = rm_http2_stream_add(&f->h->streams, f->sink, id);

	f->h->last = id;
	if (s)
		s->x = x;
	else
		f->sink->on->broken(f->sink, x, RM_STR(""));
}

static enum step begin_block(struct feed *f)
{
	struct rm_http2_way *w = f->way;
	struct rm_http2_stream *s;

	if (f->dir == RM_DIR_REQUEST && (w->type == RM_HTTP2_PUSH_PROMISE || w->stream % 2 == 0))
		return MUTE;
	w->block_stream = w->stream;
	w->block_type = w->type;
	w->block_flags = w->flags;
	w->fragment_from = 0;
	if (w->type == RM_HTTP2_PUSH_PROMISE)
		return GO_ON;
	if (f->dir == RM_DIR_REQUEST) {
		if (w->stream > f->h->last)
			open_stream(f, w->stream);
		return GO_ON;
	}
	s = find(f, w->stream);
	if (s && s->asked && !s->answered)
		f->sink->on->response(f->sink, s->x);
	return GO_ON;
}

/* Is it content of a request that the sink looks at? */
static bool is_shown(const struct feed *f, const struct rm_http2_frame *frame)
{
	const struct rm_http2_stream *s = f->dir == RM_DIR_REQUEST && frame->type == RM_HTTP2_DATA ? find(f, frame->stream) : NULL;

	return s && s->read;
}

/* A frame's head is here. */
static enum step begin_frame(struct feed *f)
{
	struct rm_http2_way *w = f->way;
	struct rm_http2_frame frame = rm_http2_frame_read(w->small);
	int prefix = rm_http2_frame_prefix(&frame);

	if (prefix < 0 || (!w->settled && (frame.type != RM_HTTP2_SETTINGS || frame.flags & RM_HTTP2_ACK)))
		return MUTE;
	/* Nothing may come between the frames of a header block (RFC 9113 section 6.10). */
	if (w->block_stream ? frame.type != RM_HTTP2_CONTINUATION || frame.stream != w->block_stream
			    : frame.type == RM_HTTP2_CONTINUATION)
		return MUTE;
	w->settled = true;
	w->left = frame.bytes;
	w->type = frame.type;
	w->flags = frame.flags;
	w->stream = frame.stream;
	w->have = w->pad = 0;
	w->need = (uint8_t)prefix;
	w->fragment_from = w->stashed;
	w->shown = is_shown(f, &frame);
	if ((frame.type == RM_HTTP2_HEADERS || frame.type == RM_HTTP2_PUSH_PROMISE) && begin_block(f) == MUTE)
		return MUTE;
	w->state = prefix ? RM_WAY_PREFIX : rm_way_payload(frame.type);
	return GO_ON;
}

static void reset(struct feed *f)
{
	struct rm_http2_stream *s = find(f, f->way->stream);

	if (s && s->answered && s->promised_bytes != UINT32_MAX && s->body_bytes[RM_DIR_RESPONSE] == s->promised_bytes)
		response_over(f, s);
	else if (s)
		break_stream(f->h, f->sink, s, rm_http2_error(rm_be32(f->way->small)));
}

/* What stands before the payload is here; of some frames it is all that is read. */
static enum step prefix_over(struct feed *f)
{
	struct rm_http2_way *w = f->way;

	w->left -= w->need;
	w->state = rm_way_payload(w->type);
	switch (w->type) {
	case RM_HTTP2_DATA:
	case RM_HTTP2_HEADERS:
	case RM_HTTP2_PUSH_PROMISE:
		w->pad = w->flags & RM_HTTP2_PADDED ? w->small[0] : 0;
		return w->pad <= w->left ? GO_ON : MUTE;
	case RM_HTTP2_SETTINGS:
		if (rm_be16(w->small) == RM_HTTP2_MAX_HEADER_LIST_SIZE)
			w->list_max_bytes = rm_be32(w->small + 2);
		w->have = 0;
		w->state = w->left ? RM_WAY_PREFIX : RM_WAY_REST;
		break;
	case RM_HTTP2_RST_STREAM:
		reset(f);
		break;
	case RM_HTTP2_GOAWAY:
		/* Of a client it speaks of streams that the server opened. */
		if (f->dir == RM_DIR_RESPONSE)
			break_all_above(f->h, f->sink, rm_be32(w->small) & INT32_MAX, RM_STR("goaway"));
		break;
	}
	return GO_ON;
}

/* `n` bytes of a body, at `p` if they were seen; the last one may end the message. */
static void content(struct feed *f, const uint8_t *p, uint32_t n)
{
	struct rm_http2_way *w = f->way;
	struct rm_http2_stream *s = find(f, w->stream);

	w->left -= n;
	if (s && n)
		rm_http2_stream_content(s, f->sink, f->dir, p, n);
	if (w->left > w->pad)
		return;
	w->state = RM_WAY_REST;
	if (s && w->flags & RM_HTTP2_END_STREAM)
		message_over(f, s);
}

/* Gathers bytes for `small`. True when all are here. */
static bool gather(struct feed *f, uint8_t need)
{
	struct rm_http2_way *w = f->way;
	size_t want = (size_t)(need - w->have), have = f->n - f->at, take = want < have ? want : have;

	memcpy(w->small + w->have, f->p + f->at, take);
	f->at += take;
	w->have += (uint8_t)take;
	return w->have == need;
}

static uint32_t up_to(const struct feed *f, uint32_t n)
{
	size_t have = f->n - f->at;

	return have < n ? (uint32_t)have : n;
}

static enum step preface_byte(struct feed *f)
{
	struct rm_http2_way *w = f->way;

	if (f->p[f->at++] != (uint8_t)rm_http2_preface[w->have++])
		return MUTE;
	if (w->have == RM_HTTP2_PREFACE)
		rm_way_next_frame(w);
	return GO_ON;
}

static enum step step(struct feed *f)
{
	struct rm_http2_way *w = f->way;
	uint32_t n;

	switch (w->state) {
	case RM_WAY_PREFACE:
		return preface_byte(f);
	case RM_WAY_FRAME:
		if (!w->have)
			f->frame_at = (int64_t)f->at;
		return gather(f, RM_HTTP2_FRAME_HEAD) ? begin_frame(f) : GO_ON;
	case RM_WAY_PREFIX:
		return gather(f, w->need) ? prefix_over(f) : GO_ON;
	case RM_WAY_FRAGMENT:
		return fragment(f);
	case RM_WAY_CONTENT:
		n = up_to(f, w->left - w->pad);
		f->at += n;
		content(f, n ? f->p + f->at - n : NULL, n);
		return GO_ON;
	case RM_WAY_REST:
		n = up_to(f, w->left);
		f->at += n;
		w->left -= n;
		if (!w->left)
			rm_way_next_frame(w);
		return GO_ON;
	}
	return MUTE;
}

/* Does what can be done. */
static enum step run(struct feed *f)
{
	enum step s = f->way->state == RM_WAY_MUTED ? MUTE : GO_ON;

	while (s == GO_ON && (f->at < f->n || rm_way_is_over(f->way)))
		s = step(f);
	return s;
}

static struct feed start(struct http2 *h, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink,
			 void *conn)
{
	return (struct feed){ h, &h->way[dir], dir, p, n, 0, -(int64_t)h->way[dir].before, sink, conn };
}

static int64_t http2_feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink,
			  void *conn)
{
	struct http2 *h = state;
	struct feed f = start(h, dir, p, n, sink, conn);

	if (run(&f) == MUTE)
		return mute(h);
	h->way[dir].before = (uint32_t)((int64_t)f.at - f.frame_at);
	return (int64_t)f.at;
}

static int http2_skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct http2 *h = state;
	struct rm_http2_way *w = &h->way[dir];
	struct feed f = start(h, dir, NULL, 0, sink, conn);

	if (w->state == RM_WAY_MUTED)
		return RM_FEED_MUTE;
	if (n == 0)
		return 0;
	if (w->state != RM_WAY_CONTENT || n > w->left - w->pad)
		return mute(h);
	content(&f, NULL, (uint32_t)n);
	w->before += (uint32_t)n;
	run(&f);
	return 0;
}

/* A client may close its side and wait for the answers: that alone breaks nothing that was asked whole. */
static void http2_end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct http2 *h = state;
	struct rm_http2_stream *s = rm_http2_stream_last(&h->streams, sink);

	unstash(&h->way[RM_DIR_REQUEST], RM_DIR_REQUEST, sink);
	if (!reset && dir == RM_DIR_REQUEST) {
		if (s && !s->asked)
			break_stream(h, sink, s, RM_STR(""));
		h->way[RM_DIR_REQUEST].state = RM_WAY_MUTED;
		return;
	}
	unstash(&h->way[RM_DIR_RESPONSE], RM_DIR_RESPONSE, sink);
	mute(h);
	break_all_above(h, sink, 0, rm_end_error(reset));
}

/* Asked without a lock, too, for a hint: the thread sanitizer need not look. */
__attribute__((no_sanitize("thread"))) static bool http2_at_head(const void *state)
{
	return ((const struct http2 *)state)->way[RM_DIR_REQUEST].state != RM_WAY_MUTED;
}

static uint64_t http2_unread(const void *state)
{
	return rm_way_unread(&((const struct http2 *)state)->way[RM_DIR_REQUEST]);
}

static uint64_t http2_unread_response(const void *state)
{
	return rm_way_unread(&((const struct http2 *)state)->way[RM_DIR_RESPONSE]);
}

static void http2_open(void *state, enum rm_role role)
{
	struct http2 *h = state;

	for (int dir = 0; dir < 2; dir++) {
		rm_hpack_table_init(&h->way[dir].table);
		h->way[dir].list_max_bytes = UINT32_MAX;
	}
	h->way[RM_DIR_RESPONSE].state = RM_WAY_FRAME;
}

/* The first request of all came as one of HTTP/1; its answer has the first stream. */
static bool http2_adopt(void *state, struct rm_sink *sink, rm_xid x)
{
	struct http2 *h = state;
	struct rm_http2_stream *s = rm_http2_stream_add(&h->streams, sink, 1);

	if (!s)
		return false;
	s->x = x;
	s->asked = s->asked_whole = true;
	h->last = 1;
	h->way[RM_DIR_RESPONSE].settled = true; /* by the 101; Go sends other frames before its settings */
	return true;
}

const struct rm_proto rm_proto_http2 = {
	.name = "http2",
	.alpn = "h2",
	.help = "HTTP/2",
	.multiplexes = true,
	.state_bytes = sizeof(struct http2),
	.sniff = rm_http2_sniff,
	.open = http2_open,
	.adopt = http2_adopt,
	.greets = rm_http2_greets,
	.feed = http2_feed,
	.skip = http2_skip,
	.end = http2_end,
	.at_head = http2_at_head,
	.unread = http2_unread,
	.unread_response = http2_unread_response,
	.under_way = rm_http2_stream_under_way,
};
