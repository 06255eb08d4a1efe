"""Cases 29 to 33: descriptors. Ours are never among the program's, whatever it does with its own."""
import os
import re
import subprocess
import sys

from frame import HANG, case, which
from h_programs import await_port, free_port

PRELUDE = r"""
#include "torture.h"
#include "mill.h"
#include <dirent.h>
#include <sys/resource.h>
#include <sys/select.h>

/* Prints what /proc/self/fd lists, without the descriptor that lists it. */
static void list(const char *when)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	char line[256];

	dprintf(1, "%s:", when);
	while ((e = readdir(d))) {
		char path[300];
		ssize_t n;

		if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(d))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
		n = readlink(path, line, sizeof(line) - 1);
		line[n < 0 ? 0 : n] = 0;
		line[strcspn(line, "[")] = 0; /* inode numbers differ */
		dprintf(1, " %s=%s", e->d_name, line);
	}
	dprintf(1, "\n");
	closedir(d);
}
"""

# ---- 29: everything is closed ----

CLOSE_ALL = PRELUDE + r"""
/* argv: how. Afterwards two fresh sockets must carry nothing but our own bytes, while spans leave. */
int main(int argc, char **argv)
{
	struct rlimit limit;
	char bytes[256];
	int fd, listener, client, server, pair[2];

	FAIL_IF(get() != 200);
	settle(60); /* our thread has its connection now */
	switch (atoi(argv[1])) {
	case 0:
		closefrom(3);
		break;
	case 1:
		FAIL_IF(close_range(3, ~0U, 0) != 0);
		break;
	case 2:
		FAIL_IF(getrlimit(RLIMIT_NOFILE, &limit) != 0);
		for (fd = 3; fd < (int)limit.rlim_cur; fd++)
			close(fd);
		break;
	case 3:
		for (fd = 3; fd < 1024; fd++)
			syscall(SYS_close, fd);
		break;
	case 4:
		closefrom(0);
		FAIL_IF(open("/dev/null", O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2);
		break;
	case 5: /* daemons do this first of all */
		for (fd = 0; fd < 256; fd++)
			close(fd);
		FAIL_IF(open("/dev/null", O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2);
		break;
	}
	listener = mill_listen();
	FAIL_IF(listener != 3);
	client = mill_connect();
	server = accept(listener, NULL, NULL);
	FAIL_IF(client != 4 || server != 5);
	FAIL_IF(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || pair[0] != 6 || pair[1] != 7);
	for (int i = 0; i < 4; i++) {
		FAIL_IF(get() != 200);
		settle(60);
		FAIL_IF(recv(server, bytes, sizeof(bytes), MSG_DONTWAIT) != -1 || errno != EAGAIN);
		FAIL_IF(recv(client, bytes, sizeof(bytes), MSG_DONTWAIT) != -1 || errno != EAGAIN);
		FAIL_IF(recv(pair[0], bytes, sizeof(bytes), MSG_DONTWAIT) != -1 || errno != EAGAIN);
		FAIL_IF(recv(pair[1], bytes, sizeof(bytes), MSG_DONTWAIT) != -1 || errno != EAGAIN);
	}
	return 42;
}
"""

CLOSE_FDS = r"""
import os, subprocess, urllib.request
url = "http://127.0.0.1:" + os.environ["PEER_PORT"]
for i in range(6):
    print(urllib.request.urlopen(url).status, subprocess.run(["true"], close_fds=True).returncode)
    os.closerange(3, 1024)
"""


@case(29, "a program closes everything there is, and spans go on leaving beside its new sockets")
def c29_close_all(t):
    program = t.compile("close_all", CLOSE_ALL)
    for way in range(6):
        t.same([program, way], status=42, spans=5, states=("up", "tls", "relay"))
        t.same([program, way], status=42, states=("down", "stuck"))


@case(29, "Python closes everything between its requests")
def c29_python(t):
    t.same([sys.executable, t.script("close_fds.py", CLOSE_FDS)], spans=6, states=("up", "relay"))


