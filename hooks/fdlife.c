/*
 * Hooks of the calls that end and copy descriptors: close, close_range, closefrom, dup, dup2, dup3,
 * fcntl(F_DUPFD), and epoll_ctl, which tells which loop serves which descriptor. The agent never
 * relies on seeing a close (it may come through syscall(2) or from inside libc): a new socket,
 * accept or connect on the number starts afresh. Two of them are also made by SQLite, and between loading and using
 * it: there it is looked for.
 * Context: hook.
 */
#include "agent/hookapi.h"
#include "hooks/hook.h"
#include "hooks/lookout.h"
#include "hooks/raw.h"

#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include <linux/close_range.h>

/* Before the real call, after which another thread may get the number at once. */
static void closing(int fd)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_close(&s, fd);
		rm_leave(&s);
	}
}

static void closing_range(unsigned first, unsigned last)
{
	struct rm_scope s;

	if (first <= last && rm_enter(&s)) {
		rm_fd_close_range(&s, first, last);
		rm_leave(&s);
	}
}

static void duplicated(int from, int to)
{
	struct rm_scope s;

	if (to >= 0 && to != from && rm_enter(&s)) {
		rm_fd_dup(&s, from, to);
		rm_leave(&s);
	}
}

RM_HOOK(close, raw_close);
RM_EXPORT int close(int fd)
{
	int result;

	closing(fd);
	result = real_close(fd);
	rm_lookout();
	return result;
}

RM_HOOK(close_range, raw_close_range);
RM_EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	if (flags & CLOSE_RANGE_UNSHARE)
		rm_descriptors_part();
	if (!(flags & CLOSE_RANGE_CLOEXEC))
		closing_range(first, last);
	return real_close_range(first, last, flags);
}

RM_HOOK(closefrom, raw_closefrom);
RM_EXPORT void closefrom(int low)
{
	closing_range(low < 0 ? 0 : (unsigned)low, ~0U);
	real_closefrom(low);
}

RM_HOOK(dup, raw_dup);
RM_EXPORT int dup(int from)
{
	int to = real_dup(from);

	duplicated(from, to);
	return to;
}

RM_HOOK(dup2, raw_dup2);
RM_EXPORT int dup2(int from, int to)
{
	int result = real_dup2(from, to);

	duplicated(from, result);
	return result;
}

RM_HOOK(dup3, raw_dup3);
RM_EXPORT int dup3(int from, int to, int flags)
{
	int result = real_dup3(from, to, flags);

	duplicated(from, result);
	return result;
}

static bool duplicates(int cmd)
{
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC;
}

RM_HOOK(fcntl, raw_fcntl);
RM_EXPORT int fcntl(int fd, int cmd, ...)
{
	va_list args;
	void *arg; /* wide enough for any argument of any command, as in libc itself */
	int result;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	result = real_fcntl(fd, cmd, arg);
	rm_lookout();
	if (duplicates(cmd))
		duplicated(fd, result);
	return result;
}

RM_HOOK(fcntl64, raw_fcntl);
RM_EXPORT int fcntl64(int fd, int cmd, ...)
{
	va_list args;
	void *arg;
	int result;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	result = real_fcntl64(fd, cmd, arg);
	rm_lookout();
	if (duplicates(cmd))
		duplicated(fd, result);
	return result;
}

RM_HOOK(epoll_ctl, raw_epoll_ctl);
RM_EXPORT int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	int result = real_epoll_ctl(epfd, op, fd, event);

	if (result == 0 && op != EPOLL_CTL_DEL)
		rm_fd_epoll_add(epfd, fd);
	return result;
}
