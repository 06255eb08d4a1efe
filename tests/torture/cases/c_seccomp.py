"""Case 19: once system calls are restricted, none of ours is made.
"""
import os

from frame import case, which

PRELUDE = """
#include "agent_thread.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
"""


# ---- 19: seccomp ----

SECCOMP = PRELUDE + r"""
#define ALLOW(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* Nothing but moving bytes and ending. */
static struct sock_filter allow_list[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	ALLOW(read), ALLOW(write), ALLOW(close), ALLOW(sendmmsg), ALLOW(exit), ALLOW(exit_group), ALLOW(rt_sigreturn),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};
static struct sock_fprog filter = { sizeof(allow_list) / sizeof(allow_list[0]), allow_list };

static void say(const char *text)
{
	FAIL_IF(write(1, text, strlen(text)) != (ssize_t)strlen(text));
}

static int begun[2], done[2], never[2];
static volatile int confined;

/* A thread under traffic at the moment of the filter, client and server in one. It never ends. */
static void *traffic(void *arg)
{
	static const char request[] = "GET /busy HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	char room[600];
	int fd[2], left = 500;

	FAIL_IF(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0);
	FAIL_IF(write(begun[1], "x", 1) != 1);
	while (left > 0) {
		FAIL_IF(write(fd[0], request, sizeof(request) - 1) != (ssize_t)sizeof(request) - 1);
		FAIL_IF(read(fd[1], room, sizeof(room)) <= 0);
		FAIL_IF(write(fd[1], answer, sizeof(answer) - 1) != (ssize_t)sizeof(answer) - 1);
		FAIL_IF(read(fd[0], room, sizeof(room)) <= 0);
		left -= confined;
	}
	FAIL_IF(write(done[1], "x", 1) != 1);
	read(never[0], room, 1);
	return NULL;
}

static void await_threads(int fd, int n)
{
	char c;

	while (n-- > 0)
		FAIL_IF(read(fd, &c, 1) != 1);
}

static void confine(const char *how)
{
	if (strcmp(how, "strict") == 0) {
		FAIL_IF(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0);
		return;
	}
	/* How libraries ask what the kernel knows; no filter comes of it. */
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, NULL);
	FAIL_IF(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0);
	if (strcmp(how, "prctl") == 0)
		FAIL_IF(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0);
	else if (strcmp(how, "syscall") == 0)
		FAIL_IF(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0);
	else
		FAIL_IF(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0);
}

/* argv: how, when (first, after, busy) */
int main(int argc, char **argv)
{
	int fd = -1, pair[2];
	pthread_t thread;

	if (strcmp(argv[2], "first") != 0) {
		get_and_await();
		fd = peer_connect();
		ask(fd, "/sandboxed");
	}
	FAIL_IF(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || pipe(begun) != 0 || pipe(done) != 0 || pipe(never) != 0);
	if (strcmp(argv[2], "busy") == 0) {
		for (int i = 0; i < 4; i++)
			FAIL_IF(pthread_create(&thread, NULL, traffic, NULL) != 0);
		await_threads(begun[0], 4);
		await_thread(5);
		usleep(2000);
	}
	confine(argv[1]);
	confined = 1;
	say("confined\n");
	if (strcmp(argv[2], "busy") == 0)
		await_threads(done[0], 4);
	if (fd >= 0) {
		ask(fd, "/sandboxed");
		ask(fd, "/sandboxed");
		say("exchanged\n");
	}
	/* A connection that we have never seen a byte of. */
	FAIL_IF(write(pair[0], "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27) != 27);
	FAIL_IF(read(pair[1], (char[600]){ 0 }, 600) != 27);
	if (strcmp(argv[1], "strict") != 0) {
		struct iovec iov = { "ab", 2 };
		struct mmsghdr two[2] = { { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } },
					  { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } } };

		FAIL_IF(sendmmsg(pair[0], two, 2, 0) != 2 || read(pair[1], (char[600]){ 0 }, 600) != 4);
		FAIL_IF(close(pair[0]) != 0 || close(pair[1]) != 0);
		say("done\n");
		exit(0); /* with destructors */
	}
	say("done\n");
	syscall(SYS_exit, 0);
}
"""

LIBSECCOMP = PRELUDE + r"""
#include <seccomp.h>
int main(int argc, char **argv)
{
	static const int allowed[] = { SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(exit_group) };
	scmp_filter_ctx rules;
	int fd;

	get_and_await();
	fd = peer_connect();
	rules = seccomp_init(SCMP_ACT_KILL_PROCESS);
	FAIL_IF(!rules);
	for (int i = 0; i < 3; i++)
		FAIL_IF(seccomp_rule_add(rules, SCMP_ACT_ALLOW, allowed[i], 0) != 0);
	if (argv[1])
		FAIL_IF(seccomp_attr_set(rules, SCMP_FLTATR_CTL_TSYNC, 1) != 0);
	FAIL_IF(seccomp_load(rules) != 0);
	FAIL_IF(write(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27) != 27);
	FAIL_IF(read(fd, (char[600]){ 0 }, 600) <= 0);
	FAIL_IF(write(1, "done\n", 5) != 5);
	return 0;
}
"""

EXEC_CONFINED = PRELUDE + r"""
#define DENY(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

/* argv: a program to become, below a filter that kills for what a program without sockets never asks. */
int main(int argc, char **argv)
{
	static struct sock_filter deny_list[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		DENY(getpeername), DENY(getsockname), DENY(getsockopt), DENY(socket), DENY(connect), DENY(gettid),
		DENY(memfd_create), DENY(sched_yield), DENY(nanosleep), DENY(close_range), DENY(tgkill), DENY(prctl),
		DENY(readlink), DENY(readlinkat), DENY(rt_sigpending), DENY(sigaltstack), DENY(clone), DENY(clone3),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(deny_list) / sizeof(deny_list[0]), deny_list };

	FAIL_IF(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0);
	FAIL_IF(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0);
	execv(argv[1], argv + 1);
	return 9;
}
"""


@case(19, "strict and filtering seccomp, before and after the first span: the program lives on")
def c19_seccomp(t):
    program = t.compile("seccomp", SECCOMP)
    for how in ("strict", "prctl", "syscall", "tsync"):
        t.same([program, how, "first"], states=("up", "down", "stuck", "relay"), status=0, spans=0)
        t.same([program, how, "after"], states=("up", "down", "stuck"), status=0, spans=2)


@case(19, "a filter for all threads while they are under traffic kills none of them", alone=True)
def c19_busy(t):
    t.same([t.compile("seccomp", SECCOMP), "tsync", "busy"], status=0, states=("up", "down"), times=40)


@case(19, "libseccomp: the filter is loaded and the program lives on")
def c19_libseccomp(t):
    if not os.path.exists("/usr/include/seccomp.h"):
        t.skip("no header of libseccomp")
    program = t.compile("libseccomp", LIBSECCOMP, "-lseccomp")
    t.same([program], status=0, spans=1)
    t.same([program, "tsync"], status=0, spans=1)


@case(19, "programs that start below a filter, without a socket, do nothing of their own")
def c19_exec(t):
    program = t.compile("confined", EXEC_CONFINED)
    plain = t.compile("plain", "#include <stdio.h>\nint main(void) { puts(\"plain\"); return 0; }")
    t.same([program, plain], status=0, spans=0)
    t.same([program, which("cat"), "/etc/hostname"], status=0, spans=0)
