/*
 * The stand-ins for libc functions until the real ones are known: raw system calls with libc's
 * calling convention (-1 and errno). They are no cancellation points. Only system calls that every
 * 64-bit architecture has are used, so poll is ppoll and dup2 is dup3. Context: any, signal-safe.
 */
#ifndef RM_HOOKS_RAW_H
#define RM_HOOKS_RAW_H

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum { RAW_SIGSET_BYTES = 8 }; /* the kernel's sigset_t, not libc's of 128 */

static inline long raw_result(long result)
{
	if (result >= 0 || result < -4095)
		return result;
	errno = (int)-result;
	return -1;
}

/* ---- sockets ---- */

static inline int raw_socket(int domain, int type, int protocol)
{
	return (int)raw_result(rm_sys3(__NR_socket, domain, type, protocol));
}

static inline int raw_socketpair(int domain, int type, int protocol, int fds[2])
{
	return (int)raw_result(rm_sys4(__NR_socketpair, domain, type, protocol, fds));
}

static inline int raw_accept4(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
	return (int)raw_result(rm_sys4(__NR_accept4, fd, from, len, flags));
}

static inline int raw_accept(int fd, struct sockaddr *from, socklen_t *len)
{
	return raw_accept4(fd, from, len, 0);
}

static inline int raw_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	return (int)raw_result(rm_sys3(__NR_connect, fd, to, len));
}

static inline int raw_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	return (int)raw_result(rm_sys5(__NR_getsockopt, fd, level, name, value, len));
}

static inline int raw_listen(int fd, int backlog)
{
	return (int)raw_result(rm_sys2(__NR_listen, fd, backlog));
}

static inline int raw_shutdown(int fd, int how)
{
	return (int)raw_result(rm_sys2(__NR_shutdown, fd, how));
}

/* ---- descriptors ---- */

static inline int raw_close(int fd)
{
	return (int)raw_result(rm_sys1(__NR_close, fd));
}

static inline int raw_dup(int fd)
{
	return (int)raw_result(rm_sys1(__NR_dup, fd));
}

static inline int raw_dup3(int from, int to, int flags)
{
	return (int)raw_result(rm_sys3(__NR_dup3, from, to, flags));
}

static inline int raw_dup2(int from, int to)
{
	/* dup3 refuses equal numbers, which dup2 accepts when they are open. */
	if (from == to)
		return raw_result(rm_sys2(__NR_fcntl, from, F_GETFD)) < 0 ? -1 : to;
	return raw_dup3(from, to, 0);
}

static inline int raw_fcntl(int fd, int cmd, ...)
{
	__builtin_va_list args;
	void *arg;

	__builtin_va_start(args, cmd);
	arg = __builtin_va_arg(args, void *);
	__builtin_va_end(args);
	return (int)raw_result(rm_sys3(__NR_fcntl, fd, cmd, arg));
}

static inline int raw_close_range(unsigned first, unsigned last, int flags)
{
	return (int)raw_result(rm_sys3(__NR_close_range, first, last, flags));
}

static inline void raw_closefrom(int low)
{
	struct { uint64_t soft, hard; } limit = { 0, 0 };
	enum { OPEN_FILES = 7 };

	if (low < 0)
		low = 0;
	if (rm_sys3(__NR_close_range, low, UINT32_MAX, 0) == 0)
		return;
	rm_sys4(__NR_prlimit64, 0, OPEN_FILES, 0, &limit);
	for (uint64_t fd = (uint64_t)low; fd < limit.soft && fd <= INT32_MAX; fd++)
		rm_sys1(__NR_close, fd);
}

static inline int raw_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	return (int)raw_result(rm_sys4(__NR_epoll_ctl, epfd, op, fd, event));
}

/* ---- bytes in ---- */

static inline ssize_t raw_read(int fd, void *buf, size_t len)
{
	return raw_result(rm_sys3(__NR_read, fd, buf, len));
}

static inline ssize_t raw_readv(int fd, const struct iovec *iov, int count)
{
	return raw_result(rm_sys3(__NR_readv, fd, iov, count));
}

static inline ssize_t raw_preadv2(int fd, const struct iovec *iov, int count, off_t at, int flags)
{
	return raw_result(rm_sys6(__NR_preadv2, fd, (long)iov, count, at, 0, flags));
}

static inline ssize_t raw_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
				   socklen_t *from_len)
{
	return raw_result(rm_sys6(__NR_recvfrom, fd, (long)buf, (long)len, flags, (long)from,
				  (long)from_len));
}

static inline ssize_t raw_recv(int fd, void *buf, size_t len, int flags)
{
	return raw_recvfrom(fd, buf, len, flags, NULL, NULL);
}

static inline ssize_t raw_recvmsg(int fd, struct msghdr *m, int flags)
{
	return raw_result(rm_sys3(__NR_recvmsg, fd, m, flags));
}

static inline int raw_recvmmsg(int fd, struct mmsghdr *m, unsigned count, int flags,
			       struct timespec *timeout)
{
	return (int)raw_result(rm_sys5(__NR_recvmmsg, fd, m, count, flags, timeout));
}

/* ---- bytes out ---- */

