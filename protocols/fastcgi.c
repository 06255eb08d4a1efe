/*
 * FastCGI: records of requests that are told apart by their ids. One exchange for each request to a responder
 * (or an authorizer or filter), from BEGIN_REQUEST to END_REQUEST.
 *
 * Records of a direction:  HEADER (8 bytes) --> CONTENT --> PADDING --> HEADER
 * A request:   BEGIN_REQUEST, PARAMS... and an empty one, STDIN... and an empty one
 * An answer:   STDOUT..., STDERR..., END_REQUEST; the head lies in STDOUT (cgi.c)
 *
 * When is a head whole? At the empty PARAMS. But php-fpm reads records one by one, and some web servers
 * (mod_proxy_fcgi) write them so: by then it is too late to replace the traceparent. So where one short record
 * begins the PARAMS and holds the method, the target and the traceparent, and ends with a variable, it is the head:
 * nobody who has more to say ends a record there. Variables behind it would be stepped over.
 *
 * Left alone: two heads of one direction that are interleaved; more than SLOTS requests under way; what breaks
 * the rules. Management records, STDERR and DATA are stepped over.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: FastCGI Specification 1.0, sections 3 to 6.
 */
#include <string.h>

#include "base/endian.h"
#include "protocols/cgi.h"
#include "protocols/input.h"

enum { HEADER_BYTES = 8, SLOTS = 8, SHORT_BYTES = 8192 };

enum type {
	BEGIN_REQUEST = 1,
	ABORT_REQUEST,
	END_REQUEST,
	PARAMS,
	STDIN,
	STDOUT,
	STDERR,
	DATA,
	GET_VALUES,
	GET_VALUES_RESULT,
	UNKNOWN_TYPE,
};

enum {
	TOLD = 1,        /* its head */
	PARAMS_OVER = 2,
	ASKED = 4,       /* the request is over */
	ANSWERED = 8,    /* a byte of the answer was seen */
	HEADED = 16,     /* its head, too */
	ABORTED = 32,
};

/* A request under way; id 0 is none. */
struct slot {
	uint16_t id;
	uint8_t flags;
	rm_xid x;
	uint64_t in, out; /* bytes of the bodies */
	uint64_t due;     /* of the request's, by what its head says: php-fpm reads no further */
};

struct way {
	uint8_t header[HEADER_BYTES]; /* of the record; then, of END_REQUEST, its content */
	uint8_t got;                  /* of the header */
	uint8_t pad;                  /* left of the padding */
	uint16_t left;                /* of the content */
};

struct fastcgi {
	struct way way[2];        /* by enum rm_dir */
	struct rm_cgi_answer answer; /* the head on its way, of ... */
	uint16_t answers;         /* ... this id; 0: none is */
	uint16_t asks;            /* the id whose PARAMS are stashed; 0: none are */
	uint32_t stashed, last;   /* bytes of PARAMS; and of them, those before the last record's */
	uint64_t pos, params_pos; /* bytes of requests before this feed; and before that record's content */
	bool muted;
	struct slot slots[SLOTS];
};

_Static_assert(sizeof(struct fastcgi) <= RM_CONN_STATE_BYTES, "as any protocol");

struct feed {
	struct fastcgi *g;
	struct way *way;
	struct rm_input in;
	struct rm_sink *sink;
	void *conn;
};

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	/* BEGIN_REQUEST with its content of 8 bytes, or GET_VALUES. */
	if (n > 0 && p[0] != 1)
		return RM_SNIFF_NO;
	if (n > 1 && p[1] != BEGIN_REQUEST && p[1] != GET_VALUES)
		return RM_SNIFF_NO;
	if (n < HEADER_BYTES)
		return RM_SNIFF_MORE;
	if (p[1] == GET_VALUES)
		return !rm_be16(p + 2) && !p[7] ? RM_SNIFF_YES : RM_SNIFF_NO;
	return rm_be16(p + 2) && rm_be16(p + 4) == 8 && !p[7] ? RM_SNIFF_YES : RM_SNIFF_NO;
}

static void fastcgi_open(void *state, enum rm_role role)
{
}

static struct slot *find(struct fastcgi *g, uint16_t id)
{
	for (int i = 0; i < SLOTS; i++)
		if (g->slots[i].id == id)
			return &g->slots[i];
	return NULL;
}

static void drop_params(struct fastcgi *g, struct rm_sink *sink)
{
	if (g->stashed)
		sink->on->unstash(sink, RM_STASH_REQUEST_HEAD);
	g->stashed = g->last = 0;
	g->asks = 0;
}

