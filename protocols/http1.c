/*
 * HTTP/1.0 and 1.1 over one connection: which bytes are requests, which responses, and which
 * response answers which request. Heads are parsed in http1_head.c, in place when one buffer holds
 * them whole and in the sink's stash otherwise; bodies are skipped by http1_body.c.
 *
 * States of each direction:
 *
 *   START ----> [HEAD: unfinished, in the stash] ----> BLANK ----> BLANK_LF ----> BODY ----> START
 *     ^ START_LF (empty line before a request)           '-- the head has been reported
 *
 *   after a request:  START; TUNNEL after CONNECT, until its response tells; IGNORED after one that
 *                     closes: nothing behind it will be answered (RFC 9112 section 9.6)
 *   after a response: START; CLOSED after one that closes: more bytes are an error
 *   interim (1xx):    BLANK_LF -> START, the exchange stays the oldest
 *   101, CONNECT 2xx: the connection is another protocol's from here: mute, but hand over to HTTP/2
 *
 * Exchanges wait in `fifo`, the oldest is the one being answered, the newest the one being asked.
 * Bytes that two readers may read in two ways mute the connection, and so does a full fifo.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: RFC 9112, RFC 9110 section 15.
 */
#include <string.h>

#include "protocols/http1_body.h"
#include "protocols/http1_fifo.h"
#include "protocols/http1_known.h"

enum { FEW_FIELDS = 16 };

/* In this order: up to HEAD a head may yet come to nothing, up to BODY a message is under way. */
enum state {
	START,
	START_LF,
	HEAD,
	BLANK,
	BLANK_LF,
	BODY,
	IGNORED,
	TUNNEL,
	TUNNEL_USED,
	CLOSED,
	MUTED,
};

/* Beside those of http1_body.h. */
enum {
	LINE_OK = 8,     /* the start line of the stashed head has been checked */
	LINE_START = 16, /* the stash ends with a line's end */
	CONNECTS = 32,   /* this request may end HTTP on the connection */
	HTTP2 = 64,      /* this response switches to HTTP/2 */
	SHOWN = 128,     /* the sink looks at the content */
};

struct way {
	struct rm_http1_body body;
	uint32_t stashed; /* bytes of an unfinished head */
	uint8_t state, flags;
	uint8_t known; /* which one of the memo its last head was like; 0: none */
};

struct http1 {
	struct way way[2];  /* by enum rm_dir */
	struct rm_http1_fifo fifo;
	rm_xid asking;      /* the request on its way; 0 when none, or answered already */
};

_Static_assert(sizeof(struct http1) <= RM_CONN_NEAR_BYTES, "most connections are of this protocol");

/* One call of feed(). */
struct feed {
	struct http1 *h;
	struct way *way;
	enum rm_dir dir;
	const char *p;
	size_t n, at;
	struct rm_sink *sink;
	void *conn;
	struct rm_http1_head *m;
};

enum step { GO_ON, STOP, MUTE };

/* Its name dies with the last one: what is left of the request goes on without one. */
static rm_xid pop(struct http1 *h, struct rm_sink *sink)
{
	rm_xid x = rm_http1_fifo_pop(&h->fifo, sink);

	if (!h->fifo.count)
		h->asking = 0;
	return x;
}

static void unstash(struct way *w, enum rm_dir dir, struct rm_sink *sink)
{
	if (w->stashed)
		sink->on->unstash(sink, (enum rm_stash)dir);
	w->stashed = 0;
}

/*
 * A request whose head nobody saw whole never was one, unless it is being answered already. (When
 * `asking` is 0 there is nothing to tell anybody.)
 */
static void take_back(struct http1 *h, struct rm_sink *sink)
{
	uint8_t response = h->way[RM_DIR_RESPONSE].state;
	bool answered = h->fifo.count == 1 && response >= HEAD && response <= BODY;

	if (!h->asking || h->way[RM_DIR_REQUEST].state > HEAD || answered)
		return;
	rm_http1_fifo_drop(&h->fifo, sink);
	sink->on->broken(sink, h->asking, RM_STR(""));
	h->asking = 0;
}

