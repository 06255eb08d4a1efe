/*
 * Bytes that the program sends. Responses are fed after the kernel took them. Requests are parsed
 * ahead, before the call, because their heads get our header lines.
 *
 * The rewrite, stated once: the program's bytes are a stream; `ahead` of them, counted from what the
 * kernel has accepted, are already parsed; `pending` are edits at fixed places of that stream,
 * each a text that stands between two bytes or takes the place of some. A call sends program bytes
 * and edits in order, and of what the kernel took only the program's own bytes are reported; those
 * that a text replaces count one for one as the text goes out, the last of them with its last byte.
 * Hence:
 *   - nothing is sent twice or left out: position and edits advance by what the kernel took;
 *   - a short write leaves `ahead` > 0; the program repeats those bytes and they are not parsed again.
 *     Edits that wait are put into bytes that were compared, all of them, with those parsed; a
 *     program that offers others sends what it offers;
 *   - a text cut in the middle is finished before any further byte of the program, those of sendfile and
 *     splice included (where it is an insertion);
 *   - a program that saw all its bytes accepted never owes us another call: an insertion always has
 *     program bytes behind it in the same call (the empty line that ends the head), and the last
 *     byte that is replaced is accepted with the last of the text.
 *
 * The program's memory is read here before the kernel has seen it. Where it cannot be read the
 * connection is left alone, and the kernel says EFAULT as it would without us.
 *
 * Runs in hooks. The connection is not locked during the real call. An edited one has `tx_busy`, by
 * which the sending side is its own, and a reference: whatever other threads do meanwhile, close
 * included, the texts it sends stay, and it can always write down how far it got. (A thread that
 * leaves the call by cancellation or longjmp keeps both: that connection is never muted nor freed.)
 */
#include <errno.h>

#include "agent/context.h"
#include "agent/output.h"
#include "agent/server_timing.h"
#include "agent/stream.h"
#include "agent/tx_plan.h"
#include "base/clock.h"
#include "base/sys.h"

enum { BUSY_WAIT_NS = 1000000, UNDER_WAY = UINT8_MAX, PAGE = 4096 };

static size_t total(const struct iovec *iov, int count)
{
	size_t n = 0;

	for (int i = 0; i < count; i++)
		n += iov[i].iov_len;
	return n;
}

/* True when the call begins with the `n` bytes at `p`, as far as it goes. */
static bool begins_with(const struct rm_tx *tx, const char *p, size_t n)
{
	for (int i = 0; i < tx->iov_count && n > 0; i++) {
		size_t take = tx->iov[i].iov_len < n ? tx->iov[i].iov_len : n;

		if (!rm_may_read(tx->iov[i].iov_base, take) || memcmp(tx->iov[i].iov_base, p, take) != 0)
			return false;
		p += take;
		n -= take;
	}
	return true;
}

/*
 * The bytes the kernel refused are offered again: compared as far as edits depend on them, else as
 * far as we remember them. Nothing is remembered of a call that is not over.
 */
static bool same_retry(const struct rm_conn *c, const struct rm_tx *tx)
{
	if (c->retry)
		return begins_with(tx, rm_text_at(c->retry) + c->retry_at, c->retry_end - c->retry_at);
	return c->ahead_known != UNDER_WAY && begins_with(tx, (const char *)c->ahead_head, c->ahead_known);
}

static void forget_retry(struct rm_conn *c)
{
	rm_text_put(c->retry);
	c->retry = 0;
}

/* Drops the edits that wait, but not one that is half sent. */
static void drop_pending(struct rm_conn *c)
{
	bool begun = rm_conn_begun(c);

	for (int i = begun; i < c->pending_count; i++)
		rm_text_put(c->pending[i].text);
	c->pending_count = begun;
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
		if (rm_stream_feed(v, RM_DIR_REQUEST, p, take) < 0 || v->full)
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
	rm_pending_adopt(c, &v);
	c->ahead += (uint32_t)v.base;
	c->ahead_known = UNDER_WAY;
	if (c->dead)
		drop_pending(c);
}