/* Its name is dead: what may still come of the request is stepped over. */
static void forget(struct fastcgi *g, struct slot *s, struct rm_sink *sink)
{
	if (g->asks == s->id)
		drop_params(g, sink);
	if (g->answers == s->id) {
		rm_cgi_answer_drop(&g->answer, sink);
		g->answers = 0;
	}
	*s = (struct slot){ 0 };
}

/* ---- requests ---- */

static enum rm_step begin_request(struct feed *f, uint16_t id)
{
	struct fastcgi *g = f->g;
	struct slot *s = find(g, 0);

	if (!id || f->way->left != 8 || find(g, id) || !s)
		return RM_STEP_MUTE;
	s->id = id;
	s->x = f->sink->on->request(f->sink, f->conn);
	return RM_STEP_GO_ON;
}

/* Tells the head that these PARAMS are; the last record's begin at `last`. */
static enum rm_step tell(struct feed *f, struct slot *s, const char *p, size_t n, size_t last)
{
	struct rm_cgi_room *room = f->sink->on->scratch(f->sink, sizeof(*room));
	struct rm_cgi_request r;

	if (!room || !rm_cgi_request(&r, (struct rm_cgi_vars){ p, n, 0, RM_CGI_FASTCGI }, room))
		return RM_STEP_MUTE;
	r.gateway.name = "fastcgi";
	if (r.traceparent.p >= p + last)
		r.gateway.traceparent_at = (int64_t)(f->g->params_pos - f->g->pos) + (r.traceparent.p - (p + last));
	s->flags |= TOLD;
	s->due = r.content_bytes;
	return f->sink->on->request_head(f->sink, s->x, &r.head, (uint32_t)f->in.at) ? RM_STEP_GO_ON : RM_STEP_STOP;
}

/* Is this record, the first of its request, all that there is? */
static bool is_head(const char *p, size_t n)
{
	struct rm_cgi_vars vars = { p, n, 0, RM_CGI_FASTCGI };
	bool method = false, target = false, traceparent = false;
	struct rm_str name, value;
	int got = 0;

	while (n <= SHORT_BYTES && (got = rm_cgi_next(&vars, &name, &value)) == 1) {
		method |= rm_str_eq(name, RM_STR("REQUEST_METHOD"));
		target |= rm_str_eq(name, RM_STR("REQUEST_URI"));
		traceparent |= rm_str_eq(name, RM_STR("HTTP_TRACEPARENT"));
	}
	return got == 0 && method && target && traceparent;
}

/* Keeps PARAMS until the head is whole. */
static const char *stash(struct feed *f, const char *p, size_t n)
{
	struct fastcgi *g = f->g;
	char *to = f->sink->on->stash(f->sink, RM_STASH_REQUEST_HEAD, g->stashed + (uint32_t)n);

	if (!to)
		return NULL;
	if (n)
		memcpy(to + g->stashed, p, n);
	g->stashed += (uint32_t)n;
	return to;
}

/* Content of a PARAMS record: `n` bytes, of which f->in.at is the end. */
static enum rm_step params(struct feed *f, struct slot *s, const char *p, size_t n)
{
	struct fastcgi *g = f->g;
	bool first = !g->stashed, whole = !f->way->left;
	const char *all;
	enum rm_step step;

	if (s->flags & TOLD)
		return RM_STEP_GO_ON;
	if (first && whole && is_head(p, n))
		return tell(f, s, p, n, 0);
	g->asks = s->id;
	all = stash(f, p, n);
	if (!all)
		return RM_STEP_MUTE;
	if (first || !whole || g->last || !is_head(all, g->stashed))
		return RM_STEP_GO_ON;
	step = tell(f, s, all, g->stashed, 0);
	drop_params(g, f->sink);
	return step;
}

static enum rm_step params_over(struct feed *f, struct slot *s)
{
	struct fastcgi *g = f->g;
	enum rm_step step;
	const char *all;

	s->flags |= PARAMS_OVER;
	if (s->flags & TOLD)
		return RM_STEP_GO_ON;
	all = g->asks == s->id ? stash(f, NULL, 0) : NULL;
	if (!all)
		return RM_STEP_MUTE;
	step = tell(f, s, all, g->stashed, g->last);
	drop_params(g, f->sink);
	return step;
}

static enum rm_step begin_params(struct feed *f, struct slot *s)
{
	struct fastcgi *g = f->g;

	if (!s)
		return RM_STEP_GO_ON;
	if (s->flags & PARAMS_OVER || (g->asks && g->asks != s->id))
		return RM_STEP_MUTE;
	if (!f->way->left)
		return params_over(f, s);
	g->last = g->stashed;
	g->params_pos = g->pos + f->in.at;
	return RM_STEP_GO_ON;
}

