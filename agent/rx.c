/*
 * Bytes that the program reads: fed after the fact, and for requests on accepted connections
 * rewritten in the program's own buffer, so that it reads our SERVER span as its parent.
 *
 * To have room for one header line the real read is asked for RM_INGRESS_RESERVE bytes less while a
 * head is expected. If it filled all it was asked for, a second, non-blocking read tops the buffer
 * up, whatever became of the connection meanwhile: edge-triggered programs see exactly the fullness
 * they rely on, and no byte is ever held back.
 *
 * Some of them ask how much waits (FIONREAD) and count down what they read; at zero they go to sleep. What
 * is put in must not make them do so over bytes, or an end, that are there already: see upsets_count.
 *
 * read() and its kin may be reading a file by now, under the number of a connection whose close we did
 * not see: before such a buffer is changed, the kernel is asked.
 *
 * Runs in hooks. Must never: block, keep bytes, change a read that MSG_PEEK looked at before.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "agent/context.h"
#include "agent/datagram.h"
#include "agent/hookapi.h"
#include "agent/insert.h"
#include "agent/outlet.h"
#include "agent/stream.h"
#include "base/sys.h"

enum { INGRESS_MIN_ROOM = 256, UNSAFE_READS = 63 };

/*
 * A thread is about to wait for the next request on a kept connection. Servers whose threads do
 * nothing but receive and send pass no other place where the worker could be started. A handler of a
 * signal could stand here too: while one runs its signal is blocked, so only a thread that blocks
 * none is trusted. One that does so once does it mostly: the kernel is not asked with each request.
 */
static __attribute__((noinline)) void between_requests(int fd)
{
	struct rm_thread *t = rm_thread_self();
	uint64_t blocked = 0;
	struct rm_scope s;

	if (t->unsafe_for) {
		t->unsafe_for--;
		return;
	}
	if (rm_sys3(__NR_fcntl, fd, F_GETFL, 0) & O_NONBLOCK ||
	    rm_sys4(__NR_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof(blocked)) < 0 || blocked) {
		t->unsafe_for = UNSAFE_READS;
		return;
	}
	if (!rm_enter(&s))
		return;
	rm_outlet_safe_point();
	rm_leave(&s);
}

/*
 * Over a Unix socket descriptors and credentials come between the bytes, and one read gives those of one
 * message: what a program reads with them is left alone.
 */
static __attribute__((noinline)) void find_family(struct rm_conn *c, int fd)
{
	int family = AF_UNSPEC;
	socklen_t len = sizeof(family);

	rm_sys5(__NR_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
	if (family == AF_INET || family == AF_INET6)
		c->internet = 1;
	else
		c->peeked = 1;
}

RM_GLANCE void rm_rx_begin(struct rm_rx *rx, int fd, size_t room, int flags)
{
	const struct rm_config *config = rm_context_config();
	const struct rm_proto *proto;
	struct rm_conn *c;

	*rx = (struct rm_rx){ .fd = fd };
	c = rm_conn_peek_gen(fd, &rx->gen);
	if (!c || c->muted) {
		rx->datagram = rx->watch = !c && rm_datagram_watched(fd) && !(flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE));
		return;
	}
	if (!rm_may_enter()) {
		rm_conn_bypassed(c);
		return;
	}
	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)) {
		c->peeked |= (flags & MSG_PEEK) != 0;
		return;
	}
	rx->conn = c;
	rx->watch = true;
	rx->unseen = (flags & MSG_TRUNC) != 0;
	rx->plain = (flags & RM_RX_PLAIN) != 0;
	proto = __atomic_load_n(&c->proto, __ATOMIC_RELAXED);
	if (proto && !rm_proto_at_head(proto, c->state))
		return;
	if (c->accepted && proto && !(flags & MSG_DONTWAIT) && rm_outlet_wants_worker())
		between_requests(fd);
	if (flags & RM_RX_CONTROL && !c->internet && !c->peeked)
		find_family(c, fd);
	if (config->ingress && room >= INGRESS_MIN_ROOM && c->role != RM_ROLE_CLIENT && !c->peeked &&
	    !(flags & (MSG_WAITALL | MSG_TRUNC)))
		rx->reserve = RM_INGRESS_RESERVE;
}

