/*
 * Threads that race on real sockets, through the agent by hand: see tests/torture/crowd.h. What a program
 * that is preloaded does there is done here under the sanitizers' eyes.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/client_fixture.h"

#define FAIL_IF(what) RM_CHECK(!(what))
#define crowd_edits() true
#define crowd_raw_read(fd, p, n) syscall(SYS_read, fd, p, n)
#define crowd_raw_write(fd, p, n) syscall(SYS_write, fd, p, n)

/*
 * Races for a descriptor's number are what is meant here: the thread sanitizer, which would report them, is
 * not told of calls that name one.
 */
static ssize_t quiet_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return syscall(SYS_sendmsg, fd, m, flags);
}

static ssize_t quiet_recv(int fd, void *p, size_t room, int flags)
{
	return syscall(SYS_recvfrom, fd, p, room, flags, NULL, NULL);
}

static ssize_t crowd_writev(int fd, const struct iovec *iov, int count)
{
	return hooked_send(fd, iov, count);
}

static ssize_t crowd_send(int fd, const void *p, size_t n, int flags)
{
	struct iovec iov = { (void *)p, n };

	(void)flags;
	return crowd_writev(fd, &iov, 1);
}

static ssize_t crowd_recv(int fd, void *p, size_t room, int flags)
{
	struct iovec iov = { p, room };
	struct rm_rx rx;

	if (!rm_fd_tracked(fd))
		return quiet_recv(fd, p, room, flags);
	rm_rx_begin(&rx, fd, room, flags);
	if (!rx.watch)
		return quiet_recv(fd, p, room, flags);
	return rm_rx_done(&rx, &iov, 1, quiet_recv(fd, p, room - rx.reserve, flags));
}

static ssize_t crowd_sendfile(int fd, int file, off_t *at, size_t n)
{
	ssize_t sent = sendfile(fd, file, at, n);

	rm_tx_opaque(fd, sent);
	return sent;
}

static ssize_t crowd_splice(int from, off64_t *from_at, int fd, off64_t *at, size_t n, unsigned flags)
{
	ssize_t sent = splice(from, from_at, fd, at, n, flags);

	rm_tx_opaque(fd, sent);
	return sent;
}

static int crowd_dup(int fd)
{
	int other = (int)syscall(SYS_dup, fd);
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_dup(&s, fd, other);
		rm_leave(&s);
	}
	return other;
}

static int crowd_shutdown(int fd, int how)
{
	int result = shutdown(fd, how);
	struct rm_scope s;

	if (result == 0 && rm_fd_tracked(fd) && rm_enter(&s)) {
		rm_fd_shutdown(&s, fd, how);
		rm_leave(&s);
	}
	return result;
}

static void crowd_close(int fd)
{
	close_fd(fd);
	syscall(SYS_close, fd);
}

static void crowd_pair(int ends[2], bool server)
{
	struct rm_scope s;

	RM_CHECK(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	if (!server) {
		open_client(ends[0]);
	} else if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, ends[0]);
		rm_leave(&s);
	}
}

#include "tests/torture/crowd.h"

static void settle(void)
{
	while (stub_span())
		;
	RM_CHECK(all_freed());
}

RM_TEST("writers that take turns on one socket send a line with each request, whatever the kernel takes")
{
	char *none[] = { NULL };

	stub_start(none);
	kernel = quiet_sendmsg;
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 5; i++)
		crowd_writers(true, true, false);
	crowd_writers(true, false, true);
	settle();
}

RM_TEST("signals that interrupt blocking writers change no byte")
{
	for (int i = 0; i < 3; i++)
		crowd_interrupted();
	settle();
}

RM_TEST("writers that do not wait for each other send whole requests")
{
	for (int i = 0; i < 10; i++)
		crowd_writers(false, false, true);
	settle();
}

RM_TEST("bodies that pass by sendfile and splice stand where they belong")
{
	for (int i = 0; i < 5; i++)
		crowd_bodies();
	settle();
}

RM_TEST("a descriptor closed under its writer, and given out again, gets whole requests")
{
	for (unsigned i = 0; i < 60; i++)
		crowd_closer(i);
	settle();
}

RM_TEST("requests go out while another thread reads the answers and until one half is shut")
{
	for (int i = 0; i < 5; i++)
		crowd_both_ways();
	settle();
}

RM_TEST("what a server reads is what was sent, and the part before the close where it is closed under the reader")
{
	for (unsigned i = 0; i < 5; i++)
		crowd_server(false, i);
	for (unsigned i = 0; i < 60; i++)
		crowd_server(true, i);
	settle();
}