/* The request is over, with a body of so many bytes. */
static void asked(struct feed *f, struct slot *s, uint64_t bytes)
{
	s->flags |= ASKED;
	f->sink->on->request_end(f->sink, s->x, bytes);
}

static enum rm_step begin_stdin(struct feed *f, struct slot *s)
{
	if (!s || s->flags & ASKED)
		return RM_STEP_GO_ON;
	if (!(s->flags & PARAMS_OVER))
		return RM_STEP_MUTE;
	if (!f->way->left)
		asked(f, s, s->in);
	return RM_STEP_GO_ON;
}

/* Bytes of a body. Those beyond the length that was said are no part of it, for whoever reads so far only. */
static void input(struct feed *f, struct slot *s, size_t n)
{
	s->in += n;
	if (s->due && s->in >= s->due && !(s->flags & ASKED))
		asked(f, s, s->due);
}

/* The header of a record is whole. */
static enum rm_step begin_question(struct feed *f)
{
	uint16_t id = rm_be16(f->way->header + 2);
	struct slot *s = id ? find(f->g, id) : NULL;

	switch (f->way->header[1]) {
	case BEGIN_REQUEST:
		return begin_request(f, id);
	case ABORT_REQUEST:
		if (s)
			s->flags |= ABORTED;
		return RM_STEP_GO_ON;
	case PARAMS:
		return id ? begin_params(f, s) : RM_STEP_MUTE;
	case STDIN:
		return id ? begin_stdin(f, s) : RM_STEP_MUTE;
	case END_REQUEST:
	case STDOUT:
	case STDERR:
		return RM_STEP_MUTE;
	}
	return RM_STEP_GO_ON;
}

/* ---- answers ---- */

static void answer_begins(struct feed *f, struct slot *s)
{
	if (!(s->flags & ANSWERED))
		f->sink->on->response(f->sink, s->x);
	s->flags |= ANSWERED;
}

/* Bytes of STDOUT. */
static enum rm_step output(struct feed *f, struct slot *s, const char *p, size_t n)
{
	struct fastcgi *g = f->g;
	int64_t used = 0;

	answer_begins(f, s);
	if (!(s->flags & HEADED)) {
		if (g->answers && g->answers != s->id)
			return RM_STEP_MUTE;
		if (!g->answers)
			g->answer = (struct rm_cgi_answer){ 0 };
		g->answers = s->id;
		used = rm_cgi_answer_feed(&g->answer, p, n, f->sink, s->x);
		if (used < 0)
			return RM_STEP_MUTE;
		if (g->answer.over) {
			s->flags |= HEADED;
			g->answers = 0;
		}
	}
	s->out += n - (size_t)used;
	return RM_STEP_GO_ON;
}

/* What became of a request that has no whole answer. */
static struct rm_str failure(const struct slot *s, uint8_t protocol_status)
{
	switch (protocol_status) {
	case 1:
		return RM_STR("cannot_multiplex");
	case 2:
		return RM_STR("overloaded");
	case 3:
		return RM_STR("unknown_role");
	}
	return s->flags & ABORTED ? RM_STR("aborted") : RM_STR("no_response");
}

/* END_REQUEST is whole: the status of the program is its own affair, as it is for web servers. */
static enum rm_step end_request(struct feed *f, struct slot *s)
{
	uint8_t protocol_status = f->way->header[4];
	rm_xid x = s->x;
	bool whole = s->flags & HEADED && !protocol_status && !(s->flags & ABORTED);
	struct rm_str error = s->flags & TOLD ? failure(s, protocol_status) : RM_STR("");
	uint64_t out = s->out;

	forget(f->g, s, f->sink);
	if (whole)
		f->sink->on->response_end(f->sink, x, out);
	else
		f->sink->on->broken(f->sink, x, error);
	return RM_STEP_GO_ON;
}

static enum rm_step begin_answer(struct feed *f)
{
	uint16_t id = rm_be16(f->way->header + 2);
	uint8_t type = f->way->header[1];

	switch (type) {
	case BEGIN_REQUEST:
	case ABORT_REQUEST:
	case PARAMS:
	case STDIN:
	case DATA:
	case GET_VALUES:
		return RM_STEP_MUTE;
	case END_REQUEST:
		return find(f->g, id) && id && f->way->left == 8 ? RM_STEP_GO_ON : RM_STEP_MUTE;
	case STDOUT:
	case STDERR:
		return id && find(f->g, id) ? RM_STEP_GO_ON : RM_STEP_MUTE;
	}
	return RM_STEP_GO_ON;
}

/* ---- records ---- */

static enum rm_step header(struct feed *f)
{
	struct way *w = f->way;
	size_t n = HEADER_BYTES - (size_t)w->got;