/* Feeds `n` (not 0) bytes. False: nothing further is to be fed now. */
static inline bool feed_piece(struct rm_visit *v, const char *p, size_t n)
{
	if (!v->conn->role)
		v->conn->role = RM_ROLE_SERVER; /* the client speaks first, and it is not us */
	return rm_stream_feed(v, v->conn->role == RM_ROLE_CLIENT ? RM_DIR_RESPONSE : RM_DIR_REQUEST, p, n) >= 0 && !v->full;
}

/* Feeds `n` bytes of scattered memory from offset `from`, or less when there is no room for more edits. */
static void feed(struct rm_visit *v, const struct iovec *iov, int count, size_t from, size_t n)
{
	for (int i = 0; i < count && n > 0; i++) {
		size_t take = iov[i].iov_len;

		if (from >= take) {
			from -= take;
			continue;
		}
		take = take - from < n ? take - from : n;
		if (!feed_piece(v, (char *)iov[i].iov_base + from, take))
			return;
		n -= take;
		from = 0;
	}
}

/*
 * The first read filled all it was asked for: take what else is there, without waiting. What was read as
 * anything is, in place of recv, may be no socket, and gives up to what it says to have. Of control data (when
 * bytes came, how many are left) one whole read would have told of the last byte, as this one does.
 */
static __attribute__((noinline)) size_t top_up(const struct rm_rx *rx, const struct iovec *iov, int count,
					       size_t filled, size_t room)
{
	struct iovec rest[16];
	struct msghdr m = {
		.msg_iov = rest,
		.msg_control = rx->control.iov_base,
		.msg_controllen = rx->control.iov_len,
	};
	struct rm_cursor c = { .iov = iov, .count = count };
	size_t left;
	int waiting = 0;
	long n;

	if (filled >= room || count > 16 || rm_sys3(__NR_ioctl, rx->fd, FIONREAD, &waiting) < 0 || waiting <= 0)
		return 0;
	left = (size_t)waiting;
	rm_cursor_seek(&c, filled);
	for (int i = c.i; i < count && left > 0; i++) {
		size_t take = iov[i].iov_len - c.off < left ? iov[i].iov_len - c.off : left;

		rest[m.msg_iovlen++] = (struct iovec){ (char *)iov[i].iov_base + c.off, take };
		left -= take;
		c.off = 0;
	}
	/* Raw: no cancellation with the lock held. */
	n = rx->plain ? rm_sys3(__NR_readv, rx->fd, rest, m.msg_iovlen)
		      : rm_sys3(__NR_recvmsg, rx->fd, &m, MSG_DONTWAIT);
	if (n > 0 && rx->m)
		rx->m->msg_controllen = m.msg_controllen;
	return n > 0 ? (size_t)n : 0;
}

/*
 * True when more bytes than the kernel gave might mislead a program that counts. It takes its count after a
 * read that was full, or before one, whose room the count is then; after one, nothing may be driven out of
 * the buffer, and no end be there: nginx forgets it over a count that goes below zero.
 */
static __attribute__((noinline)) bool upsets_count(const struct rm_rx *rx, bool full)
{
	struct pollfd end = { .fd = rx->fd, .events = POLLRDHUP };
	const struct timespec now = { 0 };
	int waiting = 0;

	if (rx->conn->brimmed)
		return full || rm_sys5(__NR_ppoll, &end, 1, &now, NULL, 0) != 0;
	return full && (rm_sys3(__NR_ioctl, rx->fd, FIONREAD, &waiting) < 0 || (size_t)waiting == rx->reserve);
}

/* Nobody looks at these bytes. That the program was given less room must still not show. */
static ssize_t leave_alone(const struct rm_rx *rx, const struct iovec *iov, int iov_count, ssize_t result)
{
	size_t room = rx->reserve && result > 0 ? rm_iov_total(iov, iov_count) : 0;

	if (result > 0)
		rm_conn_doubt(rx->fd);
	/* A number that was closed is not to be read from: it may be anybody's by now. */
	if (!room || (size_t)result + rx->reserve != room || !rm_conn_still_there(rx->conn, rx->gen, rx->fd))
		return result;
	return result + (ssize_t)top_up(rx, iov, iov_count, (size_t)result, room);
}

/*
 * Carries out what is to be changed in the `filled` bytes, unless it cannot be: then nothing further is, and *limit is 0.
 * Returns how many bytes there are then.
 */
