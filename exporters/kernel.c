/*
 * The sockets and clocks of the exporter object are the kernel's own. Libraries that a program preloads
 * (proxychains, torsocks, socket wrappers, libfaketime) replace these names for it; through them spans
 * would go where the program's data goes, and no certificate would be valid in a year that is pretended.
 * Files stay libc's: who changes what is found under a path does so on purpose. Hidden, and only there.
 * What is here is what OpenSSL, libcurl and c-ares take. Context: worker.
 */
#undef _FILE_OFFSET_BITS /* it renames fcntl to fcntl64 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"

#define NS_PER_S 1000000000u

/* The kernel's result as libc gives it. */
static long done(long result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

#define CALL(nr, a, b, c, d, e, f) \
	done(rm_sys6((nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)))

int socket(int domain, int type, int protocol)
{
	return (int)CALL(__NR_socket, domain, type, protocol, 0, 0, 0);
}

int connect(int fd, const struct sockaddr *address, socklen_t n)
{
	return (int)CALL(__NR_connect, fd, address, n, 0, 0, 0);
}

int bind(int fd, const struct sockaddr *address, socklen_t n)
{
	return (int)CALL(__NR_bind, fd, address, n, 0, 0, 0);
}

int shutdown(int fd, int how)
{
	return (int)CALL(__NR_shutdown, fd, how, 0, 0, 0, 0);
}

int close(int fd)
{
	return (int)CALL(__NR_close, fd, 0, 0, 0, 0, 0);
}

ssize_t send(int fd, const void *data, size_t n, int flags)
{
	return CALL(__NR_sendto, fd, data, n, flags, 0, 0);
}

ssize_t sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *to,
	       socklen_t to_n)
{
	return CALL(__NR_sendto, fd, data, n, flags, to, to_n);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return CALL(__NR_sendmsg, fd, message, flags, 0, 0, 0);
}

ssize_t recv(int fd, void *ret, size_t n, int flags)
{
	return CALL(__NR_recvfrom, fd, ret, n, flags, 0, 0);
}

ssize_t recvfrom(int fd, void *restrict ret, size_t n, int flags, struct sockaddr *restrict from,
		 socklen_t *restrict from_n)
{
	return CALL(__NR_recvfrom, fd, ret, n, flags, from, from_n);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	return CALL(__NR_recvmsg, fd, message, flags, 0, 0, 0);
}

ssize_t read(int fd, void *ret, size_t n)
{
	return CALL(__NR_read, fd, ret, n, 0, 0, 0);
}

ssize_t write(int fd, const void *data, size_t n)
{
	return CALL(__NR_write, fd, data, n, 0, 0, 0);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
	return CALL(__NR_writev, fd, parts, n, 0, 0, 0);
}

int getsockopt(int fd, int level, int name, void *restrict ret, socklen_t *restrict n)
{
	return (int)CALL(__NR_getsockopt, fd, level, name, ret, n, 0);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
	return (int)CALL(__NR_setsockopt, fd, level, name, value, n, 0);
}

int getsockname(int fd, struct sockaddr *restrict ret, socklen_t *restrict n)
{
	return (int)CALL(__NR_getsockname, fd, ret, n, 0, 0, 0);
}

int getpeername(int fd, struct sockaddr *restrict ret, socklen_t *restrict n)
{
	return (int)CALL(__NR_getpeername, fd, ret, n, 0, 0, 0);
}

/* All that is asked of these two here has one more argument, or takes no notice of it. */
int fcntl(int fd, int command, ...)
{
	va_list more;
	long argument;

	va_start(more, command);
	argument = va_arg(more, long);
	va_end(more);
	return (int)CALL(__NR_fcntl, fd, command, argument, 0, 0, 0);
}

int ioctl(int fd, unsigned long command, ...)
{
	va_list more;
	long argument;

	va_start(more, command);
	argument = va_arg(more, long);
	va_end(more);
	return (int)CALL(__NR_ioctl, fd, command, argument, 0, 0, 0);
}

int poll(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec limit = { ms / 1000, ms % 1000 * 1000000L };

	return (int)CALL(__NR_ppoll, fds, n, ms < 0 ? NULL : &limit, 0, 0, 0);
}

/* What base/clock.c falls back to, so it cannot use that. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
	return (int)CALL(__NR_clock_gettime, clock, ret, 0, 0, 0, 0);
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	uint64_t ns = rm_clock_wall_ns();

	*ret = (struct timeval){ (time_t)(ns / NS_PER_S), (suseconds_t)(ns % NS_PER_S / 1000) };
	return 0;
}

time_t time(time_t *ret)
{
	time_t now = (time_t)(rm_clock_wall_ns() / NS_PER_S);

	if (ret)
		*ret = now;
	return now;
}
