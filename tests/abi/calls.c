/*
 * Calls the hooked functions and checks what their manual pages promise. Run with and without
 * libremora.so: it must pass alike. Sockets are connected TCP ones, which the agent watches; their
 * bytes are no protocol it knows.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include "tests/rmtest.h"

extern char **environ;

int capset(void *, const void *), pivot_root(const char *, const char *); /* in no header of libc's */

struct pair {
	int client, server, listener;
};

static struct pair connected(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	struct pair p;

	p.listener = socket(AF_INET, SOCK_STREAM, 0);
	RM_CHECK(bind(p.listener, (struct sockaddr *)&at, sizeof(at)) == 0);
	RM_CHECK(listen(p.listener, 5) == 0);
	RM_CHECK(getsockname(p.listener, (struct sockaddr *)&at, &len) == 0);
	p.client = socket(AF_INET, SOCK_STREAM, 0);
	RM_CHECK(connect(p.client, (struct sockaddr *)&at, sizeof(at)) == 0);
	p.server = accept4(p.listener, NULL, NULL, SOCK_CLOEXEC);
	RM_CHECK(p.server >= 0);
	return p;
}

static void hang_up(struct pair *p)
{
	RM_CHECK(close(p->client) == 0);
	RM_CHECK(close(p->server) == 0);
	RM_CHECK(close(p->listener) == 0);
}

/* What is at the other end, read in one call of at most 64 bytes. */
static bool arrives(int fd, const char *text)
{
	char got[64];
	ssize_t n = recv(fd, got, strlen(text), MSG_WAITALL);

	return n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0;
}

static int status_of(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

RM_TEST("the calls are libremora's exactly when it is preloaded")
{
	Dl_info where;

	RM_CHECK(dladdr(dlsym(RTLD_DEFAULT, "recv"), &where) != 0);
	RM_CHECK((strstr(where.dli_fname, "libremora") != NULL) == (getenv("LD_PRELOAD") != NULL));
}

RM_TEST("everything that writes delivers its bytes")
{
	struct pair p = connected();
	struct iovec two[2] = { { "ab", 2 }, { "cd", 2 } };
	struct msghdr m = { .msg_iov = two, .msg_iovlen = 2 };
	struct mmsghdr many[2] = { { .msg_hdr = m }, { .msg_hdr = m } };

	RM_CHECK(write(p.client, "write", 5) == 5 && arrives(p.server, "write"));
	RM_CHECK(writev(p.client, two, 2) == 4 && arrives(p.server, "abcd"));
	RM_CHECK(pwritev2(p.client, two, 2, -1, 0) == 4 && arrives(p.server, "abcd"));
	RM_CHECK(send(p.client, "send", 4, MSG_NOSIGNAL) == 4 && arrives(p.server, "send"));
	RM_CHECK(sendto(p.client, "sendto", 6, 0, NULL, 0) == 6 && arrives(p.server, "sendto"));
	RM_CHECK(sendmsg(p.client, &m, 0) == 4 && arrives(p.server, "abcd"));
	RM_CHECK(sendmmsg(p.client, many, 2, 0) == 2 && arrives(p.server, "abcdabcd"));
	RM_CHECK(many[0].msg_len == 4 && many[1].msg_len == 4);
	RM_CHECK(send(p.client, "", 0, 0) == 0 && write(p.client, "", 0) == 0);
	hang_up(&p);
}

RM_TEST("everything that reads gets the bytes")
{
	struct pair p = connected();
	char a[3], b[3], big[512];
	struct iovec two[2] = { { a, 3 }, { b, 3 } }, large = { big, sizeof(big) };
	struct msghdr m = { .msg_iov = &large, .msg_iovlen = 1 };
	struct mmsghdr many = { .msg_hdr = m };

	RM_CHECK(send(p.server, "123456", 6, 0) == 6 && read(p.client, big, sizeof(big)) == 6);
	RM_CHECK(send(p.server, "123456", 6, 0) == 6 && readv(p.client, two, 2) == 6);
	RM_CHECK(memcmp(a, "123", 3) == 0 && memcmp(b, "456", 3) == 0);
	RM_CHECK(send(p.server, "abcdef", 6, 0) == 6 && preadv2(p.client, two, 2, -1, 0) == 6);
	RM_CHECK(memcmp(a, "abc", 3) == 0 && memcmp(b, "def", 3) == 0);
	RM_CHECK(send(p.server, "x", 1, 0) == 1 && recv(p.client, big, sizeof(big), MSG_PEEK) == 1);
	RM_CHECK(recvfrom(p.client, big, sizeof(big), 0, NULL, NULL) == 1 && big[0] == 'x');
	RM_CHECK(send(p.server, "y", 1, 0) == 1 && recvmsg(p.client, &m, 0) == 1 && big[0] == 'y');
	RM_CHECK(m.msg_iov == &large && m.msg_iovlen == 1 && large.iov_len == sizeof(big));
	RM_CHECK(send(p.server, "z", 1, 0) == 1 && recvmmsg(p.client, &many, 1, 0, NULL) == 1);
	RM_CHECK(many.msg_len == 1 && big[0] == 'z');
	RM_CHECK(send(p.server, "gone", 4, 0) == 4 && recv(p.client, NULL, 4, MSG_TRUNC) == 4);
	RM_CHECK(shutdown(p.server, SHUT_WR) == 0 && read(p.client, big, sizeof(big)) == 0);
	hang_up(&p);
}

/* What _FORTIFY_SOURCE makes of read, recv, recvfrom, poll and ppoll; declared only under it. */
ssize_t __read_chk(int fd, void *buf, size_t len, size_t buf_bytes);
ssize_t __recv_chk(int fd, void *buf, size_t len, size_t buf_bytes, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t buf_bytes, int flags,
		       struct sockaddr *from, socklen_t *from_len);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t bytes);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		const sigset_t *mask, size_t bytes);