/* The connection is left alone for good: all that may still come is end(). */
static int mute(struct http1 *h, struct rm_sink *sink)
{
	take_back(h, sink);
	h->way[RM_DIR_REQUEST].state = h->way[RM_DIR_RESPONSE].state = MUTED;
	return RM_FEED_MUTE;
}

static void request_over(struct http1 *h, struct rm_sink *sink)
{
	struct way *w = &h->way[RM_DIR_REQUEST];

	sink->on->request_end(sink, h->asking, w->body.bytes);
	h->asking = 0;
	if (w->flags & CONNECTS)
		w->state = TUNNEL;
	else
		w->state = w->flags & RM_HTTP1_CLOSES ? IGNORED : START;
}

static enum step response_over(struct http1 *h, struct rm_sink *sink)
{
	struct way *w = &h->way[RM_DIR_RESPONSE];

	if (w->flags & HTTP2) {
		/* The request must be over, and be the only one. */
		if (h->fifo.count != 1 || h->way[RM_DIR_REQUEST].state != START)
			return MUTE;
		w->state = h->way[RM_DIR_REQUEST].state = MUTED;
		sink->on->hand_over(sink, pop(h, sink), "http2");
		return STOP;
	}

	sink->on->response_end(sink, pop(h, sink), w->body.bytes);
	w->state = w->flags & RM_HTTP1_CLOSES ? CLOSED : START;
	return w->flags & RM_HTTP1_SWITCHES ? MUTE : GO_ON;
}

static enum step message_over(struct http1 *h, enum rm_dir dir, struct rm_sink *sink)
{
	if (dir == RM_DIR_RESPONSE)
		return response_over(h, sink);
	request_over(h, sink);
	return GO_ON;
}

static bool frame(struct way *w, int flags)
{
	w->flags = flags < 0 ? 0 : (uint8_t)flags;
	return flags >= 0;
}

/* True when no other request is under way, and none begins behind this one, whose framing is known, in what is fed. */
static bool is_alone(const struct feed *f)
{
	const struct rm_http1_body *body = &f->way->body;
	size_t left = f->n - f->at, blank = left && f->p[f->at] == '\r' ? 2 : 1;

	if (f->h->fifo.count != 1 || left < blank)
		return false;
	return body->state == RM_BODY_LENGTH ? left - blank <= body->left : body->state == RM_BODY_DONE && left == blank;
}

static enum step request_head(struct feed *f)
{
	struct rm_http1_head *m = f->m;
	struct http1 *h = f->h;
	bool connect = rm_str_eq(m->head.method, RM_STR("CONNECT")), go_on;

	if (!frame(f->way, rm_http1_frame_request(&f->way->body, m)))
		return MUTE;
	if (connect) {
		/* Content means nothing here, nor does a tunnel answered before it was asked. */
		if (f->way->body.state != RM_BODY_DONE || !h->fifo.count)
			return MUTE;
		f->way->flags |= CONNECTS;
	}
	rm_http1_fifo_mark(&h->fifo, rm_str_eq(m->head.method, RM_STR("HEAD")), connect);
	f->way->state = BLANK;
	m->head.alone = is_alone(f);
	go_on = f->sink->on->request_head(f->sink, h->asking, &m->head, (uint32_t)f->at);
	if (f->way->body.state != RM_BODY_DONE && f->sink->on->reads_request && f->sink->on->reads_request(f->sink, h->asking))
		f->way->flags |= SHOWN;
	return go_on ? GO_ON : STOP;
}

static enum step response_head(struct feed *f)
{
	const struct rm_http1_head *m = f->m;
	struct http1 *h = f->h;
	struct way *request = &h->way[RM_DIR_REQUEST];
	bool connect = rm_http1_fifo_bit(&h->fifo, h->fifo.is_connect);

	if (!frame(f->way, rm_http1_frame_response(&f->way->body, m, rm_http1_fifo_bit(&h->fifo, h->fifo.is_head), connect)))
		return MUTE;
	f->way->state = BLANK;
	if (m->head.status == 101 && rm_http1_upgrades_to(m, RM_STR("h2c")))
		f->way->flags |= HTTP2;
	if (f->way->flags & (RM_HTTP1_INTERIM | HTTP2))
		return GO_ON;
	/* No tunnel: requests go on, unless bytes for the tunnel were sent in advance. */
	if (connect && !(f->way->flags & RM_HTTP1_SWITCHES))
		request->state = request->state == TUNNEL ? START : CLOSED;
	if (f->sink->on->response_head(f->sink, rm_http1_fifo_front(&h->fifo), &m->head))
		f->way->flags |= SHOWN;
	return GO_ON;
}

