/*
 * memcached: one exchange for each command, of the text protocol, with its meta commands, and of the binary one. Names of
 * commands are told; keys and values never, they are stepped over.
 *
 * Answers come in the order of the commands, but not each command has one:
 * - noreply commands and quit are over when they are sent;
 * - quiet ones (`q` of meta commands, the binary GetQ, SetQ ...) are answered only where there is something to say. They
 *   are over at their answer, else when a later command is answered, else when the connection ends.
 *
 * Left alone: commands that are not in the tables (watch, those of administrators), keys and numbers that servers refuse
 * in ways of their own, an answer that two commands could have got.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: memcached's doc/protocol.txt; "Memcached Binary Protocol" (protocol-binary.xml).
 */
#include "protocols/memcached.h"

enum { PORT = 11211 };

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	struct rm_str bytes = { (const char *)p, n };

	return rm_memcached_binary_sniff(p, n) || rm_memcached_text_sniff(bytes) ? RM_SNIFF_YES : RM_SNIFF_NO;
}

static void memcached_open(void *state, enum rm_role role)
{
	struct rm_memcached *s = state;

	(void)role;
	s->frame[RM_DIR_REQUEST].head_bytes = RM_FRAME_HEAD_MAX;
	s->frame[RM_DIR_RESPONSE].head_bytes = RM_FRAME_HEAD_MAX;
}

/* ---- what waits ---- */

bool rm_memcached_is_quiet(const struct rm_memcached *s, const struct rm_waiting *w)
{
	return s->binary ? rm_memcached_binary_quiet(w) : rm_memcached_text_quiet(w);
}

uint32_t rm_memcached_quiet(struct rm_memcached_feed *f)
{
	const struct rm_waiting *w;

	while ((w = rm_waiting_at(&f->s->queue, f->sink, f->s->quiet)) != NULL && rm_memcached_is_quiet(f->s, w))
		f->s->quiet++;
	return f->s->quiet;
}

static struct rm_waiting pop(struct rm_memcached *s, struct rm_sink *sink)
{
	struct rm_waiting was = *rm_waiting_oldest(&s->queue, sink);

	rm_waiting_pop(&s->queue, sink);
	s->quiet -= s->quiet > 0;
	if (s->x == was.x)
		s->x = 0;
	return was;
}

/*
 * Past the limit those that are certain to be answered are only counted, and quiet ones forgotten where their answers can be
 * told from others by the opcode.
 */
static bool remember(struct rm_memcached_feed *f, struct rm_waiting *w, bool quiet)
{
	struct rm_memcached *s = f->s;

	if (rm_waiting_add(&s->queue, f->sink, w))
		return true;
	if (!quiet) {
		w->kind = RM_WAITING_PLAIN;
		w->n = 1;
		return rm_waiting_add(&s->queue, f->sink, w);
	}
	f->sink->on->broken(f->sink, w->x, RM_STR(""));
	w->x = 0;
	s->forgot = s->binary;
	return s->forgot;
}

/* The name is all that is told of a command, and lies where no other does. */
static uint32_t same_of(const struct rm_memcached_question *q)
{
	return (uint32_t)(uintptr_t)q->name;
}

bool rm_memcached_asked(struct rm_memcached_feed *f, const struct rm_memcached_question *q)
{
	struct rm_waiting w = { .kind = q->kind, .n = q->n };
	struct rm_operation op = { .system = RM_STR("memcached"), .port = PORT, .same = same_of(q) };
	bool whole = !q->untold && f->sink->on->again && f->sink->on->again(f->sink, f->conn, op.same, &w.x);

	if (!q->untold && !whole)
		w.x = f->sink->on->request(f->sink, f->conn);
	f->s->silent = q->silent;
	if (!q->silent && !remember(f, &w, q->quiet)) {
		if (w.x)
			f->sink->on->broken(f->sink, w.x, RM_STR(""));
		return false;
	}
	f->s->x = w.x;
	op.name = rm_str_c(q->name);
	if (w.x && !whole)
		f->sink->on->operation(f->sink, w.x, &op);
	return true;
}