RM_TEST("the checked variants do the same, and stop a call that is too long")
{
	struct pair p = connected();
	struct pollfd one = { p.server, POLLIN, 0 };
	struct timespec second = { 1, 0 };
	char room[400];
	int status;
	pid_t pid;

	RM_CHECK(send(p.client, "abc", 3, 0) == 3);
	RM_CHECK(__poll_chk(&one, 1, 1000, sizeof(one)) == 1);
	RM_CHECK(__ppoll_chk(&one, 1, &second, NULL, sizeof(one)) == 1);
	RM_CHECK(__read_chk(p.server, room, 1, sizeof(room)) == 1 && room[0] == 'a');
	RM_CHECK(__recv_chk(p.server, room, 1, sizeof(room), 0) == 1 && room[0] == 'b');
	RM_CHECK(__recvfrom_chk(p.server, room, 400, 400, 0, NULL, NULL) == 1 && room[0] == 'c');
	pid = fork();
	if (pid == 0) {
		close(2); /* libc's farewell */
		__recv_chk(p.server, room, 2, 1, MSG_DONTWAIT);
		_exit(0);
	}
	RM_CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	hang_up(&p);
}

RM_TEST("a long array of buffers is filled in order")
{
	struct pair p = connected();
	char bytes[40];
	struct iovec each[40];

	for (int i = 0; i < 40; i++)
		each[i] = (struct iovec){ &bytes[39 - i], 1 };
	RM_CHECK(send(p.client, "0123456789012345678901234567890123456789", 40, 0) == 40);
	RM_CHECK(readv(p.server, each, 40) == 40 && bytes[39] == '0' && bytes[0] == '9');
	hang_up(&p);
}