/* The head in f->m is whole, and f->at stands at its empty line. */
static enum step head_over(struct feed *f, uint32_t fed_from, size_t fed_at)
{
	f->m->head.fed_from = fed_from;
	f->m->head.fed_at = (uint32_t)fed_at;
	return f->dir == RM_DIR_REQUEST ? request_head(f) : response_head(f);
}

/* Adds `n` bytes at f->at to the stash and returns it; NULL without memory or past the limit. */
static const char *stash(struct feed *f, size_t n)
{
	struct way *w = f->way;
	const char *from = f->p + f->at;
	char *to;

	if (n > RM_HEAD_MAX_BYTES - w->stashed)
		return NULL;
	to = f->sink->on->stash(f->sink, (enum rm_stash)f->dir, w->stashed + (uint32_t)n);
	if (!to)
		return NULL;
	if (n) {
		memcpy(to + w->stashed, from, n);
		w->flags &= (uint8_t)~LINE_START;
		w->flags |= from[n - 1] == '\n' ? LINE_START : 0;
	}
	w->stashed += (uint32_t)n;
	f->at += n;
	return to;
}

/* The first byte of a message is here: names its exchange. */
static enum step announce(struct feed *f)
{
	struct http1 *h = f->h;
	rm_xid *place;

	if (f->dir == RM_DIR_RESPONSE) {
		if (!h->fifo.count || f->p[f->at] != 'H')
			return MUTE;
		f->sink->on->response(f->sink, rm_http1_fifo_front(&h->fifo));
		return GO_ON;
	}
	place = rm_http1_is_token(f->p[f->at]) ? rm_http1_fifo_room(&h->fifo, f->sink) : NULL;
	if (!place)
		return MUTE;
	*place = h->asking = f->sink->on->request(f->sink, f->conn);
	rm_http1_fifo_push(&h->fifo);
	return GO_ON;
}

/* Fetches room for the longest list of fields: 4 KB, too much for a small stack. False: no memory. */
static bool more_room(struct feed *f)
{
	struct rm_field *room;

	if (f->m->room_fields == RM_FIELDS_MAX)
		return false;
	room = f->sink->on->scratch(f->sink, RM_FIELDS_MAX * sizeof(*room));
	if (!room)
		return false;
	f->m->room = room;
	f->m->room_fields = RM_FIELDS_MAX;
	return true;
}

/* `sealed`: it lies in the stash. Else its fields may be known. */
static enum rm_http1_parsed parse_head(struct feed *f, const char *p, size_t n, bool sealed)
{
	struct rm_http1_memo *memo = !sealed && f->sink->on->memo ? f->sink->on->memo(f->sink) : NULL;
	enum rm_http1_parsed r = memo ? rm_http1_known_parse(f->m, f->dir, p, n, memo, &f->way->known) :
					rm_http1_head_parse(f->m, f->dir, p, n, sealed);

	if (r == RM_HTTP1_DONE && f->m->head.fields_cut && more_room(f))
		return rm_http1_head_parse(f->m, f->dir, p, n, sealed);
	return r;
}

static enum step blank(struct feed *f)
{
	struct way *w = f->way;
	char c = f->p[f->at++];

	if (c == '\r' && w->state == BLANK) {
		w->state = BLANK_LF;
		if (f->at == f->n)
			return GO_ON;
		c = f->p[f->at++];
	}
	if (c != '\n')
		return MUTE;
	if (w->flags & RM_HTTP1_INTERIM) {
		w->state = START;
		return GO_ON;
	}
	w->state = BODY;
	return w->body.state == RM_BODY_DONE ? message_over(f->h, f->dir, f->sink) : GO_ON;
}

static enum step start(struct feed *f)
{
	size_t from = f->at;
	enum step s;