/* Leaves the connection alone from now on, or from when an insertion that is half sent is whole. */
static void give_up(struct rm_conn *c, struct rm_thread *t, int fd)
{
	struct rm_visit v;

	if (!rm_conn_busy(c))
		drop_pending(c);
	rm_visit_init(&v, c, t, fd);
	rm_stream_mute(&v);
}

static enum rm_tx_mode begin_request(struct rm_tx *tx, struct rm_conn *c, struct rm_thread *t)
{
	if (((c->ahead || c->retry) && !same_retry(c, tx)) || tx->bytes + c->ahead >= UINT32_MAX)
		give_up(c, t, tx->fd);
	parse_ahead(c, t, tx, 0);
	if (c->pending_count)
		return RM_TX_EDIT;
	return c->muted ? RM_TX_PASS : RM_TX_DONE;
}

/*
 * Takes the connection once no edited call of another thread is under way. NULL also when that call
 * lasts, or is this very thread's, which a signal handler interrupted.
 */
static struct rm_conn *take_idle(int fd)
{
	uint64_t until_ns = 0, now_ns;
	struct rm_conn *c;
	bool given_up;

	for (;;) {
		c = rm_conn_take(fd);
		if (!c || !rm_conn_busy(c))
			return c;
		now_ns = rm_clock_mono_ns();
		until_ns = until_ns ? until_ns : now_ns + BUSY_WAIT_NS;
		given_up = c->gap || now_ns >= until_ns;
		if (given_up)
			atomic_store(&c->gap, 1); /* two threads send at once: nobody knows the order */
		rm_conn_release(c);
		if (given_up)
			return NULL;
		rm_sys0(__NR_sched_yield);
	}
}

static void release(struct rm_conn *c, int fd)
{
	if (c->muted)
		rm_conn_forget_fd(c, fd);
	else
		rm_conn_release(c);
}

/*
 * A server's call is edited when heads are in it that get fields, or when an edit is half sent: what follows one that
 * takes the place of bytes is looked at once it is whole. Its bytes are fed when they are sent, as those of other calls.
 */
static enum rm_tx_mode begin_response(struct rm_tx *tx, struct rm_conn *c, struct rm_thread *t)
{
	if (tx->bytes >= UINT32_MAX)
		return RM_TX_DONE;
	if (rm_conn_begun(c))
		c->ahead = c->pending[0].del ? rm_pending_left(&c->pending[0]) : (uint32_t)tx->bytes;
	else if (!rm_server_timing(c, t, tx->iov, tx->iov_count, 0))
		return RM_TX_DONE;
	return RM_TX_EDIT;
}

/* The sending side is this call's from now on. Lock held. */
static struct rm_conn *occupy(struct rm_tx *tx, struct rm_conn *c)
{
	rm_conn_hold(c);
	tx->busy = rm_epoch() + 1;
	atomic_store(&c->tx_busy, tx->busy);
	return c;
}

/* It is not any more. */
static void let_go(struct rm_conn *c)
{
	struct rm_scope s;

	atomic_store(&c->tx_busy, 0);
	if (!rm_enter(&s))
		return; /* the process is at its end */
	rm_conn_drop(c);
	rm_leave(&s);
}

static RM_GLANCE bool adds_nothing(const volatile struct rm_conn *c)
{
	return c->role == RM_ROLE_SERVER && !c->asked && !rm_context_config()->server_timing;
}

enum rm_tx_mode rm_tx_begin(struct rm_tx *tx, int fd, const struct iovec *iov, int iov_count)
{
	uint32_t gen = 0;
	struct rm_conn *c = rm_conn_peek_gen(fd, &gen);
	enum rm_tx_mode mode = RM_TX_PASS;
	struct rm_scope s;