RM_TEST("failures give libc's result and errno")
{
	struct pair p = connected();
	struct iovec none = { NULL, 0 };
	volatile int negative = -1, far_too_many = 5000;
	char c;

	errno = 0;
	RM_CHECK(recv(p.server, &c, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
	RM_CHECK(read(-1, &c, 1) == -1 && errno == EBADF);
	RM_CHECK(write(1 << 20, &c, 1) == -1 && errno == EBADF);
	RM_CHECK(readv(p.server, &none, negative) == -1 && errno == EINVAL);
	RM_CHECK(writev(p.server, &none, far_too_many) == -1 && errno == EINVAL);
	RM_CHECK(preadv2(p.server, &none, 1, 0, 0) == -1 && errno == ESPIPE);
	RM_CHECK(close(-1) == -1 && errno == EBADF);
	RM_CHECK(dup2(-1, p.client) == -1 && errno == EBADF && send(p.client, "k", 1, 0) == 1);
	RM_CHECK(execve("/nonexistent", (char *[]){ "x", NULL }, environ) == -1 && errno == ENOENT);
	RM_CHECK(execlp("nonexistent-program", "x", (char *)NULL) == -1 && errno == ENOENT);
	RM_CHECK(posix_spawn(&(pid_t){ 0 }, "/nonexistent", NULL, NULL, (char *[]){ "x", NULL },
			     environ) == ENOENT);
	errno = 77;
	RM_CHECK(send(p.client, "e", 1, 0) == 1 && recv(p.server, &c, 1, 0) == 1 && errno == 77);
	hang_up(&p);
}

RM_TEST("copies of a descriptor are the same connection")
{
	struct pair p = connected();
	int a = dup(p.client), b = fcntl(p.client, F_DUPFD_CLOEXEC, 100), c = dup3(p.client, 90, 0);

	RM_CHECK(b >= 100 && c == 90 && dup2(p.client, p.client) == p.client);
	RM_CHECK(fcntl(b, F_GETFD) == FD_CLOEXEC && fcntl(b, F_SETFL, O_NONBLOCK) == 0);
	RM_CHECK(fcntl(p.client, F_GETFL) & O_NONBLOCK);
	RM_CHECK(close(p.client) == 0 && send(a, "via a", 5, 0) == 5 && arrives(p.server, "via a"));
	RM_CHECK(close_range((unsigned)b, (unsigned)b, 0) == 0 && fcntl(b, F_GETFD) == -1);
	RM_CHECK(send(c, "via c", 5, 0) == 5 && arrives(p.server, "via c"));
	RM_CHECK(close(c) == 0);
	p.client = a;
	hang_up(&p);
}

RM_TEST("closefrom closes, and what is opened then works")
{
	pid_t pid = fork();

	if (pid == 0) {
		struct pair p = connected();

		closefrom(3);
		if (fcntl(p.client, F_GETFD) != -1)
			_exit(1);
		p = connected();
		_exit(send(p.client, "fresh", 5, 0) == 5 && arrives(p.server, "fresh") ? 0 : 2);
	}
	RM_CHECK(status_of(pid) == 0);
}

RM_TEST("every way to wait sees what is ready")
{
	struct pair p = connected();
	struct pollfd fds[2] = { { p.server, POLLIN, 0 }, { p.listener, POLLIN, 0 } };
	struct timespec second = { 1, 0 };
	struct timeval soon = { 1, 0 };
	struct epoll_event event = { .events = EPOLLIN };
	int epfd = epoll_create1(EPOLL_CLOEXEC), most = (p.server > p.listener ? p.server : p.listener) + 1;
	fd_set in;

	RM_CHECK(poll(fds, 2, 0) == 0);
	RM_CHECK(epoll_ctl(epfd, EPOLL_CTL_ADD, p.server, &event) == 0);
	RM_CHECK(epoll_ctl(epfd, EPOLL_CTL_ADD, p.server, &event) == -1 && errno == EEXIST);
	RM_CHECK(send(p.client, "!", 1, 0) == 1);
	RM_CHECK(poll(fds, 2, 1000) == 1 && fds[0].revents == POLLIN);
	RM_CHECK(ppoll(fds, 2, &second, NULL) == 1 && second.tv_sec == 1);
	FD_ZERO(&in);
	FD_SET(p.server, &in);
	FD_SET(p.listener, &in);
	RM_CHECK(select(most, &in, NULL, NULL, &soon) == 1 && FD_ISSET(p.server, &in));
	FD_SET(p.listener, &in);
	RM_CHECK(pselect(most, &in, NULL, NULL, &second, NULL) == 1 && !FD_ISSET(p.listener, &in));
	RM_CHECK(epoll_wait(epfd, &event, 1, 1000) == 1);
	RM_CHECK(epoll_pwait(epfd, &event, 1, 1000, NULL) == 1);
	RM_CHECK(epoll_pwait2(epfd, &event, 1, &second, NULL) == 1 || errno == ENOSYS);
	RM_CHECK(close(epfd) == 0);
	hang_up(&p);
}

RM_TEST("files go into sockets by sendfile and splice")
{
	struct pair p = connected();
	char name[] = "/tmp/remora-calls-XXXXXX";
	int file = mkstemp(name), tube[2];
	off_t at = 2;

	RM_CHECK(unlink(name) == 0 && write(file, "0123456789", 10) == 10);
	RM_CHECK(sendfile(p.client, file, &at, 4) == 4 && at == 6 && arrives(p.server, "2345"));
	RM_CHECK(pipe(tube) == 0 && write(tube[1], "piped", 5) == 5);
	RM_CHECK(splice(tube[0], NULL, p.client, NULL, 5, 0) == 5 && arrives(p.server, "piped"));
	RM_CHECK(send(p.client, "piped", 5, 0) == 5);
	RM_CHECK(splice(p.server, NULL, tube[1], NULL, 5, 0) == 5 && read(tube[0], name, 9) == 5);
	RM_CHECK(close(tube[0]) == 0 && close(tube[1]) == 0 && close(file) == 0);
	hang_up(&p);
}

RM_TEST("a descriptor sent over a socket works where it arrives")
{
	struct pair p = connected();
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = { { 0 } };
	char c = 'f', room[300];
	struct iovec out = { &c, 1 }, in = { room, sizeof(room) };
	struct msghdr m = { .msg_iov = &out, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control) };
	int unix_pair[2], passed = -1;

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, unix_pair) == 0);
	*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &p.client, sizeof(int));
	RM_CHECK(sendmsg(unix_pair[0], &m, 0) == 1);
	memset(&control, 0, sizeof(control));
	m.msg_iov = &in;
	RM_CHECK(recvmsg(unix_pair[1], &m, 0) == 1 && room[0] == 'f');
	RM_CHECK(m.msg_controllen == CMSG_SPACE(sizeof(int)) || m.msg_controllen == CMSG_LEN(sizeof(int)));
	memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	RM_CHECK(passed > p.client && send(passed, "passed", 6, 0) == 6 && arrives(p.server, "passed"));
	RM_CHECK(close(passed) == 0 && close(unix_pair[0]) == 0 && close(unix_pair[1]) == 0);
	hang_up(&p);
}

