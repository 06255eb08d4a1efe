/*
 * Hooks of everything that reads: on a descriptor that carries no traffic of ours they are the real
 * call and two loads. On one that does, the agent may ask for less than the caller's room
 * (rx.reserve), to put a header line into what the program reads; the real call is still made once,
 * with the caller's arguments but for that length; read is made as recv then, see read_head.
 * Context: hook. A buffer the kernel would have refused with EFAULT is read by us only after the
 * kernel has written it; arrays and headers of the caller are looked at only if they can be read.
 * recvmsg and recvmmsg also tell of descriptors that another process sent along.
 */
#include "agent/hookapi.h"
#include "hooks/hook.h"
#include "hooks/raw.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Longer arrays are not copied, and then nothing is put in; nobody reads a head into so many. */
enum { IOV_COPY = 16, IOV_LIMIT = 1024 };

static size_t room_of(const struct iovec *iov, size_t count)
{
	size_t room = 0;

	for (size_t i = 0; i < count; i++)
		room += iov[i].iov_len;
	return room;
}

/* Copies the array with `reserve` bytes less room at its end; gives the new count. */
static int shorten(struct iovec copy[IOV_COPY], const struct iovec *iov, int count, size_t reserve)
{
	memcpy(copy, iov, (size_t)count * sizeof(*iov));
	while (count > 1 && copy[count - 1].iov_len <= reserve)
		reserve -= copy[--count].iov_len;
	copy[count - 1].iov_len -= reserve;
	return count;
}

/* False: make the plain call. Else `rx` says what to do after it, and `copy` what to read into. */
static bool watch(struct rm_rx *rx, int fd, const struct iovec *iov, size_t count, int flags,
		  struct iovec copy[IOV_COPY], int *ret_count)
{
	if (count == 0 || count > IOV_LIMIT || !rm_may_read(iov, count * sizeof(*iov)))
		return false;
	rm_rx_begin(rx, fd, count > IOV_COPY ? 0 : room_of(iov, count), flags);
	if (rx->watch && rx->reserve)
		*ret_count = shorten(copy, iov, (int)count, rx->reserve);
	return rx->watch;
}

RM_HOOK(recv, raw_recv);
RM_HOOK(recvmsg, raw_recvmsg);
RM_HOOK(readv, raw_readv);

/* Where a filter (seccomp) allows nothing but read. */
static bool is_refusal(int error)
{
	return error == EPERM || error == EACCES || error == ENOSYS;
}

/*
 * read() and readv() of what may be a request head. For a stream socket recv is the same call, and it
 * cannot touch a file that took over the number of a connection whose close was not seen.
 * False: it is no socket any more, make the plain call and leave it at that.
 */
static bool read_head(struct rm_rx *rx, struct iovec *shorter, int count, ssize_t *ret_n)
{
	int error = errno;

	rx->plain = false;
	*ret_n = count == 1 ? real_recv(rx->fd, shorter->iov_base, shorter->iov_len, 0) :
			      real_recvmsg(rx->fd, &(struct msghdr){ .msg_iov = shorter, .msg_iovlen = (size_t)count }, 0);
	if (*ret_n < 0 && is_refusal(errno)) {
		errno = error;
		rx->plain = true;
		*ret_n = real_readv(rx->fd, shorter, count);
	}
	if (*ret_n >= 0 || errno != ENOTSOCK)
		return true;
	errno = error;
	rm_rx_no_socket(rx);
	return false;
}

RM_HOOK(read, raw_read);

static ssize_t watched_read(struct rm_rx *rx, const struct iovec *iov)
{
	struct iovec shorter = { iov->iov_base, iov->iov_len - rx->reserve };
	ssize_t n;

	if (!rx->reserve)
		n = real_read(rx->fd, iov->iov_base, iov->iov_len);
	else if (!read_head(rx, &shorter, 1, &n))
		return real_read(rx->fd, iov->iov_base, iov->iov_len);
	return rm_rx_done(rx, iov, 1, n);
}

RM_EXPORT ssize_t read(int fd, void *buf, size_t len)
{
	struct iovec iov = { buf, len };
	struct rm_rx rx;

	if (!rm_fd_tracked(fd))
		return real_read(fd, buf, len);
	rm_rx_begin(&rx, fd, len, RM_RX_PLAIN);
	return rx.watch ? watched_read(&rx, &iov) : real_read(fd, buf, len);
}

ssize_t __read_chk(int fd, void *buf, size_t len, size_t buf_bytes);