	if (f->dir == RM_DIR_REQUEST && (f->p[from] == '\r' || f->p[from] == '\n')) {
		f->way->state = f->p[f->at++] == '\r' ? START_LF : START;
		return GO_ON;
	}
	s = announce(f);
	if (s != GO_ON)
		return s;
	switch (parse_head(f, f->p + from, f->n - from, false)) {
	case RM_HTTP1_DONE:
		if (f->m->head.raw.n > RM_HEAD_MAX_BYTES)
			return MUTE;
		f->at += f->m->head.raw.n;
		s = head_over(f, 0, from);
		return s == GO_ON ? blank(f) : s; /* there is more: the head ends before it */
	case RM_HTTP1_MORE:
		f->way->flags = 0;
		f->way->state = HEAD;
		return stash(f, f->n - from) ? GO_ON : MUTE;
	default:
		return MUTE;
	}
}

/* Apart, so that its line is not on the stack of those who have a whole head. */
static __attribute__((noinline)) enum rm_http1_parsed check_line(enum rm_dir dir, const char *p, size_t n)
{
	struct rm_head line;
	size_t line_bytes;

	return rm_http1_line(&line, dir, p, n, &line_bytes);
}

/* More of a head that began in an earlier buffer. */
static enum step go_on_head(struct feed *f)
{
	struct way *w = f->way;
	uint32_t before = w->stashed;
	const char *bytes;
	enum step s;
	bool found;

	bytes = stash(f, rm_http1_to_blank(f->p + f->at, f->n - f->at, w->flags & LINE_START, &found));
	if (!bytes)
		return MUTE;
	if (found) {
		if (parse_head(f, bytes, w->stashed, true) != RM_HTTP1_DONE)
			return MUTE;
		s = head_over(f, before, 0);
		unstash(w, f->dir, f->sink);
		return s;
	}
	if (w->flags & LINE_OK)
		return GO_ON;
	/* What only began like HTTP/1 is recognised now, not after 64 KB. */
	switch (check_line(f->dir, bytes, w->stashed)) {
	case RM_HTTP1_DONE:
		w->flags |= LINE_OK;
		return GO_ON;
	case RM_HTTP1_MORE:
		return GO_ON;
	default:
		return MUTE;
	}
}

/* Content, `p` is NULL where nobody saw it. */
static void show(struct http1 *h, enum rm_dir dir, const char *p, uint64_t n, struct rm_sink *sink)
{
	struct way *w = &h->way[dir];

	if (!(w->flags & SHOWN))
		return;
	if (dir == RM_DIR_RESPONSE)
		sink->on->response_content(sink, rm_http1_fifo_front(&h->fifo), p, n);
	else if (!h->asking || !sink->on->request_content(sink, h->asking, p, n))
		w->flags &= (uint8_t)~SHOWN;
}

static enum step body(struct feed *f)
{
	uint64_t content = rm_http1_body_unread(&f->way->body);
	int64_t used = rm_http1_body_feed(&f->way->body, f->p + f->at, f->n - f->at);

	if (used < 0)
		return MUTE;
	if (content)
		show(f->h, f->dir, f->p + f->at, (uint64_t)used, f->sink);
	f->at += (size_t)used;
	return f->way->body.state == RM_BODY_DONE ? message_over(f->h, f->dir, f->sink) : GO_ON;
}

static enum step step(struct feed *f)
{
	switch (f->way->state) {
	case START:
		return start(f);
	case START_LF:
		f->way->state = START;
		return f->p[f->at++] == '\n' ? GO_ON : MUTE;
	case HEAD:
		return go_on_head(f);
	case BLANK:
	case BLANK_LF:
		return blank(f);
	case BODY:
		return body(f);
	case TUNNEL:
		f->way->state = TUNNEL_USED;
		/* fall through */
	case TUNNEL_USED:
	case IGNORED:
		f->at = f->n;
		return GO_ON;
	}
	return MUTE;
}

/* Apart: what is amid a body needs no room for a head. */
static __attribute__((noinline)) int64_t feed_all(struct http1 *h, enum rm_dir dir, const uint8_t *p, size_t n,
						  struct rm_sink *sink, void *conn)
{
	struct rm_field few[FEW_FIELDS]; /* as many as most heads have; see parse_head */
	struct rm_http1_head m;
	struct feed f = { h, &h->way[dir], dir, (const char *)p, n, 0, sink, conn, &m };