/* ---- processes ---- */

RM_TEST("vfork returns in the child and then in the parent")
{
	struct pair p = connected();
	volatile int seen = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		seen = 1;
		close(p.client); /* of the child's own table; the parent's connection lives */
		_exit(41);
	}
	RM_CHECK(pid > 0 && seen == 1 && status_of(pid) == 41);
	RM_CHECK(send(p.client, "alive", 5, 0) == 5 && arrives(p.server, "alive"));
	pid = vfork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "exit $6", "sh", "1", "2", "3", "4", "5", "42", (char *)NULL);
		_exit(127);
	}
	RM_CHECK(status_of(pid) == 42);
	hang_up(&p);
}

#ifndef __SANITIZE_THREAD__
/* Whoever looks for a variable of its thread among zeroes, where libc's are not, is lost. */
static int without_thread(void *client)
{
	_exit(chroot("/nonexistent") == 0 || shutdown(*(int *)client, SHUT_WR) != 0 ? 1 : 43);
}

RM_TEST("a child that shares the memory, but has no thread of libc's, calls and ends")
{
	static _Alignas(64) char stack[1 << 16], block[1 << 14];
	struct pair p = connected();
	pid_t pid = clone(without_thread, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_SETTLS | SIGCHLD,
			  &p.client, NULL, block + sizeof(block) / 2);

	RM_CHECK(pid > 0 && status_of(pid) == 43 && recv(p.server, stack, 1, MSG_DONTWAIT) == 0);
	hang_up(&p);
}
#endif

static char *const print_seven[] = { "sh", "-c", "test \"$SEVEN\" = 7 && exit 7", NULL };
static char *const seven_env[] = { "SEVEN=7", "PATH=/bin:/usr/bin", NULL };

static void exec_how(int how)
{
	setenv("SEVEN", "7", 1);
	if (how == 0)
		execv("/bin/sh", print_seven);
	else if (how == 1)
		execvp("sh", print_seven);
	else if (how == 2)
		execvpe("sh", print_seven, seven_env);
	else if (how == 3)
		execve("/bin/sh", print_seven, seven_env);
	else if (how == 4)
		execl("/bin/sh", "sh", "-c", print_seven[2], (char *)NULL);
	else if (how == 5)
		execlp("sh", "sh", "-c", print_seven[2], (char *)NULL);
	else if (how == 6)
		execle("/bin/sh", "sh", "-c", print_seven[2], (char *)NULL, seven_env);
	else if (how == 7)
		fexecve(open("/bin/sh", O_RDONLY | O_CLOEXEC), print_seven, seven_env);
	else
		execveat(AT_FDCWD, "/bin/sh", print_seven, seven_env, 0);
	_exit(127);
}

RM_TEST("every exec hands on arguments and environment")
{
	for (int how = 0; how <= 8; how++) {
		pid_t pid = fork();

		if (pid == 0)
			exec_how(how);
		RM_CHECK(status_of(pid) == 7);
	}
}