static size_t edit(const struct rm_rx *rx, struct rm_visit *v, const struct iovec *iov, int iov_count, size_t filled,
		   size_t *limit, bool full)
{
	size_t grown;

	if (rm_insert_grows(v) && (full || rx->conn->brimmed) && upsets_count(rx, full)) {
		rm_insert_drop(v);
		*limit = 0;
	}
	if (v->edit_count && rx->plain && !rm_fd_is_stream(rx->fd)) {
		rm_insert_drop(v);
		rm_stream_mute(v);
		v->full = false;
		return filled;
	}
	grown = rm_insert_apply(v, iov, iov_count, filled);
	v->base += grown;
	return filled + grown;
}

/*
 * Feeds what was read from v->base on and carries out what is to be changed, as many heads at a time as a
 * visit has edits. The bytes may grow up to `limit`. Returns how many there are then.
 */
static size_t feed_and_edit(const struct rm_rx *rx, struct rm_visit *v, const struct iovec *iov, int iov_count,
			    size_t filled, size_t limit, bool full)
{
	do {
		v->full = false;
		v->insert_room = limit > filled ? rm_insert_room(iov, iov_count, filled, limit) : 0;
		feed(v, iov, iov_count, v->base, filled - v->base);
		if (v->edit_count)
			filled = edit(rx, v, iov, iov_count, filled, &limit, full);
	} while (v->full);
	return filled;
}

/* The bytes that were read into `room`, and those for which it was kept back in part. Returns all of them. */
static size_t look_at(const struct rm_rx *rx, struct rm_visit *v, const struct iovec *iov, int iov_count,
		      size_t filled, size_t room)
{
	size_t more;
	bool full = rx->reserve && filled + rx->reserve == room;

	/* A read that was not full does not become so. */
	filled = feed_and_edit(rx, v, iov, iov_count, filled, !rx->reserve ? 0 : full ? room : room - 1, full);
	if (!full)
		return filled;
	more = top_up(rx, iov, iov_count, filled, room);
	return more && !v->conn->muted ? feed_and_edit(rx, v, iov, iov_count, filled + more, 0, full) : filled + more;
}

ssize_t rm_rx_done(struct rm_rx *rx, const struct iovec *iov, int iov_count, ssize_t result)
{
	struct rm_scope s;
	struct rm_visit v;
	struct rm_conn *c;
	size_t room;

	if (rx->datagram) {
		rm_datagram_received(rx->fd, iov, iov_count, result);
		return result;
	}
	if (rx->watch && rx->unseen && result > 0) {
		rm_rx_opaque(rx->fd, result);
		return result;
	}
	if (!rx->watch || (result < 0 && !rm_error_is_fatal(errno)))
		return result;
	if (!rm_conn_enter(rx->conn, &s))
		return leave_alone(rx, iov, iov_count, result);
	c = rm_conn_retake(rx->conn, rx->gen, rx->fd);
	if (!c) {
		result = leave_alone(rx, iov, iov_count, result);
		goto out;
	}
	room = rm_iov_total(iov, iov_count);
	rm_visit_init(&v, c, s.thread, rx->fd);
	if (result > 0) {
		result = (ssize_t)look_at(rx, &v, iov, iov_count, (size_t)result, room);
		c->brimmed = (size_t)result == room;
	} else if (result < 0 || room > 0) { /* a read of no room tells nothing */
		rm_stream_end(&v, rm_stream_dir(c, false) == RM_DIR_REQUEST ? RM_DIR_REQUEST : RM_DIR_RESPONSE,
			      result < 0);
	}
	if (c->muted)
		rm_conn_forget_fd(c, rx->fd);
	else
		rm_conn_release(c);
out:
	rm_end(&s);
	return result;
}

void rm_rx_no_socket(const struct rm_rx *rx)
{
	struct rm_scope s;

	if (!rm_conn_enter(rx->conn, &s))
		return;
	if (rm_conn_gen(rx->conn, rx->fd) == rx->gen)
		rm_fd_close(&s, rx->fd);
	rm_leave(&s);
}

void rm_rx_opaque(int fd, ssize_t result)
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
		dir = rm_stream_dir(c, false);
		if (dir < 0 || !c->proto || c->dead ||
		    c->proto->skip(c->state, (enum rm_dir)dir, (uint64_t)result, &v.sink, &v) < 0)
			rm_stream_mute(&v);
		if (c->muted)
			rm_conn_forget_fd(c, fd);
		else
			rm_conn_release(c);
	}
	rm_leave(&s);
}
