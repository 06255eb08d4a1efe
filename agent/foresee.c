/*
 * See foresee.h. A visit of its own kind: its sink lends copies of what the connection has stashed, as far as the
 * protocol asks for them, and tells exchanges nothing. Changes nothing of the connection but its edits.
 */
#include "agent/foresee.h"

#include "agent/hookapi.h"
#include "agent/insert.h"
#include "agent/tx_plan.h"

enum { PAGE = 4096 };

struct foresight {
	struct rm_visit v; /* first: what the protocol hands back */
	rm_foreseen_fn *told;
	char *state;
	rm_text stash[RM_STASHES];
	bool copied[RM_STASHES]; /* the connection's own counts no more */
};

/* ---- the sink ---- */

static rm_xid on_request(struct rm_sink *sink, void *conn)
{
	return 0;
}

static bool on_request_head(struct rm_sink *sink, rm_xid x, const struct rm_head *head, uint32_t blank_at)
{
	return true;
}

static void on_event(struct rm_sink *sink, rm_xid x)
{
}

static void on_end(struct rm_sink *sink, rm_xid x, uint64_t body_bytes)
{
}

static void on_trailers(struct rm_sink *sink, rm_xid x, const struct rm_head *head)
{
}

static void on_broken(struct rm_sink *sink, rm_xid x, struct rm_str error)
{
}

static bool on_response_head(struct rm_sink *sink, rm_xid x, const struct rm_head *head)
{
	struct foresight *f = (struct foresight *)sink;
	const struct rm_exchange *e = x && head->block ? rm_exchange_at(x) : NULL;

	if (e && e->kind == RM_KIND_SERVER && atomic_load(&e->phase) >= RM_PHASE_OPEN)
		f->told(&f->v, e, head);
	f->v.full = f->v.edit_count == RM_TX_EDITS;
	return false;
}

/* Of an exchange whose content is looked at: that is for when it has been sent. */
static void on_content(struct rm_sink *sink, rm_xid x, const char *p, uint64_t n)
{
}

static char *on_stash(struct rm_sink *sink, enum rm_stash which, uint32_t bytes)
{
	struct foresight *f = (struct foresight *)sink;
	rm_text old = f->copied[which] ? f->stash[which] : f->v.conn->stash[which], copy;

	if (f->copied[which] && old && rm_text_cap(old) >= bytes)
		return rm_text_at(old);
	copy = rm_text_get(bytes);
	if (!copy)
		return NULL;
	if (old)
		memcpy(rm_text_at(copy), rm_text_at(old), rm_text_cap(old) < bytes ? rm_text_cap(old) : bytes);
	if (f->copied[which])
		rm_text_put(old);
	f->copied[which] = true;
	f->stash[which] = copy;
	return rm_text_at(copy);
}

static void on_unstash(struct rm_sink *sink, enum rm_stash which)
{
	struct foresight *f = (struct foresight *)sink;

	rm_text_put(f->stash[which]);
	f->stash[which] = 0;
}

/* Without this no head can be read: a visit whose edits are full ends here. */
static void *on_scratch(struct rm_sink *sink, uint32_t bytes)
{
	struct foresight *f = (struct foresight *)sink;

	if (f->v.full)
		return NULL;
	if (!f->v.scratch)
		f->v.scratch = rm_text_get(bytes);
	return f->v.scratch && rm_text_cap(f->v.scratch) >= bytes ? rm_text_at(f->v.scratch) : NULL;
}

static const struct rm_sink_calls calls = {
	.request = on_request,
	.request_head = on_request_head,
	.request_end = on_end,
	.response = on_event,
	.response_head = on_response_head,
	.response_content = on_content,
	.response_trailers = on_trailers,
	.response_end = on_end,
	.broken = on_broken,
	.stash = on_stash,
	.unstash = on_unstash,
	.scratch = on_scratch,
	.adds_to_responses = true,
};

/* ---- feeding ---- */

/* As bytes that are parsed ahead in agent/tx.c: only what is read is asked for. False: that was all. */
static bool feed_piece(struct foresight *f, const char *p, size_t n)
{
	const struct rm_proto *proto = f->v.conn->proto;

	while (n > 0) {
		uint64_t unread = proto->unread_response(f->state);
		uint64_t take = unread ? unread : 2 * PAGE - (uintptr_t)p % PAGE;

		take = take < n ? take : n;
		if ((!unread && !rm_may_read(p, take)) ||
		    proto->feed(f->state, RM_DIR_RESPONSE, (const uint8_t *)p, take, &f->v.sink, &f->v) < 0)
			return false;
		f->v.base += take;
		p += take;
		n -= take;
	}
	return true;
}

/* False: it came not to the end. */
static bool feed_all(struct foresight *f, const struct iovec *iov, int count, size_t from)
{
	for (int i = 0; i < count; i++) {
		size_t n = iov[i].iov_len;

		if (from >= n) {
			from -= n;
			continue;
		}
		if (!feed_piece(f, (const char *)iov[i].iov_base + from, n - from))
			return false;
		from = 0;
	}
	return true;
}

static void note(struct rm_conn *c, struct rm_visit *v)
{
	const struct rm_pending *last;

	c->ahead = 0;
	rm_pending_adopt(c, v);
	last = &c->pending[c->pending_count - 1];
	c->ahead = v->full ? last->at + last->del : (uint32_t)v->base;
}

bool rm_foresee(struct rm_conn *c, struct rm_thread *t, const struct iovec *iov, int count, size_t from,
		rm_foreseen_fn *told)
{
	struct foresight f = { .told = told };
	rm_text state = rm_text_get(c->proto->state_bytes);

	if (!state)
		return false;
	f.state = rm_text_at(state);
	memcpy(f.state, c->state, c->proto->state_bytes);
	rm_visit_init(&f.v, c, t, -1);
	f.v.sink.on = &calls;
	f.v.insert_room = UINT32_MAX;
	if (!feed_all(&f, iov, count, from) && !f.v.full)
		rm_insert_drop(&f.v);
	for (int i = 0; i < RM_STASHES; i++)
		rm_text_put(f.stash[i]);
	rm_text_put(f.v.scratch);
	rm_text_put(state);
	if (f.v.edit_count)
		note(c, &f.v);
	return c->pending_count > 0;
}
