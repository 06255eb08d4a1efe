/*
 * Hooks of the calls a program waits in. Nothing of the wait is touched: before it the agent learns
 * that the thread is in a server's event loop, and may start its worker, so that what was recorded
 * since the last wait does not lie there during this one.
 * Context: hook, of calls a program makes in its loop and not in signal handlers.
 */
#include "agent/hookapi.h"
#include "hooks/hook.h"
#include "hooks/raw.h"

#include <limits.h>

static void before_epoll(int epfd)
{
	if (!rm_active())
		return;
	rm_safe_point();
	rm_loop_wait(epfd);
}

/* A wait for one descriptor is a blocking call in disguise and says nothing of a loop. */
static void before_poll(const struct pollfd *fds, nfds_t count)
{
	if (!rm_active())
		return;
	rm_safe_point();
	if (count > 2) /* of which one wakes up who waits for the other */
		rm_many_wait();
	if (count < 2 || !rm_loop_matters() || !rm_may_read(fds, count * sizeof(*fds)))
		return;
	for (nfds_t i = 0; i < count; i++) {
		if (fds[i].fd >= 0 && rm_fd_is_served(fds[i].fd)) {
			rm_loop_wait(-1);
			return;
		}
	}
}

static void before_select(int count, const fd_set *in)
{
	enum { WORD_BITS = sizeof(in->fds_bits[0]) * CHAR_BIT };
	int members = 0;
	bool served = false;

	if (!rm_active())
		return;
	rm_safe_point();
	rm_many_wait(); /* how many they are would cost more to know */
	/* The set may be larger than fd_set says: programs allocate what `count` needs. */
	if (!in || count < 0 || !rm_loop_matters() ||
	    !rm_may_read(in, ((size_t)count + WORD_BITS - 1) / WORD_BITS * sizeof(long)))
		return;
	for (int base = 0; base < count; base += WORD_BITS) {
		unsigned long word = (unsigned long)(&in->fds_bits[0])[base / WORD_BITS];

		for (; word; word &= word - 1) {
			int fd = base + __builtin_ctzl(word);

			if (fd >= count)
				break;
			members++;
			served = served || rm_fd_is_served(fd);
		}
	}
	if (served && members > 1)
		rm_loop_wait(-1);
}

RM_HOOK(poll, raw_poll);
RM_EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	before_poll(fds, count);
	return real_poll(fds, count, timeout_ms);
}

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t bytes);

static int raw_poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t bytes)
{
	nfds_t room = bytes / sizeof(*fds);

	return raw_poll(fds, count < room ? count : room, timeout_ms);
}

RM_HOOK(__poll_chk, raw_poll_chk);
RM_EXPORT int __poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t bytes)
{
	if (count <= bytes / sizeof(*fds))
		before_poll(fds, count);
	return real___poll_chk(fds, count, timeout_ms, bytes);
}

RM_HOOK(ppoll, raw_ppoll);
RM_EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		    const sigset_t *mask)
{
	before_poll(fds, count);
	return real_ppoll(fds, count, timeout, mask);
}

int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		const sigset_t *mask, size_t bytes);

static int raw_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
			 const sigset_t *mask, size_t bytes)
{
	nfds_t room = bytes / sizeof(*fds);

	return raw_ppoll(fds, count < room ? count : room, timeout, mask);
}

RM_HOOK(__ppoll_chk, raw_ppoll_chk);
RM_EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
			  const sigset_t *mask, size_t bytes)
{
	if (count <= bytes / sizeof(*fds))
		before_poll(fds, count);
	return real___ppoll_chk(fds, count, timeout, mask, bytes);
}

RM_HOOK(select, raw_select);
RM_EXPORT int select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	before_select(count, in);
	return real_select(count, in, out, except, timeout);
}

RM_HOOK(pselect, raw_pselect);
RM_EXPORT int pselect(int count, fd_set *in, fd_set *out, fd_set *except,
		      const struct timespec *timeout, const sigset_t *mask)
{
	before_select(count, in);
	return real_pselect(count, in, out, except, timeout, mask);
}

RM_HOOK(epoll_wait, raw_epoll_wait);
RM_EXPORT int epoll_wait(int epfd, struct epoll_event *events, int count, int timeout_ms)
{
	before_epoll(epfd);
	return real_epoll_wait(epfd, events, count, timeout_ms);
}

RM_HOOK(epoll_pwait, raw_epoll_pwait);
RM_EXPORT int epoll_pwait(int epfd, struct epoll_event *events, int count, int timeout_ms,
			  const sigset_t *mask)
{
	before_epoll(epfd);
	return real_epoll_pwait(epfd, events, count, timeout_ms, mask);
}

RM_HOOK(epoll_pwait2, raw_epoll_pwait2);
RM_EXPORT int epoll_pwait2(int epfd, struct epoll_event *events, int count,
			   const struct timespec *timeout, const sigset_t *mask)
{
	before_epoll(epfd);
	return real_epoll_pwait2(epfd, events, count, timeout, mask);
}