RM_TEST("posix_spawn hands on arguments and environment")
{
	pid_t pid = -1;

	RM_CHECK(posix_spawn(&pid, "/bin/sh", NULL, NULL, print_seven, seven_env) == 0);
	RM_CHECK(status_of(pid) == 7);
	RM_CHECK(posix_spawnp(&pid, "sh", NULL, NULL, print_seven, seven_env) == 0);
	RM_CHECK(status_of(pid) == 7);
}

RM_TEST("a program that unsets its environment can start another")
{
	pid_t pid = fork();

	if (pid == 0) {
		clearenv();
		execl("/bin/sh", "sh", "-c", "exit 3", (char *)NULL);
	}
	RM_CHECK(status_of(pid) == 3);
}

RM_TEST("the ways to end keep the status")
{
	void (*ends[])(int) = { _exit, _Exit, quick_exit, exit };

	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (pid == 0)
			ends[i](50 + i);
		RM_CHECK(status_of(pid) == 50 + i);
	}
}

RM_TEST("a daemon goes on after its parent has gone")
{
	int tube[2];
	char c = 0;
	pid_t pid;

	RM_CHECK(pipe(tube) == 0);
	pid = fork();
	if (pid == 0) {
		if (daemon(1, 1) == 0)
			_exit(write(tube[1], "d", 1) != 1);
		_exit(9);
	}
	RM_CHECK(status_of(pid) == 0 && read(tube[0], &c, 1) == 1 && c == 'd');
	RM_CHECK(close(tube[0]) == 0 && close(tube[1]) == 0);
}

/* ---- threads and libraries ---- */

static void *wait_for_byte(void *fd)
{
	char room[1000];

	return (void *)(long)recv(*(int *)fd, room, sizeof(room), 0);
}

RM_TEST("a thread can be cancelled in a hooked call, and the next one works")
{
	struct pair p = connected();
	pthread_t thread;
	void *result = NULL;

	RM_CHECK(pthread_create(&thread, NULL, wait_for_byte, &p.server) == 0);
	usleep(20000);
	RM_CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0);
	RM_CHECK(result == PTHREAD_CANCELED);
	RM_CHECK(pthread_create(&thread, NULL, wait_for_byte, &p.server) == 0);
	RM_CHECK(send(p.client, "q", 1, 0) == 1 && pthread_join(thread, &result) == 0);
	RM_CHECK(result == (void *)1L);
	hang_up(&p);
}

RM_TEST("a hooked call keeps the message that dlerror has ready")
{
	RM_CHECK(dlopen("/nonexistent-library.so", RTLD_NOW) == NULL);
	RM_CHECK(write(-1, "", 0) == -1 && close(-1) == -1);

	const char *message = dlerror();

	RM_CHECK(message && strstr(message, "nonexistent-library"));
}

RM_TEST("names are looked up")
{
	struct addrinfo *found = NULL, numeric = { .ai_flags = AI_NUMERICHOST };

	RM_CHECK(getaddrinfo("127.0.0.1", "80", &numeric, &found) == 0 && found);
	freeaddrinfo(found);
}

/* ---- credentials, namespaces, bare system calls ---- */

RM_TEST("a change of credentials to the same ones succeeds, and what cannot be gives libc's errno")
{
	uid_t uid = getuid(), euid = geteuid();
	gid_t gid = getgid(), egid = getegid();

	RM_CHECK(setreuid(uid, euid) == 0 && setregid(gid, egid) == 0);
	RM_CHECK(setresuid(uid, euid, (uid_t)-1) == 0 && setresgid(gid, egid, (gid_t)-1) == 0);
	RM_CHECK(seteuid(euid) == 0 && setegid(egid) == 0);
	RM_CHECK(getuid() == uid && geteuid() == euid && getgid() == gid && getegid() == egid);
	RM_CHECK(setuid((uid_t)-1) == -1 && errno == EINVAL && setgid((gid_t)-1) == -1 && errno == EINVAL);
	RM_CHECK(setgroups(1 << 20, NULL) == -1 && (errno == EINVAL || errno == EPERM));
	RM_CHECK(chroot("/nonexistent") == -1 && (errno == ENOENT || errno == EPERM));
	RM_CHECK(unshare(0) == 0 && unshare(-1) == -1 && errno == EINVAL);
	RM_CHECK(pivot_root("/nonexistent", "/") == -1 && (errno == ENOENT || errno == EPERM));
	RM_CHECK(setns(-1, 0) == -1 && errno == EBADF && mlockall(0) == -1 && errno == EINVAL);
	RM_CHECK(capset(NULL, NULL) == -1 && errno == EFAULT);
}

