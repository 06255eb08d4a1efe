/*
 * See gateway.h.
 *
 * Request:  START --> PREFIX --> BLOCK --> BODY --> OVER     more bytes than CONTENT_LENGTH says: left alone
 * Answer:   head (cgi.c) --> body until the connection ends
 *
 * Never: allocates, blocks, logs. Spec: SCGI (Neil Schemenauer, 2008); the uwsgi protocol (uWSGI documentation).
 */
#include "protocols/gateway.h"

#include <string.h>

enum phase { START, PREFIX, BLOCK, BODY, OVER, ENDED };

_Static_assert(sizeof(struct rm_gateway_state) <= RM_CONN_STATE_BYTES, "as any protocol");

struct feed {
	struct rm_gateway_state *g;
	const char *p;
	size_t n, at;
	struct rm_sink *sink;
	void *conn;
};

enum step { GO_ON, STOP, MUTE };

static void drop_block(struct rm_gateway_state *g, struct rm_sink *sink)
{
	if (g->stashed)
		sink->on->unstash(sink, RM_STASH_REQUEST_HEAD);
	g->stashed = 0;
}

/* ---- the request ---- */

static enum step prefix(struct feed *f)
{
	struct rm_gateway_state *g = f->g;
	int got;

	if (g->phase == START)
		g->x = f->sink->on->request(f->sink, f->conn);
	g->phase = PREFIX;
	g->prefix[g->got++] = (uint8_t)f->p[f->at++];
	got = g->kind->prefix(g->prefix, g->got, &g->block);
	if (got < 0 || (!got && g->got == RM_GATEWAY_PREFIX_BYTES))
		return MUTE;
	if (!got)
		return GO_ON;
	if (!g->block || g->block > RM_HEAD_MAX_BYTES)
		return MUTE;
	g->block_pos = g->pos + f->at;
	g->phase = BLOCK;
	return GO_ON;
}

static void body_or_over(struct feed *f)
{
	struct rm_gateway_state *g = f->g;

	g->phase = BODY;
	if (g->left || g->tail)
		return;
	g->phase = OVER;
	f->sink->on->request_end(f->sink, g->x, g->in);
}

/* The block is whole, and f->at is its end. */
static enum step tell(struct feed *f, const char *p)
{
	struct rm_gateway_state *g = f->g;
	struct rm_cgi_room *room = f->sink->on->scratch(f->sink, sizeof(*room));
	struct rm_cgi_request r;
	enum step s;

	if (!room || !rm_cgi_request(&r, (struct rm_cgi_vars){ p, g->block, 0, g->kind->form }, room))
		return MUTE;
	r.gateway.name = g->kind->name;
	if (r.traceparent.p)
		r.gateway.traceparent_at = (int64_t)(g->block_pos - g->pos) + (r.traceparent.p - p);
	g->left = r.content_bytes;
	g->tail = g->kind->tail_bytes;
	g->phase = BODY;
	s = f->sink->on->request_head(f->sink, g->x, &r.head, (uint32_t)f->at) ? GO_ON : STOP;
	body_or_over(f);
	return s;
}

static enum step block(struct feed *f)
{
	struct rm_gateway_state *g = f->g;
	size_t n = f->n - f->at < g->block - g->stashed ? f->n - f->at : g->block - g->stashed;
	const char *p = f->p + f->at;
	enum step s;
	char *to;

	f->at += n;
	if (n == g->block)
		return tell(f, p);
	to = f->sink->on->stash(f->sink, RM_STASH_REQUEST_HEAD, g->stashed + (uint32_t)n);
	if (!to)
		return MUTE;
	memcpy(to + g->stashed, p, n);
	g->stashed += (uint32_t)n;
	if (g->stashed < g->block)
		return GO_ON;
	s = tell(f, to);
	drop_block(g, f->sink);
	return s;
}

static enum step body(struct feed *f)
{
	struct rm_gateway_state *g = f->g;
	size_t n = f->n - f->at;

	if (g->tail) {
		if (f->p[f->at++] != ',')
			return MUTE;
		g->tail = 0;
	} else {
		n = n < g->left ? n : g->left;
		g->left -= n;
		g->in += n;
		f->at += n;
	}
	body_or_over(f);
	return GO_ON;
}

static enum step question(struct feed *f)
{
	switch (f->g->phase) {
	case START:
	case PREFIX:
		return prefix(f);
	case BLOCK:
		return block(f);
	case BODY:
		return body(f);
	case ENDED:
		f->at = f->n;
		return GO_ON;
	}
	return MUTE;
}

/* ---- the answer ---- */

static enum step answer(struct feed *f)
{
	struct rm_gateway_state *g = f->g;
	int64_t used;

	if (g->phase < BODY || g->phase > OVER)
		return MUTE;
	if (!g->answered)
		f->sink->on->response(f->sink, g->x);
	g->answered = true;
	if (g->answer.over) {
		g->out += f->n - f->at;
		f->at = f->n;
		return GO_ON;
	}
	used = rm_cgi_answer_feed(&g->answer, f->p + f->at, f->n - f->at, f->sink, g->x);
	if (used < 0)
		return MUTE;
	f->at += (size_t)used;
	return GO_ON;
}

/* ---- the connection ---- */

static int mute(struct rm_gateway_state *g)
{
	/* What the sink knows of it is told by end(). */
	g->kind = NULL;
	return RM_FEED_MUTE;
}

int64_t rm_gateway_feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct rm_gateway_state *g = state;
	struct feed f = { g, (const char *)p, n, 0, sink, conn };

	while (g->kind && f.at < n) {
		enum step s = dir == RM_DIR_REQUEST ? question(&f) : answer(&f);

		if (s == MUTE)
			return mute(g);
		if (s == STOP)
			break;
	}
	if (!g->kind)
		return RM_FEED_MUTE;
	if (dir == RM_DIR_REQUEST)
		g->pos += f.at;
	return (int64_t)f.at;
}

int rm_gateway_skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct rm_gateway_state *g = state;

	if (!g->kind)
		return RM_FEED_MUTE;
	if (!n)
		return 0;
	if (dir == RM_DIR_RESPONSE) {
		if (!g->answer.over || g->phase > OVER)
			return mute(g);
		g->out += n;
		return 0;
	}
	if (g->phase != BODY || g->tail || n > g->left)
		return mute(g);
	g->left -= n;
	g->in += n;
	g->pos += n;
	body_or_over(&(struct feed){ .g = g, .sink = sink, .conn = conn });
	return 0;
}

void rm_gateway_end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct rm_gateway_state *g = state;
	enum phase was = (enum phase)g->phase;

	if ((!reset && dir == RM_DIR_REQUEST) || was == ENDED)
		return;
	g->phase = ENDED;
	drop_block(g, sink);
	rm_cgi_answer_drop(&g->answer, sink);
	if (was == START)
		return;
	if (was < BODY)
		sink->on->broken(sink, g->x, RM_STR(""));
	else if (reset || !g->answer.over)
		sink->on->broken(sink, g->x, rm_end_error(reset));
	else
		sink->on->response_end(sink, g->x, g->out);
}

bool rm_gateway_at_head(const void *state)
{
	return false; /* nothing grows */
}

uint64_t rm_gateway_unread(const void *state)
{
	const struct rm_gateway_state *g = state;

	return g->phase == BODY && !g->tail ? g->left : 0;
}
