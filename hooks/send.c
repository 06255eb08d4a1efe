/*
 * Hooks of everything that writes: on a descriptor that carries no traffic of ours they are the
 * real call and two loads. On one that does, the agent says beforehand what to do: pass, pass and
 * report what the kernel took, or let rm_tx_edit make the real calls because header lines go in.
 * splice, which has a socket on either side, is here too.
 * Context: hook. All that writes to a socket can be said as sendmsg, so that is what edits use.
 */
#include "adapters/adapters.h"
#include "agent/datagram.h"
#include "agent/hookapi.h"
#include "hooks/hook.h"
#include "hooks/raw.h"

#include <sys/sendfile.h>
#include <unistd.h>

enum { IOV_LIMIT = 1024, QUESTIONS_MAX = 16 };

RM_HOOK(sendmsg, raw_sendmsg);

/*
 * Asks the agent. True: it has made the calls, and *ret_n is what the caller is to see. False: make
 * the plain call, then finish().
 */
static bool edited(struct rm_tx *tx, enum rm_tx_mode *ret_mode, int fd, const struct iovec *iov,
		   int count, const struct msghdr *m, int flags, ssize_t *ret_n)
{
	*ret_mode = rm_tx_begin(tx, fd, iov, count);
	rm_adapters_secure();
	if (*ret_mode == RM_TX_PASS && rm_datagram_watched(fd)) {
		*ret_mode = RM_TX_DATAGRAM;
		tx->question = rm_datagram_sends(fd, iov, count, m ? m->msg_name : NULL, m ? m->msg_namelen : 0);
	}
	if (*ret_mode != RM_TX_EDIT)
		return false;
	*ret_n = rm_tx_edit(tx, m, flags, real_sendmsg);
	return *ret_n != RM_TX_STALE;
}

/* Arrays that are empty, too long or not there are left to the kernel, which refuses them. */
static bool can_look(const struct iovec *iov, size_t count)
{
	return count > 0 && count <= IOV_LIMIT && rm_may_read(iov, count * sizeof(*iov));
}

static ssize_t finish(struct rm_tx *tx, enum rm_tx_mode mode, ssize_t n)
{
	if (mode == RM_TX_DONE)
		rm_tx_done(tx, n);
	else if (mode == RM_TX_OUTPUT)
		rm_output_done(tx, n);
	else if (mode == RM_TX_DATAGRAM && n < 0)
		rm_datagram_unsent(tx->question);
	return n;
}

RM_HOOK(write, raw_write);
RM_EXPORT ssize_t write(int fd, const void *buf, size_t len)
{
	struct iovec iov = { (void *)buf, len };
	struct rm_with_ids with;
	enum rm_tx_mode mode;
	struct rm_tx tx;
	ssize_t n;

	if (!rm_fd_tracked(fd))
		return real_write(fd, buf, len);
	if (edited(&tx, &mode, fd, &iov, 1, NULL, 0, &n))
		return n;
	if (mode == RM_TX_OUTPUT && rm_output_with_ids(&with, fd, &iov, 1, false))
		return finish(&tx, mode, rm_output_with_ids_done(&with, real_write(fd, with.text, with.bytes)));
	return finish(&tx, mode, real_write(fd, buf, len));
}

RM_HOOK(writev, raw_writev);
RM_EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
	struct rm_with_ids with;
	enum rm_tx_mode mode;
	struct rm_tx tx;
	ssize_t n;

	if (!rm_fd_tracked(fd) || !can_look(iov, (size_t)count))
		return real_writev(fd, iov, count);
	if (edited(&tx, &mode, fd, iov, count, NULL, 0, &n))
		return n;
	if (mode == RM_TX_OUTPUT && rm_output_with_ids(&with, fd, iov, count, false)) {
		const struct iovec all = { with.text, with.bytes };

		return finish(&tx, mode, rm_output_with_ids_done(&with, real_writev(fd, &all, 1)));
	}
	return finish(&tx, mode, real_writev(fd, iov, count));
}

typedef ssize_t (*pwritev2_fn)(int fd, const struct iovec *iov, int count, off_t at, int flags);

/* With an offset of -1 this is writev with flags; any other is refused on a socket. */
static ssize_t watched_pwritev2(int fd, const struct iovec *iov, int count, off_t at, int flags,
				pwritev2_fn real)
{
	enum rm_tx_mode mode;
	struct rm_tx tx;
	ssize_t n;

	if (at != -1 || !rm_fd_tracked(fd) || !can_look(iov, (size_t)count))
		return real(fd, iov, count, at, flags);
	if (flags & ~RWF_NOWAIT) {
		n = real(fd, iov, count, at, flags); /* has no equal in sendmsg */
		rm_tx_opaque(fd, n);
		return n;
	}
	if (edited(&tx, &mode, fd, iov, count, NULL, flags ? MSG_DONTWAIT : 0, &n))
		return n;
	return finish(&tx, mode, real(fd, iov, count, at, flags));
}

RM_HOOK(pwritev2, raw_pwritev2);
RM_EXPORT ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t at, int flags)
{
	return watched_pwritev2(fd, iov, count, at, flags, real_pwritev2);
}

RM_HOOK(pwritev64v2, raw_pwritev2);
RM_EXPORT ssize_t pwritev64v2(int fd, const struct iovec *iov, int count, off64_t at, int flags)
{
	return watched_pwritev2(fd, iov, count, at, flags, real_pwritev64v2);
}