static inline ssize_t raw_write(int fd, const void *buf, size_t len)
{
	return raw_result(rm_sys3(__NR_write, fd, buf, len));
}

static inline ssize_t raw_writev(int fd, const struct iovec *iov, int count)
{
	return raw_result(rm_sys3(__NR_writev, fd, iov, count));
}

static inline ssize_t raw_pwritev2(int fd, const struct iovec *iov, int count, off_t at, int flags)
{
	return raw_result(rm_sys6(__NR_pwritev2, fd, (long)iov, count, at, 0, flags));
}

static inline ssize_t raw_sendto(int fd, const void *buf, size_t len, int flags,
				 const struct sockaddr *to, socklen_t to_len)
{
	return raw_result(rm_sys6(__NR_sendto, fd, (long)buf, (long)len, flags, (long)to, to_len));
}

static inline ssize_t raw_send(int fd, const void *buf, size_t len, int flags)
{
	return raw_sendto(fd, buf, len, flags, NULL, 0);
}

static inline ssize_t raw_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return raw_result(rm_sys3(__NR_sendmsg, fd, m, flags));
}

static inline int raw_sendmmsg(int fd, struct mmsghdr *m, unsigned count, int flags)
{
	return (int)raw_result(rm_sys4(__NR_sendmmsg, fd, m, count, flags));
}

static inline ssize_t raw_sendfile(int out, int in, off_t *at, size_t len)
{
	return raw_result(rm_sys4(__NR_sendfile, out, in, at, len));
}

static inline ssize_t raw_splice(int in, off_t *in_at, int out, off_t *out_at, size_t len,
				 unsigned flags)
{
	return raw_result(rm_sys6(__NR_splice, in, (long)in_at, out, (long)out_at, (long)len,
				  flags));
}

/* ---- waiting ---- */

static inline int raw_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
			    const sigset_t *mask)
{
	struct timespec left = { 0, 0 }; /* the kernel writes the rest here, libc does not show it */

	if (timeout)
		left = *timeout;
	return (int)raw_result(rm_sys5(__NR_ppoll, fds, count, timeout ? &left : NULL, mask,
				       RAW_SIGSET_BYTES));
}

static inline int raw_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct timespec t = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };

	return raw_ppoll(fds, count, timeout_ms < 0 ? NULL : &t, NULL);
}

static inline int raw_pselect(int count, fd_set *in, fd_set *out, fd_set *except,
			      const struct timespec *timeout, const sigset_t *mask)
{
	struct { const sigset_t *set; size_t bytes; } sigmask = { mask, RAW_SIGSET_BYTES };
	struct timespec left = { 0, 0 };

	if (timeout)
		left = *timeout;
	return (int)raw_result(rm_sys6(__NR_pselect6, count, (long)in, (long)out, (long)except,
				       (long)(timeout ? &left : NULL), (long)&sigmask));
}

static inline int raw_select(int count, fd_set *in, fd_set *out, fd_set *except,
			     struct timeval *timeout)
{
	struct timespec left = { 0, 0 };
	int ready;

	if (timeout) {
		left.tv_sec = timeout->tv_sec + timeout->tv_usec / 1000000;
		left.tv_nsec = timeout->tv_usec % 1000000 * 1000;
	}
	ready = (int)raw_result(rm_sys6(__NR_pselect6, count, (long)in, (long)out, (long)except,
					(long)(timeout ? &left : NULL), 0));
	if (timeout) { /* unlike pselect, select on Linux tells how much time was left */
		timeout->tv_sec = left.tv_sec;
		timeout->tv_usec = left.tv_nsec / 1000;
	}
	return ready;
}

static inline int raw_epoll_pwait(int epfd, struct epoll_event *events, int count, int timeout_ms,
				  const sigset_t *mask)
{
	return (int)raw_result(rm_sys6(__NR_epoll_pwait, epfd, (long)events, count, timeout_ms,
				       (long)mask, RAW_SIGSET_BYTES));
}

static inline int raw_epoll_wait(int epfd, struct epoll_event *events, int count, int timeout_ms)
{
	return raw_epoll_pwait(epfd, events, count, timeout_ms, NULL);
}

static inline int raw_epoll_pwait2(int epfd, struct epoll_event *events, int count,
				   const struct timespec *timeout, const sigset_t *mask)
{
	return (int)raw_result(rm_sys6(__NR_epoll_pwait2, epfd, (long)events, count, (long)timeout,
				       (long)mask, RAW_SIGSET_BYTES));
}

/* ---- processes ---- */

static inline int raw_execveat(int dir, const char *path, char *const argv[], char *const envp[],
			       int flags)
{
	return (int)raw_result(rm_sys5(__NR_execveat, dir, path, argv, envp, flags));
}

static inline int raw_execve(const char *path, char *const argv[], char *const envp[])
{
	return (int)raw_result(rm_sys3(__NR_execve, path, argv, envp));
}

static inline int raw_fexecve(int fd, char *const argv[], char *const envp[])
{
	enum { EMPTY_PATH = 0x1000 };

	return raw_execveat(fd, "", argv, envp, EMPTY_PATH);
}

static inline __attribute__((noreturn)) void raw__exit(int status)
{
	for (;;)
		rm_sys1(__NR_exit_group, status);
}

#endif