	if (!c || c->muted)
		return c && c->output ? rm_output_begin(tx, c, fd, iov, iov_count) : RM_TX_PASS;
	*tx = (struct rm_tx){ .conn = c, .fd = fd, .iov = iov, .iov_count = iov_count, .bytes = total(iov, iov_count) };
	/* What a server sends is looked at afterwards; rm_tx_done sees whether it is still this one. */
	tx->gen = gen;
	if (adds_nothing(c))
		return RM_TX_DONE;
	if (!rm_conn_enter(c, &s))
		return RM_TX_PASS;
	c = tx->bytes ? take_idle(fd) : NULL;
	if (!c)
		goto out;
	tx->conn = c;
	tx->gen = atomic_load(&c->gen);
	if (!c->role)
		c->role = RM_ROLE_CLIENT; /* the client speaks first, and that is us */
	mode = c->role == RM_ROLE_CLIENT ? begin_request(tx, c, s.thread) : begin_response(tx, c, s.thread);
	if (mode == RM_TX_EDIT)
		occupy(tx, c);
	release(c, fd);
out:
	rm_leave(&s);
	return mode;
}

/* Copies bytes of the call from `from` on. */
static size_t copy_from(const struct rm_tx *tx, size_t from, void *ret, size_t cap)
{
	size_t n = 0;

	for (int i = 0; i < tx->iov_count && n < cap; i++) {
		struct iovec rest = tx->iov[i];

		if (from >= rest.iov_len) {
			from -= rest.iov_len;
			continue;
		}
		rest.iov_len -= from;
		rest.iov_len = rest.iov_len < cap - n ? rest.iov_len : cap - n;
		if (!rm_may_read((char *)rest.iov_base + from, rest.iov_len))
			break;
		memcpy((char *)ret + n, (char *)rest.iov_base + from, rest.iov_len);
		n += rest.iov_len;
		from = 0;
	}
	return n;
}

/* How far the program's bytes matter to the edits that wait: to the end of the last one's place. */
static size_t edits_reach(const struct rm_conn *c)
{
	const struct rm_pending *last = &c->pending[c->pending_count - 1];

	return (size_t)last->at + (last->del ? rm_pending_left(last) : 1);
}

/* Remembers what the program has to offer again: the bytes of the call from `from` on. */
static void remember_retry(struct rm_conn *c, const struct rm_tx *tx, size_t from)
{
	c->ahead_known = (uint8_t)copy_from(tx, from, c->ahead_head, sizeof(c->ahead_head));
	if (c->retry || !c->pending_count)
		return;
	/* These edits are new: the bytes they were made for were all in this call. */
	c->retry = rm_text_get(edits_reach(c));
	c->retry_at = 0;
	c->retry_end = (uint32_t)edits_reach(c);
	if (c->retry) {
		copy_from(tx, from, rm_text_at(c->retry), c->retry_end);
		return;
	}
	drop_pending(c);
	atomic_store(&c->gap, 1);
}

/* The kernel took `n` bytes of the program: positions move up. */
static void advance(struct rm_conn *c, size_t n)
{
	rm_pending_advance(c, n);
	if (c->retry) {
		c->retry_at = n < c->retry_end - c->retry_at ? c->retry_at + (uint32_t)n : c->retry_end;
		if (!c->pending_count)
			forget_retry(c);
	}
}

/* A response went out (or part of it): feeds what the kernel took, up to byte `n` of the call. Lock held. */
static void feed_response(struct rm_conn *c, struct rm_thread *t, const struct rm_tx *tx, size_t n)
{
	size_t skip = tx->fed;
	struct rm_visit v;

	rm_visit_init(&v, c, t, tx->fd);
	for (int i = 0; i < tx->iov_count && n > 0; i++) {
		size_t take = tx->iov[i].iov_len < n ? tx->iov[i].iov_len : n;

		n -= take;
		if (skip >= take) {
			skip -= take;
			continue;
		}
		if (rm_stream_feed(&v, RM_DIR_RESPONSE, (char *)tx->iov[i].iov_base + skip, take - skip) < 0)
			return;
		skip = 0;
	}
}

void rm_tx_done(struct rm_tx *tx, ssize_t result)
{
	struct rm_conn *c;
	struct rm_scope s;

	if (!rm_conn_enter(tx->conn, &s))
		return;
	c = rm_conn_retake(tx->conn, tx->gen, tx->fd);
	if (c) {
		if (c->role == RM_ROLE_CLIENT) {
			advance(c, result > 0 ? (size_t)result : 0);
			remember_retry(c, tx, result > 0 ? (size_t)result : 0);
		} else if (result > 0) {
			feed_response(c, s.thread, tx, (size_t)result);
		}
		release(c, tx->fd);
	} else if (result > 0) {
		rm_conn_doubt(tx->fd);
	}
	rm_leave(&s);
}

