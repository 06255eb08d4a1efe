/*
 * See tx_plan.h; the rewrite is stated in tx.c. Runs in hooks, outside the connection's lock: the edits
 * are those of the call under way. Never: reads the program's bytes.
 */
#include "agent/tx_plan.h"

/* Of the program's bytes that the text replaces, those that count as sent with `done` of its own. */
static uint32_t covered(const struct rm_pending *e, uint32_t done)
{
	if (done < e->del)
		return done;
	return done == e->bytes || !e->del ? e->del : e->del - 1;
}

uint32_t rm_pending_left(const struct rm_pending *e)
{
	return e->del - covered(e, e->done);
}

/* What comes when the plan is full waits for the next one, as does all behind it. */
static void add(struct rm_tx_plan *p, bool text, void *base, size_t n)
{
	if (n == 0 || p->count == RM_TX_PIECES)
		return;
	p->text[p->count] = text;
	p->iov[p->count++] = (struct iovec){ base, n };
}

/* Adds the program's bytes [from, to) of the call. */
static void add_own(struct rm_tx_plan *p, const struct rm_tx *tx, size_t from, size_t to)
{
	size_t at = 0;

	for (int i = 0; i < tx->iov_count && from < to; i++) {
		size_t end = at + tx->iov[i].iov_len, stop = to < end ? to : end;

		if (from < stop) {
			add(p, false, (char *)tx->iov[i].iov_base + (from - at), stop - from);
			from = stop;
		}
		at = end;
	}
}

void rm_tx_lay_out(struct rm_tx_plan *p, const struct rm_conn *c, const struct rm_tx *tx, size_t offset)
{
	size_t left = tx->bytes - offset, at = 0;
	size_t end = c->dead || c->gap || c->ahead > left ? left : c->ahead;

	p->count = 0;
	for (int i = 0; i < c->pending_count; i++) {
		const struct rm_pending *e = &c->pending[i];
		size_t n = e->bytes - e->done;

		/* Beyond this call's bytes; an insertion at their very end waits for those behind it. */
		if (e->at >= left)
			break;
		if (rm_pending_left(e) > left - e->at) /* a retry that offers less than before */
			n = left - e->at;
		add_own(p, tx, offset + at, offset + e->at);
		add(p, true, rm_text_at(e->text) + e->done, n);
		at = e->at + rm_pending_left(e);
	}
	add_own(p, tx, offset + at, offset + end);
}

size_t rm_tx_settle(struct rm_conn *c, const struct rm_tx_plan *p, size_t n)
{
	size_t own = 0;
	int finished = 0;

	for (int i = 0; i < p->count && n > 0; i++) {
		size_t took = p->iov[i].iov_len < n ? p->iov[i].iov_len : n;
		struct rm_pending *e = &c->pending[finished];
		uint32_t before;

		n -= took;
		if (!p->text[i]) {
			own += took;
			continue;
		}
		before = covered(e, e->done);
		e->done += (uint32_t)took;
		own += covered(e, e->done) - before;
		if (e->done < e->bytes)
			break;
		rm_text_put(e->text);
		finished++;
	}
	c->pending_count -= (uint8_t)finished;
	memmove(c->pending, c->pending + finished, c->pending_count * sizeof(c->pending[0]));
	return own;
}

void rm_pending_adopt(struct rm_conn *c, struct rm_visit *v)
{
	for (uint32_t i = 0; i < v->edit_count; i++)
		c->pending[c->pending_count++] = (struct rm_pending){
			.at = c->ahead + v->edits[i].at,
			.del = v->edits[i].del,
			.bytes = v->edits[i].ins_bytes,
			.text = v->edits[i].text,
		};
	v->edit_count = 0;
}

/* Distance that is left after `n` bytes. */
static uint32_t nearer(uint32_t distance, size_t n)
{
	return n < distance ? distance - (uint32_t)n : 0;
}

void rm_pending_advance(struct rm_conn *c, size_t n)
{
	c->ahead = nearer(c->ahead, n);
	for (int i = 0; i < c->pending_count; i++)
		c->pending[i].at = nearer(c->pending[i].at, n);
}
