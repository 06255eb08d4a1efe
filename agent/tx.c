/*
 * Bytes that the program sends. Responses are fed after the kernel took them. Requests are parsed
 * ahead, before the call, because their heads get our header lines.
 *
 * The rewrite, stated once: the program's bytes are a stream; `ahead` of them, counted from what the
 * kernel has accepted, are already parsed; `pending` are edits at fixed places of that stream,
 * each an insertion or a replacement of equal length. A call sends program bytes and edits in
 * order, and of what the kernel took only the program's own bytes are reported. Hence:
 *   - nothing is sent twice or left out: position and edits advance by what the kernel took;
 *   - a short write leaves `ahead` > 0; the program repeats those bytes (checked) and they are not
 *     parsed again;
 *   - an insertion cut in the middle is finished before any further byte of the program;
 *   - an insertion always has program bytes behind it in the same call (the empty line that ends the
 *     head), so a program that saw all its bytes accepted never owes us another call.
 *
 * The program's memory is read here before the kernel has seen it. Where it cannot be read the
 * connection is left alone, and the kernel says EFAULT as it would without us.
 *
 * Runs in hooks. The connection is not locked during the real call; `tx_busy` says one is under way.
 */
#include <errno.h>

#include "agent/context.h"
#include "agent/hookapi.h"
#include "agent/stream.h"
#include "base/sys.h"

enum { PIECES_MAX = 24, BUSY_YIELDS = 200, PAGE = 4096 };

static size_t total(const struct iovec *iov, int count)
{
	size_t n = 0;

	for (int i = 0; i < count; i++)
		n += iov[i].iov_len;
	return n;
}

/* Copies the first bytes of scattered memory, as far as it can be read. */
static size_t copy_head(const struct iovec *iov, int count, uint8_t *ret, size_t cap)
{
	size_t n = 0;

	for (int i = 0; i < count && n < cap; i++) {
		size_t take = iov[i].iov_len < cap - n ? iov[i].iov_len : cap - n;

		if (!rm_may_read(iov[i].iov_base, take))
			break;
		if (take)
			memcpy(ret + n, iov[i].iov_base, take);
		n += take;
	}
	return n;
}

/* The bytes the kernel refused are offered again, unchanged as far as we remember them. */
static bool same_retry(const struct rm_conn *c, const struct iovec *iov, int count)
{
	uint8_t head[sizeof(c->ahead_head)];
	size_t n = copy_head(iov, count, head, sizeof(head));

	n = n < c->ahead_known ? n : c->ahead_known;
	return memcmp(head, c->ahead_head, n) == 0;
}

/* Takes over the visit's edits; their offsets count from the first byte not parsed before. */
static void adopt_edits(struct rm_conn *c, struct rm_visit *v)
{
	for (uint32_t i = 0; i < v->edit_count; i++)
		c->pending[c->pending_count++] = (struct rm_pending){
			.at = c->ahead + v->edits[i].at,
			.bytes = v->edits[i].ins_bytes,
			.replace = v->edits[i].del != 0,
			.text = v->edits[i].text,
		};
	v->edit_count = 0;
}

static void drop_pending(struct rm_conn *c)
{
	for (int i = 0; i < c->pending_count; i++)
		rm_text_put(c->pending[i].text);
	c->pending_count = 0;
}

/*
 * Feeds a piece of the call: what will be read of it in windows of two pages, so that only what is
 * read is asked for. Returns false when the rest is not to be fed now.
 */
static bool feed_ahead(struct rm_visit *v, const char *p, size_t n)
{
	struct rm_conn *c = v->conn;

	while (n > 0) {
		uint64_t unread = c->proto && c->proto->unread ? c->proto->unread(c->state) : 0;
		uint64_t take = unread ? unread : 2 * PAGE - (uintptr_t)p % PAGE;

		take = take < n ? take : n;
		if (!unread && !rm_may_read(p, take)) {
			rm_stream_mute(v);
			return false;
		}
		if (rm_stream_feed(v, RM_DIR_REQUEST, p, take) < (int64_t)take)
			return false;
		p += take;
		n -= take;
	}
	return true;
}

/*
 * Parses what lies beyond `offset` + `ahead` in the call. Stops early when the edits are used up, and
 * does nothing while edits wait: first things first.
 */