void rm_tx_opaque(int fd, ssize_t result)
{
	struct rm_conn *c = rm_conn_peek(fd);
	struct rm_scope s;
	struct rm_visit v;
	int dir;

	if (result <= 0 || !c || c->muted || !rm_conn_enter(c, &s))
		return;
	c = rm_conn_take(fd);
	if (c) {
		rm_visit_init(&v, c, s.thread, fd);
		dir = rm_stream_dir(c, true);
		/* An edited call that is under way moves `ahead` on without the lock. */
		if (dir < 0 || !c->proto || rm_conn_busy(c) || c->ahead ||
		    c->proto->skip(c->state, (enum rm_dir)dir, (uint64_t)result, &v.sink, &v) < 0)
			give_up(c, s.thread, fd);
		release(c, fd);
	}
	rm_leave(&s);
}

/* ---- the edited call ---- */

/* What a server's call has behind the edits that are done, which was not looked at yet. Lock held. */
static void look_on(struct rm_conn *c, struct rm_thread *t, struct rm_tx *tx, size_t offset)
{
	feed_response(c, t, tx, offset);
	tx->fed = (uint32_t)offset;
	if (!rm_server_timing(c, t, tx->iov, tx->iov_count, offset))
		c->ahead = (uint32_t)(tx->bytes - offset);
}

/* Parses on where the call has more. What nobody can parse now is a gap. */
static void parse_rest(struct rm_tx *tx, size_t offset)
{
	struct rm_conn *c = tx->conn;
	struct rm_scope s;

	if (c->pending_count || c->gap || c->ahead >= tx->bytes - offset)
		return;
	if (!rm_enter(&s)) {
		atomic_store(&c->gap, 1);
		return;
	}
	if (rm_conn_lock(c)) {
		if (c->role == RM_ROLE_SERVER)
			look_on(c, s.thread, tx, offset);
		else
			parse_ahead(c, s.thread, tx, offset);
		rm_conn_release(c);
	}
	rm_leave(&s);
}

/* The edited call is over; `sent` bytes of the program went out. */
static void finish(struct rm_tx *tx, size_t sent, bool stale)
{
	struct rm_conn *c = tx->conn;
	struct rm_scope s;

	if (c->role == RM_ROLE_SERVER) {
		drop_pending(c);
		c->ahead = 0;
	} else {
		remember_retry(c, tx, sent);
	}
	atomic_store(&c->tx_busy, 0);
	if (!rm_enter(&s))
		return; /* the process is at its end */
	if (c->role == RM_ROLE_SERVER && sent && rm_conn_lock(c)) {
		if (!c->dead)
			feed_response(c, s.thread, tx, sent);
		release(c, tx->fd);
	}
	if ((stale || c->dead) && rm_conn_lock(c)) {
		give_up(c, s.thread, tx->fd);
		release(c, tx->fd);
	}
	rm_conn_drop(c);
	rm_leave(&s);
}

/* What cannot be said with other bytes in between is left as the program said it. */
static bool must_pass(const struct rm_conn *c, int *flags)
{
	const int never = MSG_ZEROCOPY | MSG_OOB;

	if (!(*flags & never))
		return false;
	if (!rm_conn_begun(c))
		return true;
	*flags &= ~never;
	return false;
}

/*
 * A signal handler forked during the call, and its child, in which this call was forgotten with all that
 * it was changing, came back from the handler. What the child is told is what the plan alone tells.
 */
static ssize_t forgotten(const struct rm_tx_plan *p, size_t sent, ssize_t n)
{
	for (int i = 0; i < p->count && n > 0; n -= (ssize_t)p->iov[i++].iov_len)
		if (!p->text[i])
			sent += p->iov[i].iov_len < (size_t)n ? p->iov[i].iov_len : (size_t)n;
	if (!sent && n >= 0)
		errno = EINTR;
	return sent ? (ssize_t)sent : -1;
}