/* Before libc's own check can be had, the buffer's size is the limit. */
static ssize_t raw_read_chk(int fd, void *buf, size_t len, size_t buf_bytes)
{
	return raw_read(fd, buf, len < buf_bytes ? len : buf_bytes);
}

RM_HOOK(__read_chk, raw_read_chk);
RM_EXPORT ssize_t __read_chk(int fd, void *buf, size_t len, size_t buf_bytes)
{
	struct iovec iov = { buf, len };
	struct rm_rx rx;

	if (len > buf_bytes || !rm_fd_tracked(fd))
		return real___read_chk(fd, buf, len, buf_bytes);
	rm_rx_begin(&rx, fd, len, RM_RX_PLAIN);
	return rx.watch ? watched_read(&rx, &iov) : real___read_chk(fd, buf, len, buf_bytes);
}

RM_EXPORT ssize_t readv(int fd, const struct iovec *iov, int count)
{
	struct iovec copy[IOV_COPY];
	struct rm_rx rx;
	int shorter;
	ssize_t n;

	if (!rm_fd_tracked(fd) || count < 0 || !watch(&rx, fd, iov, (size_t)count, RM_RX_PLAIN, copy, &shorter))
		return real_readv(fd, iov, count);
	if (!rx.reserve)
		n = real_readv(fd, iov, count);
	else if (!read_head(&rx, copy, shorter, &n))
		return real_readv(fd, iov, count);
	return rm_rx_done(&rx, iov, count, n);
}

typedef ssize_t (*preadv2_fn)(int fd, const struct iovec *iov, int count, off_t at, int flags);

/* With an offset of -1 this is readv with flags; any other is refused on a socket. */
static ssize_t watched_preadv2(int fd, const struct iovec *iov, int count, off_t at, int flags,
			       preadv2_fn real)
{
	struct iovec copy[IOV_COPY];
	int shorter;
	struct rm_rx rx;

	if (at != -1 || !rm_fd_tracked(fd) || count < 0 ||
	    !watch(&rx, fd, iov, (size_t)count, RM_RX_PLAIN, copy, &shorter))
		return real(fd, iov, count, at, flags);
	return rm_rx_done(&rx, iov, count,
			  rx.reserve ? real(fd, copy, shorter, at, flags)
				     : real(fd, iov, count, at, flags));
}

RM_HOOK(preadv2, raw_preadv2);
RM_EXPORT ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t at, int flags)
{
	return watched_preadv2(fd, iov, count, at, flags, real_preadv2);
}

RM_HOOK(preadv64v2, raw_preadv2);
RM_EXPORT ssize_t preadv64v2(int fd, const struct iovec *iov, int count, off64_t at, int flags)
{
	return watched_preadv2(fd, iov, count, at, flags, real_preadv64v2);
}

RM_EXPORT ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	struct iovec iov = { buf, len };
	struct rm_rx rx;

	if (!rm_fd_tracked(fd))
		return real_recv(fd, buf, len, flags);
	rm_rx_begin(&rx, fd, len, flags);
	if (!rx.watch)
		return real_recv(fd, buf, len, flags);
	return rm_rx_done(&rx, &iov, 1, real_recv(fd, buf, len - rx.reserve, flags));
}

ssize_t __recv_chk(int fd, void *buf, size_t len, size_t buf_bytes, int flags);

static ssize_t raw_recv_chk(int fd, void *buf, size_t len, size_t buf_bytes, int flags)
{
	return raw_recv(fd, buf, len < buf_bytes ? len : buf_bytes, flags);
}

RM_HOOK(__recv_chk, raw_recv_chk);
RM_EXPORT ssize_t __recv_chk(int fd, void *buf, size_t len, size_t buf_bytes, int flags)
{
	struct iovec iov = { buf, len };
	struct rm_rx rx;

	if (len > buf_bytes || !rm_fd_tracked(fd))
		return real___recv_chk(fd, buf, len, buf_bytes, flags);
	rm_rx_begin(&rx, fd, len, flags);
	if (!rx.watch)
		return real___recv_chk(fd, buf, len, buf_bytes, flags);
	return rm_rx_done(&rx, &iov, 1,
			  real___recv_chk(fd, buf, len - rx.reserve, buf_bytes, flags));
}

RM_HOOK(recvfrom, raw_recvfrom);
RM_EXPORT ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
			   socklen_t *from_len)
{
	struct iovec iov = { buf, len };
	struct rm_rx rx;

	if (!rm_fd_tracked(fd))
		return real_recvfrom(fd, buf, len, flags, from, from_len);
	rm_rx_begin(&rx, fd, len, flags);
	if (!rx.watch)
		return real_recvfrom(fd, buf, len, flags, from, from_len);
	return rm_rx_done(&rx, &iov, 1,
			  real_recvfrom(fd, buf, len - rx.reserve, flags, from, from_len));
}

ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t buf_bytes, int flags,
		       struct sockaddr *from, socklen_t *from_len);