/* What is neither an error nor has a status is the same each time. */
static void tell(struct rm_sink *sink, rm_xid x, const struct rm_outcome *outcome)
{
	struct rm_outcome told = *outcome;

	told.same = !told.failed && !told.status.n;
	if (told.same && sink->on->as_before && sink->on->as_before(sink, x, told.same))
		return;
	sink->on->response(sink, x);
	sink->on->outcome(sink, x, &told);
	sink->on->response_end(sink, x, 0);
}

void rm_memcached_sent(struct rm_memcached_feed *f)
{
	static const struct rm_outcome sent;
	struct rm_memcached *s = f->s;
	rm_xid x = s->x;

	s->x = 0;
	if (x)
		f->sink->on->request_end(f->sink, x, 0);
	if (x && s->silent)
		tell(f->sink, x, &sent);
	s->silent = false;
}

void rm_memcached_answered(struct rm_memcached_feed *f, const struct rm_outcome *outcome)
{
	struct rm_waiting was = pop(f->s, f->sink);

	if (was.x)
		tell(f->sink, was.x, outcome);
}

void rm_memcached_pass(struct rm_memcached_feed *f, uint32_t n)
{
	static const struct rm_outcome done;

	while (n--)
		rm_memcached_answered(f, &done);
}

/* ---- the connection ---- */

static void break_all(struct rm_memcached *s, struct rm_sink *sink, struct rm_str why, bool in_order)
{
	static const struct rm_outcome done;
	rm_xid unsent = s->x;

	rm_line_forget(&s->line[RM_DIR_RESPONSE], RM_DIR_RESPONSE, sink);
	rm_frame_forget(&s->frame[RM_DIR_RESPONSE], RM_DIR_RESPONSE, sink);
	while (s->queue.count) {
		bool quiet = rm_memcached_is_quiet(s, rm_waiting_oldest(&s->queue, sink));
		struct rm_waiting was = pop(s, sink);

		if (was.x && quiet && in_order && was.x != unsent)
			tell(sink, was.x, &done);
		else if (was.x)
			sink->on->broken(sink, was.x, why);
	}
	if (unsent && s->silent)
		sink->on->broken(sink, unsent, why);
	s->x = 0;
	s->silent = false;
}

/* end() tells of what was under way, and that it is lost. */
static int mute(struct rm_memcached *s)
{
	s->muted = true;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct rm_memcached *s = state;
	struct rm_memcached_feed f = { s, { (const char *)p, n }, 0, sink, conn };
	bool ok;

	if (s->muted || n == 0)
		return n ? mute(s) : 0;
	if (!s->begun)
		s->binary = p[0] == RM_MEMCACHED_REQUEST;
	s->begun = true;
	if (dir == RM_DIR_REQUEST)
		ok = s->binary ? rm_memcached_binary_requests(&f) : rm_memcached_text_requests(&f);
	else
		ok = s->binary ? rm_memcached_binary_answers(&f) : rm_memcached_text_answers(&f);
	return ok ? (int64_t)n : mute(s);
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct rm_memcached *s = state;

	(void)conn;
	if (s->muted)
		return RM_FEED_MUTE;
	if (n == 0)
		return 0;
	if (s->binary)
		return rm_frame_skip(&s->frame[dir], n) ? 0 : mute(s);
	if (n + 2 > s->value[dir].left)
		return mute(s);
	s->value[dir].left -= (uint32_t)n;
	return 0;
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct rm_memcached *s = state;

	(void)conn;
	rm_line_forget(&s->line[RM_DIR_REQUEST], RM_DIR_REQUEST, sink);
	rm_frame_forget(&s->frame[RM_DIR_REQUEST], RM_DIR_REQUEST, sink);
	if (reset || dir == RM_DIR_RESPONSE)
		break_all(s, sink, rm_end_error(reset), !reset);
}

static uint64_t unread(const void *state)
{
	const struct rm_memcached *s = state;
	uint32_t left = s->value[RM_DIR_REQUEST].left;

	if (s->binary)
		return rm_frame_rest(&s->frame[RM_DIR_REQUEST]) ? s->frame[RM_DIR_REQUEST].left : 0;
	return left > 2 ? left - 2 : 0;
}

const struct rm_proto rm_proto_memcached = {
	.name = "memcached",
	.help = "memcached, text, meta and binary: what clients ask",
	.client_only = true,
	.state_bytes = sizeof(struct rm_memcached),
	.sniff = sniff,
	.open = memcached_open,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