	m.room = few;
	m.room_fields = FEW_FIELDS;
	while (f.at < n) {
		enum step s = step(&f);

		if (s == MUTE)
			return mute(h, sink);
		if (s == STOP)
			break;
	}
	return h->way[dir].state == MUTED && f.at == 0 ? RM_FEED_MUTE : (int64_t)f.at;
}

static int64_t http1_feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct http1 *h = state;
	struct way *w = &h->way[dir];

	if (w->state == BODY && !(w->flags & SHOWN) && rm_http1_body_within(&w->body, n))
		return (int64_t)n;
	return feed_all(h, dir, p, n, sink, conn);
}

static int http1_skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct http1 *h = state;
	struct way *w = &h->way[dir];

	if (w->state == MUTED)
		return RM_FEED_MUTE;
	if (n == 0 || w->state == IGNORED || w->state == TUNNEL_USED)
		return 0;
	if (w->state == TUNNEL) {
		w->state = TUNNEL_USED;
		return 0;
	}
	if (w->state != BODY || !rm_http1_body_skip(&w->body, n))
		return mute(h, sink);
	show(h, dir, NULL, n, sink);
	if (w->body.state == RM_BODY_DONE)
		message_over(h, dir, sink); /* with a body, no response switches */
	return 0;
}

/*
 * The end of the request direction alone breaks nothing that was asked whole: a client may close
 * its side and wait for the answer.
 */
static void requests_ended(struct http1 *h, struct rm_sink *sink)
{
	struct way *w = &h->way[RM_DIR_REQUEST];

	take_back(h, sink);
	unstash(w, RM_DIR_REQUEST, sink);
	if (w->state != MUTED)
		w->state = IGNORED;
}

static void http1_end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct http1 *h = state;
	struct way *response = &h->way[RM_DIR_RESPONSE];

	if (!reset && dir == RM_DIR_RESPONSE && response->state == BODY &&
	    response->body.state == RM_BODY_UNTIL_CLOSE)
		response_over(h, sink);
	requests_ended(h, sink);
	if (!reset && dir == RM_DIR_REQUEST)
		return;
	unstash(response, RM_DIR_RESPONSE, sink);
	if (response->state != MUTED)
		response->state = CLOSED;
	while (h->fifo.count)
		sink->on->broken(sink, pop(h, sink), rm_end_error(reset));
}

/* Asked without a lock, too, for a hint: the thread sanitizer need not look. */
__attribute__((no_sanitize("thread"))) static bool http1_at_head(const void *state)
{
	return ((const struct http1 *)state)->way[RM_DIR_REQUEST].state <= BLANK_LF;
}

static uint64_t http1_unread(const void *state)
{
	const struct way *w = &((const struct http1 *)state)->way[RM_DIR_REQUEST];

	if (w->state == TUNNEL || w->state == TUNNEL_USED || w->state == IGNORED)
		return UINT64_MAX;
	return w->state == BODY && !(w->flags & SHOWN) ? rm_http1_body_unread(&w->body) : 0;
}

static rm_xid http1_under_way(const void *state, uint32_t stream, struct rm_sink *sink)
{
	const struct http1 *h = state;

	return h->fifo.count == 1 && stream == 0 ? rm_http1_fifo_front(&h->fifo) : 0;
}

static rm_xid http1_answers(const void *state)
{
	const struct http1 *h = state;
	bool begins = h->fifo.count && h->way[RM_DIR_RESPONSE].state == START;

	return begins && !rm_http1_fifo_bit(&h->fifo, h->fifo.is_connect) ? rm_http1_fifo_front(&h->fifo) : 0;
}

static void http1_open(void *state, enum rm_role role)
{
}

const struct rm_proto rm_proto_http1 = {
	.name = "http1",
	.alpn = "http/1.1",
	.help = "HTTP/1.0 and HTTP/1.1",
	.state_bytes = sizeof(struct http1),
	.sniff = rm_http1_sniff,
	.open = http1_open,
	.feed = http1_feed,
	.skip = http1_skip,
	.end = http1_end,
	.at_head = http1_at_head,
	.unread = http1_unread,
	.under_way = http1_under_way,
	.answers = http1_answers,
};