static void parse_ahead(struct rm_conn *c, struct rm_thread *t, const struct rm_tx *tx, size_t offset)
{
	size_t skip = offset + c->ahead;
	struct rm_visit v;

	if (c->pending_count)
		return;
	rm_visit_init(&v, c, t, tx->fd);
	v.insert_room = UINT32_MAX;
	for (int i = 0; i < tx->iov_count; i++) {
		size_t len = tx->iov[i].iov_len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		if (!feed_ahead(&v, (char *)tx->iov[i].iov_base + skip, len - skip))
			break;
		skip = 0;
	}
	adopt_edits(c, &v);
	c->ahead += (uint32_t)v.base;
	if (c->dead)
		drop_pending(c);
}

/* Muting, unless an insertion begun must be finished first. */
static void mute(struct rm_conn *c, struct rm_thread *t, int fd)
{
	struct rm_visit v;

	if (rm_conn_midway(c))
		return;
	rm_visit_init(&v, c, t, fd);
	rm_stream_mute(&v);
	drop_pending(c);
}

static enum rm_tx_mode begin_request(struct rm_tx *tx, struct rm_conn *c, struct rm_thread *t)
{
	if ((c->ahead && !same_retry(c, tx->iov, tx->iov_count)) || tx->bytes + c->ahead >= UINT32_MAX)
		mute(c, t, tx->fd);
	if (!c->muted)
		parse_ahead(c, t, tx, 0);
	if (c->pending_count)
		return RM_TX_EDIT;
	return c->muted ? RM_TX_PASS : RM_TX_DONE;
}

/* Takes the connection once no edited call of another thread is under way. */
static struct rm_conn *take_idle(int fd)
{
	for (int i = 0; i < BUSY_YIELDS; i++) {
		struct rm_conn *c = rm_conn_take(fd, 0);

		if (!c || !c->tx_busy)
			return c;
		if (i == BUSY_YIELDS - 1)
			atomic_store(&c->gap, 1); /* two threads send at once: nobody knows the order */
		rm_conn_release(c);
		rm_sys0(__NR_sched_yield);
	}
	return NULL;
}

enum rm_tx_mode rm_tx_begin(struct rm_tx *tx, int fd, const struct iovec *iov, int iov_count)
{
	struct rm_conn *c = rm_conn_peek(fd);
	enum rm_tx_mode mode = RM_TX_PASS;
	struct rm_scope s;

	tx->gen = 0;
	if (!c || c->muted)
		return RM_TX_PASS;
	*tx = (struct rm_tx){ .fd = fd, .iov = iov, .iov_count = iov_count, .bytes = total(iov, iov_count) };
	/* What a server sends is looked at afterwards; rm_tx_done sees whether it is still this one. */
	if (c->role == RM_ROLE_SERVER) {
		tx->gen = atomic_load_explicit(&c->gen, memory_order_acquire);
		return RM_TX_DONE;
	}
	if (!rm_enter(&s))
		return RM_TX_PASS;
	c = tx->bytes ? take_idle(fd) : NULL;
	if (!c)
		goto out;
	tx->gen = atomic_load(&c->gen);
	if (!c->role)
		c->role = RM_ROLE_CLIENT; /* the client speaks first, and that is us */
	mode = RM_TX_DONE;
	if (c->role == RM_ROLE_CLIENT) {
		mode = begin_request(tx, c, s.thread);
		c->tx_busy = mode == RM_TX_EDIT;
	}
	if (c->muted)
		rm_conn_forget_fd(c, fd);
	else
		rm_conn_release(c);
out:
	rm_leave(&s);
	return mode;
}

/* Remembers how the bytes begin that the program has to offer again. */
static void remember_retry(struct rm_conn *c, const struct rm_tx *tx, size_t from)
{
	size_t n = 0, cap = sizeof(c->ahead_head) < c->ahead ? sizeof(c->ahead_head) : c->ahead;

	for (int i = 0; i < tx->iov_count && n < cap; i++) {
		struct iovec rest = tx->iov[i];

		if (from >= rest.iov_len) {
			from -= rest.iov_len;
			continue;
		}
		rest.iov_base = (char *)rest.iov_base + from;
		rest.iov_len -= from;
		n += copy_head(&rest, 1, c->ahead_head + n, cap - n);
		from = 0;
	}
	c->ahead_known = (uint8_t)n;
}

/* Distance that is left after `n` bytes. */
static uint32_t nearer(uint32_t distance, size_t n)
{
	return n < distance ? distance - (uint32_t)n : 0;
}