ssize_t rm_tx_edit(struct rm_tx *tx, const struct msghdr *m, int flags, rm_sendmsg_fn real)
{
	struct rm_conn *c = tx->conn;
	struct msghdr out = { 0 };
	size_t sent = 0, taken = 0; /* of the program's bytes; of all */
	int error = errno;
	bool stale = must_pass(c, &flags);

	if (m)
		out = *m;
	while (!stale && sent < tx->bytes) {
		struct msghdr now;
		struct rm_tx_plan p;
		size_t want, own;
		ssize_t n;

		/* Closed meanwhile, the number may be another connection's: that one is not to get the rest. */
		if (taken && rm_conn_peek(tx->fd) != c) {
			error = sent ? error : EBADF;
			break;
		}
		rm_tx_lay_out(&p, c, tx, sent);
		/* Descriptors and credentials travel once, with a byte that the program hears of. */
		now = out;
		if (p.text[0] && !c->pending[0].del && out.msg_controllen) {
			p.count = 1;
			now.msg_control = NULL;
			now.msg_controllen = 0;
		}
		now.msg_iov = p.iov;
		now.msg_iovlen = (size_t)p.count;
		want = total(p.iov, p.count);
		n = real(tx->fd, &now, flags);
		if (atomic_load_explicit(&c->tx_busy, memory_order_relaxed) != tx->busy)
			return forgotten(&p, sent, n);
		/* Of a number that was a socket's a moment ago, a plain call would reach somebody else's file. */
		stale = n < 0 && errno == ENOTSOCK && !taken;
		/* Who is told of bytes that went out is not told of an error, not by errno either. */
		if (n < 0 && !sent && !stale)
			error = errno;
		taken += n > 0 ? (size_t)n : 0;
		own = rm_tx_settle(c, &p, n > 0 ? (size_t)n : 0);
		sent += own;
		advance(c, own);
		if (n < 0 || ((size_t)n < want && sent))
			break;
		if (own) {
			out.msg_control = NULL;
			out.msg_controllen = 0;
		}
		parse_rest(tx, sent);
	}
	finish(tx, sent, stale);
	errno = error;
	if (stale)
		return RM_TX_STALE;
	return sent ? (ssize_t)sent : -1;
}

/* ---- before a call that shows no bytes ---- */

/* A line of ours is half sent. Of one that takes the place of bytes the program has those, and sends their rest. */
static RM_GLANCE bool is_cut(const struct rm_conn *c)
{
	return c->pending_count && c->pending[0].done && !c->pending[0].del;
}

/* Sends the rest, as rm_tx_edit does. False: the socket takes no more of it now. */
static bool send_rest(struct rm_tx *tx, int flags, rm_sendmsg_fn real)
{
	struct rm_conn *c = tx->conn;
	const struct rm_pending *e = &c->pending[0];
	int error = errno;
	bool later = false;

	while (is_cut(c) && rm_conn_peek(tx->fd) == c) {
		struct rm_tx_plan p = { .text = { true }, .count = 1 };
		struct msghdr m = { .msg_iov = p.iov, .msg_iovlen = 1 };
		ssize_t n;

		p.iov[0] = (struct iovec){ rm_text_at(e->text) + e->done, e->bytes - e->done };
		n = real(tx->fd, &m, flags | MSG_NOSIGNAL); /* a broken pipe is told by the call to come */
		if (atomic_load_explicit(&c->tx_busy, memory_order_relaxed) != tx->busy)
			return true;
		if (n <= 0) {
			later = n < 0 && (errno == EAGAIN || errno == EINTR);
			break;
		}
		rm_tx_settle(c, &p, (size_t)n);
	}
	error = later ? errno : error;
	let_go(c);
	errno = error;
	return !later;
}

bool rm_tx_finish_line(int fd, int flags, rm_sendmsg_fn real)
{
	struct rm_conn *c = rm_conn_peek(fd);
	struct rm_tx tx = { .fd = fd };
	struct rm_scope s;

	if (!c || c->muted || !is_cut(c) || !rm_conn_enter(c, &s))
		return true;
	c = take_idle(fd);
	if (c && is_cut(c))
		tx.conn = occupy(&tx, c);
	if (c)
		release(c, fd);
	rm_leave(&s);
	return !tx.conn || send_rest(&tx, flags, real);
}