RM_HOOK(send, raw_send);
RM_EXPORT ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	struct iovec iov = { (void *)buf, len };
	enum rm_tx_mode mode;
	struct rm_tx tx;
	ssize_t n;

	if (!rm_fd_tracked(fd))
		return real_send(fd, buf, len, flags);
	if (edited(&tx, &mode, fd, &iov, 1, NULL, flags, &n))
		return n;
	return finish(&tx, mode, real_send(fd, buf, len, flags));
}

RM_HOOK(sendto, raw_sendto);
RM_EXPORT ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to,
			 socklen_t to_len)
{
	struct iovec iov = { (void *)buf, len };
	struct msghdr m = { .msg_name = (void *)to, .msg_namelen = to_len };
	enum rm_tx_mode mode;
	struct rm_tx tx;
	ssize_t n;

	if (!rm_fd_tracked(fd) && !(to && rm_datagram_to(fd, to, to_len)))
		return real_sendto(fd, buf, len, flags, to, to_len);
	if (edited(&tx, &mode, fd, &iov, 1, to ? &m : NULL, flags, &n))
		return n;
	return finish(&tx, mode, real_sendto(fd, buf, len, flags, to, to_len));
}

static ssize_t watched_sendmsg(int fd, const struct msghdr *m, int flags)
{
	enum rm_tx_mode mode;
	struct rm_tx tx;
	ssize_t n;

	if (!rm_may_read(m, sizeof(*m)) || !can_look(m->msg_iov, m->msg_iovlen))
		return real_sendmsg(fd, m, flags);
	if (edited(&tx, &mode, fd, m->msg_iov, (int)m->msg_iovlen, m, flags, &n))
		return n;
	return finish(&tx, mode, real_sendmsg(fd, m, flags));
}

RM_EXPORT ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	if (!rm_fd_tracked(fd) &&
	    !(rm_datagram_may(fd) && rm_may_read(m, sizeof(*m)) && rm_datagram_to(fd, m->msg_name, m->msg_namelen)))
		return real_sendmsg(fd, m, flags);
	return watched_sendmsg(fd, m, flags);
}

RM_HOOK(sendmmsg, raw_sendmmsg);

/* Of datagrams, that of a resolver that asks for both families at once, or of several names. */
static int sent_datagrams(int fd, struct mmsghdr *m, unsigned count, int flags)
{
	uint64_t question[QUESTIONS_MAX] = { 0 };
	unsigned looked = count < QUESTIONS_MAX ? count : QUESTIONS_MAX;
	int sent;

	looked = rm_may_read(m, looked * sizeof(*m)) ? looked : 0;
	for (unsigned i = 0; i < looked; i++) {
		const struct msghdr *h = &m[i].msg_hdr;

		if (can_look(h->msg_iov, h->msg_iovlen) && rm_datagram_to(fd, h->msg_name, h->msg_namelen))
			question[i] = rm_datagram_sends(fd, h->msg_iov, (int)h->msg_iovlen, h->msg_name, h->msg_namelen);
	}
	sent = real_sendmmsg(fd, m, count, flags);
	for (unsigned i = sent < 0 ? 0 : (unsigned)sent; i < looked; i++)
		rm_datagram_unsent(question[i]);
	return sent;
}

/*
 * On a stream, what the kernel does for this call: one sendmsg after the other until one fails or
 * is short. Made here, since what goes into a message depends on the ones before it.
 */
RM_EXPORT int sendmmsg(int fd, struct mmsghdr *m, unsigned count, int flags)
{
	unsigned sent = 0;
	bool whole = true;

	if (rm_datagram_may(fd))
		return sent_datagrams(fd, m, count, flags);
	if (!rm_fd_tracked(fd) || !rm_active())
		return real_sendmmsg(fd, m, count, flags);
	for (; sent < count && sent < IOV_LIMIT && whole; sent++) {
		const struct msghdr *h = &m[sent].msg_hdr;
		ssize_t n = watched_sendmsg(fd, h, flags);
		size_t bytes = 0;

		if (n < 0)
			return sent ? (int)sent : -1;
		m[sent].msg_len = (unsigned)n;
		for (size_t i = 0; i < h->msg_iovlen; i++)
			bytes += h->msg_iov[i].iov_len;
		whole = (size_t)n == bytes;
	}
	return (int)sent;
}

RM_HOOK(sendfile, raw_sendfile);
RM_EXPORT ssize_t sendfile(int out, int in, off_t *at, size_t len)
{
	ssize_t n;

	if (!rm_fd_tracked(out))
		return real_sendfile(out, in, at, len);
	if (!rm_tx_finish_line(out, 0, real_sendmsg))
		return -1;
	n = real_sendfile(out, in, at, len);
	rm_tx_opaque(out, n);
	return n;
}

RM_HOOK(sendfile64, raw_sendfile);
RM_EXPORT ssize_t sendfile64(int out, int in, off64_t *at, size_t len)
{
	ssize_t n;

	if (!rm_fd_tracked(out))
		return real_sendfile64(out, in, at, len);
	if (!rm_tx_finish_line(out, 0, real_sendmsg))
		return -1;
	n = real_sendfile64(out, in, at, len);
	rm_tx_opaque(out, n);
	return n;
}

RM_HOOK(splice, raw_splice);
RM_EXPORT ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned flags)
{
	ssize_t n;

	if (rm_fd_tracked(out) && !rm_tx_finish_line(out, flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0, real_sendmsg))
		return -1;
	n = real_splice(in, in_at, out, out_at, len, flags);
	if (rm_fd_tracked(in))
		rm_rx_opaque(in, n);
	if (rm_fd_tracked(out))
		rm_tx_opaque(out, n);
	return n;
}