/* The kernel took `n` bytes of the program from `offset` on: positions move up. Lock held. */
static void advance(struct rm_conn *c, const struct rm_tx *tx, size_t offset, size_t n)
{
	c->ahead = nearer(c->ahead, n);
	for (int i = 0; i < c->pending_count; i++)
		c->pending[i].at = nearer(c->pending[i].at, n);
	if (c->ahead)
		remember_retry(c, tx, offset + n);
}

/* A response went out (or part of it): feeds what the kernel took. Lock held. */
static void feed_response(struct rm_conn *c, struct rm_thread *t, const struct rm_tx *tx, size_t n)
{
	struct rm_visit v;

	rm_visit_init(&v, c, t, tx->fd);
	for (int i = 0; i < tx->iov_count && n > 0; i++) {
		size_t take = tx->iov[i].iov_len < n ? tx->iov[i].iov_len : n;

		if (take && rm_stream_feed(&v, RM_DIR_RESPONSE, tx->iov[i].iov_base, take) < 0)
			return;
		n -= take;
	}
}

static void release(struct rm_conn *c, int fd)
{
	if (c->muted)
		rm_conn_forget_fd(c, fd);
	else
		rm_conn_release(c);
}

void rm_tx_done(struct rm_tx *tx, ssize_t result)
{
	struct rm_conn *c;
	struct rm_scope s;

	if (!tx->gen || !rm_enter(&s))
		return;
	c = rm_conn_take(tx->fd, tx->gen);
	if (c) {
		if (c->role == RM_ROLE_CLIENT)
			advance(c, tx, 0, result > 0 ? (size_t)result : 0);
		else if (result > 0)
			feed_response(c, s.thread, tx, (size_t)result);
		release(c, tx->fd);
	}
	rm_leave(&s);
}

void rm_tx_opaque(int fd, ssize_t result)
{
	struct rm_conn *c = rm_conn_peek(fd);
	struct rm_scope s;
	struct rm_visit v;
	int dir;

	if (result <= 0 || !c || c->muted || !rm_enter(&s))
		return;
	c = rm_conn_take(fd, 0);
	if (c) {
		rm_visit_init(&v, c, s.thread, fd);
		dir = rm_stream_dir(c, true);
		if (dir < 0 || !c->proto || c->ahead ||
		    c->proto->skip(c->state, (enum rm_dir)dir, (uint64_t)result, &v.sink, &v) < 0)
			mute(c, s.thread, fd);
		release(c, fd);
	}
	rm_leave(&s);
}

/* ---- the edited call ---- */

enum piece { PIECE_OWN, PIECE_INSERT, PIECE_REPLACE };

struct plan {
	struct iovec iov[PIECES_MAX];
	uint8_t what[PIECES_MAX]; /* enum piece */
	int count;
};

static bool plan_add(struct plan *p, enum piece what, void *base, size_t n)
{
	if (n == 0)
		return true;
	if (p->count == PIECES_MAX)
		return false;
	p->what[p->count] = what;
	p->iov[p->count++] = (struct iovec){ base, n };
	return true;
}

/* Adds the program's bytes [from, to) of the call. False when the plan is full. */
static bool plan_own(struct plan *p, const struct rm_tx *tx, size_t from, size_t to)
{
	size_t at = 0;

	for (int i = 0; i < tx->iov_count && from < to; i++) {
		size_t end = at + tx->iov[i].iov_len, stop = to < end ? to : end;

		if (from < stop) {
			if (!plan_add(p, PIECE_OWN, (char *)tx->iov[i].iov_base + (from - at), stop - from))
				return false;
			from = stop;
		}
		at = end;
	}
	return true;
}

/*
 * Lays out what goes to the kernel next: the call's bytes from `offset` as far as they are parsed,
 * with the pending edits between them. A plan that is full just sends less.
 */
static void make_plan(struct plan *p, const struct rm_conn *c, const struct rm_tx *tx, size_t offset)
{
	size_t left = tx->bytes - offset, at = 0;
	size_t end = c->dead || c->ahead > left ? left : c->ahead;

	for (int i = 0; i < c->pending_count; i++) {
		const struct rm_pending *e = &c->pending[i];
		size_t n = e->bytes - e->done;

		/* Beyond this call's bytes; an insertion at their very end waits for those behind it. */
		if (e->at >= left || e->at > end)
			break;
		if (e->replace && n > left - e->at)
			n = left - e->at; /* a retry that offers less than before */
		if (!plan_own(p, tx, offset + at, offset + e->at) ||
		    !plan_add(p, e->replace ? PIECE_REPLACE : PIECE_INSERT, rm_text_at(e->text) + e->done, n))
			return;
		at = e->at + (e->replace ? n : 0);
		if (n < e->bytes - e->done)
			return;
	}
	plan_own(p, tx, offset + at, offset + end);
}