RM_TEST("prctl takes all its arguments along")
{
	char name[16] = "", before[16] = "";

	RM_CHECK(prctl(PR_GET_NAME, before) == 0 && prctl(PR_SET_NAME, "named") == 0);
	RM_CHECK(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "named") == 0);
	RM_CHECK(prctl(PR_SET_NAME, before) == 0);
	RM_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 7) == -1 && errno == EINVAL);
	RM_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) == -1 && errno == EFAULT);
}

RM_TEST("syscall takes all its arguments along, and gives errno")
{
	struct pair p = connected();
	char *page = (char *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	RM_CHECK(page != MAP_FAILED && (page[4095] = 1) && syscall(SYS_munmap, page, 4096) == 0);
	RM_CHECK(syscall(SYS_getpid) == getpid());
	errno = 0;
	RM_CHECK(syscall(SYS_fsync, -1) == -1 && errno == EBADF);
	RM_CHECK(syscall(100000L) == -1 && errno == ENOSYS);
	RM_CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) == -1 && errno == EFAULT);
	RM_CHECK(send(p.client, "s", 1, 0) == 1 && syscall(SYS_close, p.client) == 0);
	RM_CHECK(arrives(p.server, "s") && recv(p.server, page, 1, 0) == 0);
	p.client = dup(p.server);
	hang_up(&p);
}

static void *leave_with(void *value)
{
	pthread_exit(value);
}

static int leave_with_int(void *value)
{
	thrd_exit(*(int *)value);
}

RM_TEST("a thread that ends itself hands on its result")
{
	int nine = 9, got = 0;
	void *result = NULL;
	pthread_t thread;
	thrd_t other;

	RM_CHECK(pthread_create(&thread, NULL, leave_with, &nine) == 0);
	RM_CHECK(pthread_join(thread, &result) == 0 && result == &nine);
	RM_CHECK(thrd_create(&other, leave_with_int, &nine) == thrd_success);
	RM_CHECK(thrd_join(other, &got) == thrd_success && got == 9);
}

typedef void *(*open_fn)(const char *name);
typedef int (*answer_fn)(void);

RM_TEST("a library is found by the RUNPATH of the library that asks for it")
{
	const char *opener_path = getenv("REMORA_TEST_OPENER");
	void *opener = opener_path ? dlopen(opener_path, RTLD_NOW | RTLD_LOCAL) : NULL;
	open_fn open_by = opener ? (open_fn)dlsym(opener, "open_by") : NULL;
	void *plugin = open_by ? open_by("libplugin.so") : NULL;
	answer_fn answer = plugin ? (answer_fn)dlsym(plugin, "answer") : NULL;

	RM_CHECK(opener && open_by && plugin && answer && answer() == 42);
	RM_CHECK(dlopen("libplugin.so", RTLD_NOW | RTLD_NOLOAD) == plugin || dlerror());
}

/* Has the number of `fd` stand for a file with this text, in a way that no hook sees. */
static void become_file(int fd, const char *text)
{
	int file = memfd_create("file", 0);

	RM_CHECK(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
	RM_CHECK(lseek(file, 0, SEEK_SET) == 0);
	RM_CHECK(syscall(SYS_dup3, file, fd, 0) == fd);
	RM_CHECK(close(file) == 0);
}

RM_TEST("a file that took over the number of a connection is read as it is")
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";

	for (int scattered = 0; scattered < 2; scattered++) {
		struct pair p = connected();
		char got[4096];
		struct iovec iov[2] = { { got, 10 }, { got + 10, sizeof(got) - 10 } };

		RM_CHECK(write(p.client, text, sizeof(text) - 1) == sizeof(text) - 1);
		RM_CHECK(read(p.server, got, sizeof(got)) >= (ssize_t)sizeof(text) - 1);
		RM_CHECK(write(p.server, answer, sizeof(answer) - 1) == sizeof(answer) - 1);
		become_file(p.server, text);
		errno = 5;
		RM_CHECK((scattered ? readv(p.server, iov, 2) : read(p.server, got, sizeof(got))) ==
			 sizeof(text) - 1);
		RM_CHECK(errno == 5 && memcmp(got, text, sizeof(text) - 1) == 0);
		hang_up(&p);
	}
}