	n = n < f->in.n - f->in.at ? n : f->in.n - f->in.at;
	memcpy(w->header + w->got, f->in.p + f->in.at, n);
	w->got += (uint8_t)n;
	f->in.at += n;
	if (w->got < HEADER_BYTES)
		return RM_STEP_GO_ON;
	if (w->header[0] != 1)
		return RM_STEP_MUTE;
	w->left = rm_be16(w->header + 4);
	w->pad = w->header[6];
	return f->in.dir == RM_DIR_REQUEST ? begin_question(f) : begin_answer(f);
}

/* `n` bytes of content, which end at f->in.at, and of which w->left are to follow. */
static enum rm_step content(struct feed *f, const char *p, size_t n)
{
	struct way *w = f->way;
	uint16_t id = rm_be16(w->header + 2);
	struct slot *s = id ? find(f->g, id) : NULL;

	if (!s)
		return RM_STEP_GO_ON;
	switch (w->header[1]) {
	case PARAMS:
		return params(f, s, p, n);
	case STDIN:
		input(f, s, n);
		return RM_STEP_GO_ON;
	case STDOUT:
		return output(f, s, p, n);
	case END_REQUEST:
		/* Behind the id, in the header's own place, lie 4 bytes of status and the one that is wanted. */
		for (size_t i = 0; i < n; i++)
			if (w->left + n - i == 4)
				w->header[4] = (uint8_t)p[i];
		return w->left ? RM_STEP_GO_ON : end_request(f, s);
	}
	return RM_STEP_GO_ON;
}

static enum rm_step step(struct feed *f)
{
	struct way *w = f->way;
	const char *p = f->in.p + f->in.at;
	size_t n = f->in.n - f->in.at;
	enum rm_step s = RM_STEP_GO_ON;

	if (w->got < HEADER_BYTES) {
		s = header(f);
	} else if (w->left) {
		n = n < w->left ? n : w->left;
		w->left -= (uint16_t)n;
		f->in.at += n;
		s = content(f, p, n);
	} else {
		n = n < w->pad ? n : w->pad;
		w->pad -= (uint8_t)n;
		f->in.at += n;
	}
	if (w->got == HEADER_BYTES && !w->left && !w->pad)
		w->got = 0;
	return s;
}

/* ---- the connection ---- */

static void break_all(struct fastcgi *g, struct rm_sink *sink, struct rm_str error)
{
	for (int i = 0; i < SLOTS; i++) {
		struct slot *s = &g->slots[i];
		rm_xid x = s->x;
		bool told = s->flags & TOLD;

		if (!s->id)
			continue;
		forget(g, s, sink);
		sink->on->broken(sink, x, told ? error : RM_STR(""));
	}
}

static int mute(struct fastcgi *g)
{
	g->muted = true;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct fastcgi *g = state;
	struct feed f = { g, &g->way[dir], { dir, (const char *)p, n, 0 }, sink, conn };

	while (!g->muted && f.in.at < n) {
		enum rm_step s = step(&f);

		if (s == RM_STEP_MUTE)
			g->muted = true;
		if (s != RM_STEP_GO_ON)
			break;
	}
	if (g->muted)
		return mute(g);
	if (dir == RM_DIR_REQUEST)
		g->pos += f.in.at;
	return (int64_t)f.in.at;
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct fastcgi *g = state;
	struct way *w = &g->way[dir];
	struct slot *s = find(g, rm_be16(w->header + 2));
	bool body = w->got == HEADER_BYTES && s && s->id && (w->header[1] == STDIN ||
							     (w->header[1] == STDOUT && s->flags & HEADED));

	if (!n && !g->muted)
		return 0;
	if (g->muted || !body || n > w->left)
		return mute(g);
	w->left -= (uint16_t)n;
	if (dir == RM_DIR_RESPONSE) {
		s->out += n;
	} else {
		input(&(struct feed){ .g = g, .sink = sink, .conn = conn }, s, n);
		g->pos += n;
	}
	if (!w->left && !w->pad)
		w->got = 0;
	return 0;
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	if (reset || dir == RM_DIR_RESPONSE)
		break_all(state, sink, rm_end_error(reset));
}

static uint64_t unread(const void *state)
{
	const struct way *w = &((const struct fastcgi *)state)->way[RM_DIR_REQUEST];

	return w->got == HEADER_BYTES && w->header[1] == STDIN ? w->left : 0;
}

const struct rm_proto rm_proto_fastcgi = {
	.name = "fastcgi",
	.help = "FastCGI: requests that web servers pass on, as variables",
	.multiplexes = true,
	.state_bytes = sizeof(struct fastcgi),
	.sniff = sniff,
	.open = fastcgi_open,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