/* How many of the first `n` bytes of a plan are the program's. */
static size_t own_bytes(const struct plan *p, size_t n)
{
	size_t own = 0;

	for (int i = 0; i < p->count && n > 0; i++) {
		size_t took = p->iov[i].iov_len < n ? p->iov[i].iov_len : n;

		own += p->what[i] == PIECE_INSERT ? 0 : took;
		n -= took;
	}
	return own;
}

/* The kernel took `n` bytes of the plan: edits that are whole are done. Lock held. */
static void settle(struct rm_conn *c, const struct plan *p, size_t n)
{
	int finished = 0;

	for (int i = 0; i < p->count && n > 0; i++) {
		size_t took = p->iov[i].iov_len < n ? p->iov[i].iov_len : n;
		struct rm_pending *e = &c->pending[finished];

		n -= took;
		if (p->what[i] == PIECE_OWN)
			continue;
		e->done += (uint32_t)took;
		if (e->done < e->bytes)
			break;
		rm_text_put(e->text);
		finished++;
	}
	c->pending_count -= (uint8_t)finished;
	memmove(c->pending, c->pending + finished, c->pending_count * sizeof(c->pending[0]));
}

/* Plans the next call; without a connection any more, what is left of the program's bytes. */
static void next_plan(struct rm_tx *tx, struct plan *p, size_t offset)
{
	struct rm_conn *c = NULL;
	struct rm_scope s;

	p->count = 0;
	if (rm_enter(&s)) {
		c = rm_conn_take(tx->fd, tx->gen);
		if (c) {
			make_plan(p, c, tx, offset);
			rm_conn_release(c);
		}
		rm_leave(&s);
	}
	if (!c)
		plan_own(p, tx, offset, tx->bytes);
}

/*
 * Books what the kernel took of the plan and parses on if the call has more. Returns how many of the
 * bytes are the program's.
 */
static size_t book(struct rm_tx *tx, const struct plan *p, size_t offset, ssize_t result)
{
	size_t taken = result > 0 ? (size_t)result : 0, own = own_bytes(p, taken);
	struct rm_conn *c;
	struct rm_scope s;

	if (!rm_enter(&s))
		return own;
	c = rm_conn_take(tx->fd, tx->gen);
	if (c) {
		settle(c, p, taken);
		advance(c, tx, offset, own);
		if (result > 0)
			parse_ahead(c, s.thread, tx, offset + own);
		rm_conn_release(c);
	}
	rm_leave(&s);
	return own;
}

/* The edited call is over. */
static void finish(struct rm_tx *tx, bool stale)
{
	struct rm_conn *c;
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	c = rm_conn_take(tx->fd, tx->gen);
	if (c) {
		c->tx_busy = 0;
		if (stale)
			mute(c, s.thread, tx->fd);
		release(c, tx->fd);
	}
	rm_leave(&s);
}

ssize_t rm_tx_edit(struct rm_tx *tx, const struct msghdr *m, int flags, rm_sendmsg_fn real)
{
	struct msghdr out = { 0 };
	size_t sent = 0;
	int error = 0;
	bool stale = (flags & (MSG_ZEROCOPY | MSG_OOB)) != 0;

	if (m)
		out = *m;
	while (!stale && sent < tx->bytes) {
		struct plan p;
		ssize_t n;
		size_t want;

		next_plan(tx, &p, sent);
		out.msg_iov = p.iov;
		out.msg_iovlen = (size_t)p.count;
		want = total(p.iov, p.count);
		n = real(tx->fd, &out, flags);
		error = n < 0 ? errno : 0;
		stale = error == ENOTSOCK && !sent;
		sent += book(tx, &p, sent, n);
		if (n < 0 || ((size_t)n < want && sent))
			break;
		out.msg_control = NULL; /* descriptors and credentials travel once */
		out.msg_controllen = 0;
	}
	finish(tx, stale);
	if (stale)
		return RM_TX_STALE;
	errno = error ? error : errno;
	return sent ? (ssize_t)sent : -1;
}