@case(29, "sshd closes everything when it starts, and serves", needs=["ssh-keygen", "ssh-keyscan"])
def c29_sshd(t):
    sshd = which("sshd")
    if not sshd or os.geteuid() != 0:
        t.skip("not root, or not installed: sshd")
    key = t.dir / "host_key"
    subprocess.run([which("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    os.makedirs("/run/sshd", exist_ok=True)
    port, found = free_port(), []
    argv = [sshd, "-D", "-e", "-p", port, "-h", key, "-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none", "-f", "/dev/null"]

    def during(process):
        await_port(port, process)
        found.append(subprocess.run([which("ssh-keyscan"), "-p", str(port), "127.0.0.1"], capture_output=True,
                                    timeout=HANG).stdout)
        process.terminate()
    results = []
    for state in (None, "up", "tls", "down", "stuck"):
        result = t.run(argv, state, env={"REMORA_ALLOW": "*"}, during=during)
        results.append((result.status, sorted(re.sub(rb"(port|from) .*", b"", result.stderr).splitlines())))
    t.check(all(r == results[0] for r in results), f"{results}")
    t.check(found[0] and all(f == found[0] for f in found), f"keys: {found}")


# ---- 30: every number is taken ----

DUP_OVER = PRELUDE + r"""
int main(int argc, char **argv)
{
	struct rlimit limit;
	char bytes[256];
	int fds[2], standard[3], fd, last;

	FAIL_IF(get() != 200);
	settle(60);
	FAIL_IF(getrlimit(RLIMIT_NOFILE, &limit) != 0);
	limit.rlim_cur = limit.rlim_max;
	FAIL_IF(setrlimit(RLIMIT_NOFILE, &limit) != 0);
	for (fd = 0; fd < 3; fd++)
		FAIL_IF((standard[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 2000)) < 2000);
	FAIL_IF(pipe2(fds, O_CLOEXEC) != 0 || fds[0] != 3 || fds[1] != 4);
	for (fd = 0; fd < 1024; fd++) {
		if (fd != fds[0])
			FAIL_IF(dup2(fds[1], fd) != fd);
		if (fd % 250 == 1)
			FAIL_IF(get() != 200); /* spans leave meanwhile, over whichever number */
	}
	settle(100);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	FAIL_IF(read(fds[0], bytes, sizeof(bytes)) != -1 || errno != EAGAIN);
	for (fd = 1023; fd >= 5; fd--)
		close(fd);
	for (fd = 0; fd < 3; fd++)
		FAIL_IF(dup2(standard[fd], fd) != fd || close(standard[fd]) != 0);
	/* Eight descriptors are allowed, and the program gets every one of them. */
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 8;
	FAIL_IF(setrlimit(RLIMIT_NOFILE, &limit) != 0);
	FAIL_IF(get() != 200);
	settle(100);
	while ((fd = dup(0)) >= 0)
		last = fd;
	printf("last %d, errno %d\n", last, errno);
	close(last);
	FAIL_IF(get() != 200);
	return 0;
}
"""


@case(30, "dup2 over every number, and a limit of eight descriptors of which none is missing")
def c30_dup_over(t):
    t.same([t.compile("dup_over", DUP_OVER)], spans=8, states=("up", "tls", "relay"))
    t.same([t.compile("dup_over", DUP_OVER)], states=("down", "stuck"))


# ---- 31: listings ----

LISTING = PRELUDE + r"""
int main(int argc, char **argv)
{
	char *const ls[] = { "ls", "/proc/self/fd", NULL };
	int status, fd;
	pid_t child;

	list("at main");
	fd = peer_connect();
	list("connected");
	FAIL_IF(get_over(fd) != 200);
	list("after a span");
	settle(200);
	list("after its export");
	FAIL_IF(get_over(fd) != 200);
	child = fork();
	if (child == 0) {
		FAIL_IF(get() != 200);
		list("in a child");
		_exit(0);
	}
	FAIL_IF(waitpid(child, &status, 0) != child || status != 0);
	close(fd);
	list("at the end");
	execvp("ls", ls);
	return 1;
}
"""


@case(31, "the list of descriptors is the same at main, after a span, after its export and in children")
def c31_listing(t):
    t.same([t.compile("listing", LISTING)], spans=3, states=("up", "relay"))
    t.same([t.compile("listing", LISTING)], states=("tls", "down", "stuck"))


PASS_ON = PRELUDE + r"""
/* A connection goes to another process by SCM_RIGHTS, before or after its first request. */
static void send_fd(int over, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	FAIL_IF(sendmsg(over, &m, 0) != 1);
}

static int receive_fd(int over)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fd = -1;

	FAIL_IF(recvmsg(over, &m, 0) != 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* The worker answers what it is given: the acceptor never looks at it. */
static void worker(int over)
{
	static uint8_t matched[1024];
	char bytes[4096];
	ssize_t n;
	int fd = receive_fd(over);

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		FAIL_IF(mill_answer(fd, bytes, n, &matched[fd]) != 0);
	close(fd);
	_exit(0);
}

int main(int argc, char **argv)
{
	int pair[2], listener = mill_listen(), client, server, status;
	pid_t child;

	FAIL_IF(socketpair(AF_UNIX, argc > 1 ? SOCK_DGRAM : SOCK_STREAM, 0, pair) != 0);
	if ((child = fork()) == 0)
		worker(pair[1]);
	client = mill_connect();
	server = accept(listener, NULL, NULL);
	send_fd(pair[0], server);
	close(server);
	mill_get(client);
	mill_get(client);
	close(client);
	FAIL_IF(waitpid(child, &status, 0) != child || status != 0);
	/* And a client's end: another process asks over it. */
	if ((child = fork()) == 0) {
		client = receive_fd(pair[1]);
		FAIL_IF(get_over(client) != 200);
		_exit(0);
	}
	client = peer_connect();
	send_fd(pair[0], client);
	close(client);
	FAIL_IF(waitpid(child, &status, 0) != child || status != 0);
	puts("passed on");
	return 0;
}
"""


@case(31, "connections that are passed to another process are traced there, on either side")
def c31_rights(t):
    program = t.compile("pass_on", PASS_ON)
    for kind in ([], ["datagram"]):
        off = t.run([program, *kind])
        for state in ("up", "relay"):
            on = t.run([program, *kind], state, wait_spans=5)
            t.equal(off, on, f"passing on, collector {state}")
            kinds = sorted(s["kind"] for s in on.spans)
            t.check(kinds == ["CLIENT"] * 3 + ["SERVER"] * 2, f"spans of {kinds}")


# ---- 32: standard streams are closed ----

STREAMS = PRELUDE + r"""
/* The child's output is a pipe of ours: it ends when the child closes it, not when the child ends. */
int main(int argc, char **argv)
{
	int out[2], go[2], status;
	struct pollfd end;
	char bytes[64];
	pid_t child;

	FAIL_IF(pipe(out) != 0 || pipe(go) != 0);
	child = fork();
	if (child == 0) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		close(out[0]);
		close(out[1]);
		close(go[1]);
		FAIL_IF(get() != 200);
		settle(100);
		close(1);
		close(2);
		FAIL_IF(get() != 200);
		settle(100);
		read(go[0], bytes, 1); /* until the parent has seen the end */
		close(0);
		if (open("/dev/null", O_RDWR) != 0)
			_exit(1);
		if (open("/dev/null", O_RDWR) != 1)
			_exit(2);
		get();
		_exit(0);
	}
	close(out[1]);
	close(go[0]);
	end = (struct pollfd){ out[0], POLLIN };
	FAIL_IF(poll(&end, 1, 5000) != 1);
	FAIL_IF(read(out[0], bytes, sizeof(bytes)) != 0);
	close(go[1]);
	FAIL_IF(waitpid(child, &status, 0) != child);
	printf("end seen, child ended with %d\n", status);
	return 0;
}
"""


@case(32, "who reads a closed stdout sees its end at once, and freed numbers are given out again")
def c32_streams(t):
    t.same([t.compile("streams", STREAMS)], states=("up", "tls", "down", "stuck", "relay"))


# ---- 33: select, high numbers, EMFILE ----

HIGH = PRELUDE + r"""
/* Fills the numbers up to `last`. */
static void fill(int last)
{
	int fd;

	while ((fd = dup(0)) >= 0 && fd < last)
		;
	FAIL_IF(fd != last);
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	fd_set set;
	int fd, listener, client, loop;
	struct epoll_event event = { .events = EPOLLIN };

	getrlimit(RLIMIT_NOFILE, &limit);
	FAIL_IF(get() != 200);
	settle(100);
	listener = mill_listen();
	fill(1020);
	fd = peer_connect();
	FAIL_IF(fd != 1021);
	send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	FD_SET(listener, &set);
	printf("select says %d\n", select(fd + 1, &set, NULL, NULL, NULL));
	FAIL_IF(!FD_ISSET(fd, &set) || FD_ISSET(listener, &set));
	close(fd);
	/* No number is left: the program learns it from the call it always learnt it from. */
	limit.rlim_cur = 1023;
	FAIL_IF(setrlimit(RLIMIT_NOFILE, &limit) != 0);
	client = mill_connect();
	FAIL_IF(client != 1021);
	fd = dup(0);
	FAIL_IF(fd != 1022);
	printf("accept %d", accept(listener, NULL, NULL));
	printf(" errno %d\n", errno);
	printf("socket %d", socket(AF_INET, SOCK_STREAM, 0));
	printf(" errno %d\n", errno);
	close(fd);
	printf("accept %d\n", accept(listener, NULL, NULL));
	close(1022);
	close(client);
	/* Far above what select can hold. */
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	client = peer_connect();
	fd = fcntl(client, F_DUPFD, 15000);
	close(client);
	loop = epoll_create1(EPOLL_CLOEXEC);
	FAIL_IF(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0);
	printf("high %d: %d\n", fd, get_over(fd));
	send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0);
	printf("epoll says %d\n", epoll_wait(loop, &event, 1, -1));
	return 0;
}
"""


@case(33, "select near its limit, no number left, and connections far above 1024")
def c33_high(t):
    with open("/proc/self/limits") as limits:
        hard = next(line.split()[4] for line in limits if line.startswith("Max open files"))
    if hard != "unlimited" and int(hard) < 16000:
        t.skip("the hard limit of descriptors is below 16000")
    t.same([t.compile("high", HIGH)], states=("up", "tls", "down", "stuck", "relay"))