static ssize_t raw_recvfrom_chk(int fd, void *buf, size_t len, size_t buf_bytes, int flags,
				struct sockaddr *from, socklen_t *from_len)
{
	return raw_recvfrom(fd, buf, len < buf_bytes ? len : buf_bytes, flags, from, from_len);
}

RM_HOOK(__recvfrom_chk, raw_recvfrom_chk);
RM_EXPORT ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t buf_bytes, int flags,
				 struct sockaddr *from, socklen_t *from_len)
{
	struct iovec iov = { buf, len };
	struct rm_rx rx;

	if (len > buf_bytes || !rm_fd_tracked(fd))
		return real___recvfrom_chk(fd, buf, len, buf_bytes, flags, from, from_len);
	rm_rx_begin(&rx, fd, len, flags);
	if (!rx.watch)
		return real___recvfrom_chk(fd, buf, len, buf_bytes, flags, from, from_len);
	return rm_rx_done(&rx, &iov, 1,
			  real___recvfrom_chk(fd, buf, len - rx.reserve, buf_bytes, flags, from,
					      from_len));
}

/* CMSG_NXTHDR, which is a function of libc. */
static struct cmsghdr *next_control(const struct msghdr *m, struct cmsghdr *c)
{
	char *next = (char *)c + CMSG_ALIGN(c->cmsg_len), *end = (char *)m->msg_control + m->msg_controllen;

	if (c->cmsg_len < sizeof(*c) || end - next < (ptrdiff_t)sizeof(*c))
		return NULL;
	return (struct cmsghdr *)next;
}

/* Tells the agent of the descriptors that came with a message. Not inlined: hardly any has some. */
static __attribute__((noinline)) void received_rights(struct msghdr *m)
{
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = next_control(m, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			rm_fd_received(&s, fd);
		}
	}
	rm_leave(&s);
}

static ssize_t with_rights(struct msghdr *m, ssize_t n)
{
	if (n >= 0 && m->msg_control && m->msg_controllen >= CMSG_LEN(sizeof(int)))
		received_rights(m);
	return n;
}

RM_EXPORT ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	struct iovec copy[IOV_COPY];
	struct msghdr shorter;
	int count;
	struct rm_rx rx;
	ssize_t n;

	if (!rm_fd_tracked(fd) || !rm_may_read(m, sizeof(*m)) ||
	    !watch(&rx, fd, m->msg_iov, m->msg_iovlen, flags | (m->msg_controllen ? RM_RX_CONTROL : 0), copy, &count))
		return with_rights(m, real_recvmsg(fd, m, flags));
	if (!rx.reserve)
		return rm_rx_done(&rx, m->msg_iov, (int)m->msg_iovlen,
				  with_rights(m, real_recvmsg(fd, m, flags)));
	/* The caller's header never points to our stack: the thread may be cancelled in the call. */
	shorter = *m;
	shorter.msg_iov = copy;
	shorter.msg_iovlen = (size_t)count;
	rx.m = m;
	rx.control = (struct iovec){ m->msg_control, m->msg_controllen };
	n = real_recvmsg(fd, &shorter, flags);
	m->msg_namelen = shorter.msg_namelen;
	m->msg_controllen = shorter.msg_controllen;
	m->msg_flags = shorter.msg_flags;
	return rm_rx_done(&rx, m->msg_iov, (int)m->msg_iovlen, with_rights(m, n));
}

/* A call for datagrams; on a stream its messages are reads that follow one another. */
RM_HOOK(recvmmsg, raw_recvmmsg);
RM_EXPORT int recvmmsg(int fd, struct mmsghdr *m, unsigned count, int flags,
		       struct timespec *timeout)
{
	struct rm_rx rx;
	int received;

	rx.watch = false;
	if (rm_fd_tracked(fd))
		rm_rx_begin(&rx, fd, 0, flags);
	received = real_recvmmsg(fd, m, count, flags, timeout);
	for (int i = 0; i < received; i++)
		with_rights(&m[i].msg_hdr, m[i].msg_len);
	for (int i = 0; rx.watch && i < received; i++)
		m[i].msg_len = (unsigned)rm_rx_done(&rx, m[i].msg_hdr.msg_iov,
						    (int)m[i].msg_hdr.msg_iovlen, m[i].msg_len);
	return received;
}
