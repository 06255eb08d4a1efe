"""Cases 17 to 22: namespaces, sandboxes, credentials, signals and the main thread's end.

All of them hang on one thing: our thread is not there when a call looks at threads, and no system
call of ours is made where one would kill. await_thread() in PRELUDE waits until our thread runs, so
that no case passes because it never did.
"""
import os

from frame import case, which

PRELUDE = r"""
#include <stdbool.h>
#include "torture.h"
#include <dirent.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

/* Waits until the agent's thread, if it is to have one, runs beside `own` threads of the program. */
static void await_thread(int own)
{
	const char *list = getenv("LD_PRELOAD");
	struct pollfd none;

	if (!list || !strstr(list, "libremora") || getenv("REMORA_RELAY"))
		return;
	for (int i = 0; i < 8000 && threads() <= own; i++)
		poll(&none, 0, 1);
	FAIL_IF(threads() <= own);
}

/* One exchange, after which our thread runs. */
static void get_and_await(void)
{
	FAIL_IF(get() != 200);
	await_thread(1);
}
"""

# ---- 17: namespaces ----

UNSHARE = PRELUDE + r"""
/* argv: rounds. Each is a process that made a traced exchange. */
int main(int argc, char **argv)
{
	int refused = 0, failed = 0;

	for (int i = 0; i < atoi(argv[1]); i++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			get_and_await();
			_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno == EINVAL ? 1 : 2);
		}
		FAIL_IF(waitpid(child, &status, 0) != child || !WIFEXITED(status));
		refused += WEXITSTATUS(status) == 1;
		failed += WEXITSTATUS(status) > 1;
	}
	printf("%d refused, %d failed\n", refused, failed);
	return 0;
}
"""

SETNS = PRELUDE + r"""
/* Entering a mount namespace needs a file system context that no other thread shares. */
int main(int argc, char **argv)
{
	int fd;

	get_and_await();
	FAIL_IF(unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0);
	fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	FAIL_IF(fd < 0);
	for (int i = 0; i < 20; i++) {
		get_and_await();
		FAIL_IF(i % 2 ? setns(fd, CLONE_NEWNS) != 0 : syscall(SYS_setns, fd, CLONE_NEWNS) != 0);
	}
	puts("entered");
	return 0;
}
"""


def user_namespaces(t):
    if not which("unshare") or t.run(["unshare", "-U", "true"]).status != 0:
        t.skip("no user namespaces here")


@case(17, "a user namespace is left 2000 times after a traced exchange, and never refused")
def c17_unshare(t):
    user_namespaces(t)
    program = t.compile("leave_users", UNSHARE)  # unshare is on the deny list
    off = t.run([program, 20])
    for state, rounds in (("up", 2000), ("down", 100), ("stuck", 20), ("relay", 20)):
        on = t.run([program, rounds], state, seconds=120)
        t.equal(off, on, f"unshare, collector {state}")
        t.note(f"collector {state}: {on.seconds / rounds * 1000:.1f} ms for each of {rounds} rounds")


@case(17, "a mount namespace is entered again and again between exchanges")
def c17_setns(t):
    user_namespaces(t)
    t.same([t.compile("setns", SETNS)], spans=21, states=("up", "down", "stuck"), seconds=30)


@case(17, "tools that make namespaces start programs with exchanges")
def c17_tools(t):
    user_namespaces(t)
    program = t.compile("program", PRELUDE + "int main(void) { get_and_await(); puts(\"done\"); return 0; }")
    t.same(["unshare", "-Ur", program], spans=1)
    if which("bwrap"):
        t.same(["bwrap", "--bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--unshare-all", "--share-net",
                program], spans=1)


# ---- 8: roots ----

ROOT = PRELUDE + r"""
/* argv: the other root. A child after it has to find its own way out. */
int main(int argc, char **argv)
{
	int status;
	pid_t child;

	FAIL_IF(chroot(argv[1]) != 0 || chdir("/") != 0);
	FAIL_IF(get() != 200 || get() != 200);
	poll(&(struct pollfd){ 0 }, 0, 20);
	child = fork();
	if (child == 0) {
		FAIL_IF(get() != 200);
		exit(0);
	}
	FAIL_IF(waitpid(child, &status, 0) != child || status != 0);
	return 4;
}
"""


@case(8, "a program that changes its root before its first exchange delivers its spans")
def c08_first_exchange(t):
    as_root(t)
    (t.dir / "empty").mkdir()
    program = t.compile("rooted", ROOT)
    t.same([program, t.dir / "empty"], states=("up",), spans=3, status=4)
    t.same([program, t.dir / "empty"], states=("relay",), status=4)
    on = t.run([program, t.dir / "empty"], "relay", wait_spans=2)
    t.check(len(on.spans) >= 2, f"{len(on.spans)} spans instead of those before the fork, at least 2")


# ---- 18: programs that look for threads ----

ALONE = PRELUDE + r"""
static int tasks(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	FAIL_IF(!d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* What browsers do before they shut themselves in: look, fork, look, leave their namespaces. */
int main(void)
{
	struct stat task;
	int status;
	pid_t zygote;

	printf("%d task at the start\n", tasks());
	get_and_await();
	zygote = fork();
	if (zygote == 0) {
		FAIL_IF(tasks() != 1);
		FAIL_IF(stat("/proc/self/task", &task) != 0 || task.st_nlink != 3);
		FAIL_IF(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET) != 0);
		FAIL_IF(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0);
		FAIL_IF(tasks() != 1);
		_exit(0);
	}
	FAIL_IF(waitpid(zygote, &status, 0) != zygote || status != 0);
	FAIL_IF(unshare(CLONE_NEWUSER) != 0);
	printf("%d task in the sandbox\n", tasks());
	return 0;
}
"""


@case(18, "a program that makes sure of being alone before its sandbox finds nobody")
def c18_alone(t):
    user_namespaces(t)
    off = t.same([t.compile("alone", ALONE)], spans=1)
    t.check(b"1 task at the start\n1 task in the sandbox\n" == off.stdout, f"not alone: {off}")


@case(18, "a browser with its sandbox loads a page", needs=["chromium"])
def c18_chromium(t):
    t.same(["chromium", "--headless", "--disable-gpu", "--no-first-run", "--dump-dom",
            f"--user-data-dir={t.dir}/profile", f"http://127.0.0.1:{t.peer_port}/"],
           states=("up",), normal=lambda text: b"", seconds=60)


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

/* As get_over(), but with nothing but read and write. */
static void exchange(int fd)
{
	static const char request[] = "GET /sandboxed HTTP/1.1\r\nHost: peer\r\n\r\n";
	char answer[4096], *body;
	size_t have = 0;

	FAIL_IF(write(fd, request, sizeof(request) - 1) != (ssize_t)sizeof(request) - 1);
	do {
		ssize_t n = read(fd, answer + have, sizeof(answer) - 1 - have);

		FAIL_IF(n <= 0);
		have += (size_t)n;
		answer[have] = 0;
		body = strstr(answer, "\r\n\r\n");
	} while (!body || !strchr(body + 4, '\n'));
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
		exchange(fd);
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
		exchange(fd);
		exchange(fd);
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


# ---- 20: credentials ----

CREDENTIALS = PRELUDE + r"""
#include <grp.h>
int capset(void *header, const void *data);
int capget(void *header, void *data);

/* Prints what the tasks of this process may do: one line if it is the same for all of them. */
static void show(const char *when)
{
	DIR *d = opendir("/proc/self/task");
	char first[1024] = "", now[1024], line[256], path[300];
	struct dirent *e;

	FAIL_IF(!d);
	while ((e = readdir(d))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (!f)
			continue;
		now[0] = 0;
		while (fgets(line, sizeof(line), f))
			if (strncmp(line, "Uid", 3) == 0 || strncmp(line, "Gid", 3) == 0 || strncmp(line, "Cap", 3) == 0 ||
			    strncmp(line, "Groups", 6) == 0 || strncmp(line, "NoNewPrivs", 10) == 0)
				strcat(now, line);
		fclose(f);
		if (strcmp(now, first) != 0)
			printf("%s: %s", when, now);
		strcpy(first, now);
	}
	closedir(d);
}

static void drop_capability(int raw)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	FAIL_IF(capget(&header, data) != 0);
	data[0].effective &= ~(1u << (raw ? CAP_SYS_NICE : CAP_SYS_TIME));
	data[0].permitted = data[0].effective;
	FAIL_IF((raw ? syscall(SYS_capset, &header, data) : capset(&header, data)) != 0);
}

int main(void)
{
	get_and_await();
	show("as root");
	FAIL_IF(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0) != 0);
	show("bounded");
	for (int raw = 0; raw < 2; raw++) {
		get_and_await();
		drop_capability(raw);
		show("fewer capabilities");
		get_and_await();
		show("a thread that came later");
	}
	FAIL_IF(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0);
	show("no new privileges");
	get_and_await();
	FAIL_IF(setgroups(1, (gid_t[]){ 65534 }) != 0 || setresgid(65534, 65534, 65534) != 0);
	show("groups");
	get_and_await();
	FAIL_IF(setresuid(65534, 65534, 65534) != 0);
	show("nobody");
	get_and_await();
	show("still nobody");
	return 0;
}
"""

# Raw calls change one thread only, and here there is only one: none of ours may keep root.
RAW_IDS = PRELUDE + r"""
int main(void)
{
	get_and_await();
	FAIL_IF(syscall(SYS_setresgid, 65534, 65534, 65534) != 0 || syscall(SYS_setresuid, 65534, 65534, 65534) != 0);
	FAIL_IF(threads() != 1);
	get_and_await();
	execlp("sh", "sh", "-c", "id -u; grep -h '^Uid' /proc/$PPID/task/*/status >/dev/null; echo done", (char *)NULL);
	return 9;
}
"""

# A server that takes its client's identity for each request.
TOGGLE = PRELUDE + r"""
int main(void)
{
	struct pollfd none;

	for (int i = 0; i < 300; i++) {
		FAIL_IF(get() != 200);
		poll(&none, 0, 0);
		FAIL_IF(seteuid(65534) != 0 || geteuid() != 65534);
		FAIL_IF(seteuid(0) != 0 || geteuid() != 0);
	}
	puts("toggled");
	return 0;
}
"""


def as_root(t):
    if os.geteuid() != 0:
        t.skip("not root")


@case(20, "all threads of a process have the same identity and capabilities after a change")
def c20_credentials(t):
    as_root(t)
    t.same([t.compile("credentials", CREDENTIALS)], spans=8, status=0, seconds=30,
           states=("up", "down"))


@case(20, "raw calls that change one thread leave none of ours behind")
def c20_raw(t):
    as_root(t)
    off = t.same([t.compile("raw_ids", RAW_IDS)], spans=2, status=0)
    t.check(off.stdout == b"65534\ndone\n", f"not what was meant: {off}")


@case(20, "a program that changes its identity with each request is not slowed down", alone=True)
def c20_toggle(t):
    as_root(t)
    program = t.compile("toggle", TOGGLE)
    off = t.run([program])
    for state in ("up", "down", "stuck"):
        on = t.run([program], state, wait_spans=300 if state == "up" else 0)
        t.equal(off, on, f"toggle, collector {state}")
        t.note(f"collector {state}: {on.seconds:.2f} s instead of {off.seconds:.2f} s")
        t.check(state != "up" or len(on.spans) == 300, f"{len(on.spans)} spans instead of 300")


@case(20, "tools that change identity start programs with exchanges")
def c20_tools(t):
    as_root(t)
    program = t.compile("program", PRELUDE + "int main(void) { get_and_await(); printf(\"%d\\n\", getuid()); return 0; }")
    if which("setpriv"):
        t.same(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", program], spans=1)
    for tool in (["runuser", "-u", "nobody", "--"], ["su", "-s", "/bin/sh", "nobody", "-c"]):
        if which(tool[0]):
            t.same([*tool, program], spans=1, status=0)
    if which("sudo"):
        t.same(["sudo", "-n", "-u", "nobody", "env", f"PEER_PORT={t.peer_port}", program], status=0)


# ---- 21: signals ----

SIGNALS = PRELUDE + r"""
#include <sys/signalfd.h>

static volatile sig_atomic_t here, elsewhere;
static pid_t main_thread;

static void on_alarm(int number)
{
	if (syscall(SYS_gettid) == main_thread)
		here++;
	else
		elsewhere++;
}

static int wait_for(const char *how, const sigset_t *set)
{
	struct signalfd_siginfo info;
	struct timespec five = { 5, 0 };
	struct pollfd ready;
	int number = -1;

	if (strcmp(how, "sigwait") == 0) {
		FAIL_IF(sigwait(set, &number) != 0);
		return number;
	}
	if (strcmp(how, "sigtimedwait") == 0)
		return sigtimedwait(set, NULL, &five);
	ready.fd = signalfd(-1, set, SFD_CLOEXEC);
	ready.events = POLLIN;
	FAIL_IF(ready.fd < 0 || poll(&ready, 1, 5000) != 1);
	FAIL_IF(read(ready.fd, &info, sizeof(info)) != sizeof(info));
	close(ready.fd);
	return (int)info.ssi_signo;
}

/* argv: how the daemon waits. All its threads block the signals, so nobody else may take them. */
int main(int argc, char **argv)
{
	static const int sent[] = { SIGHUP, SIGTERM, SIGUSR1, SIGTERM, SIGINT };
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0 } };
	sigset_t set;

	main_thread = getpid();
	signal(SIGALRM, on_alarm);
	sigfillset(&set);
	sigdelset(&set, SIGALRM);
	FAIL_IF(pthread_sigmask(SIG_BLOCK, &set, NULL) != 0);
	for (int i = 0; i < 5; i++) {
		get_and_await();
		FAIL_IF(kill(getpid(), sent[i]) != 0);
		printf("%d\n", wait_for(argv[1], &set) == sent[i]);
	}
	/* Timers meet threads of the program only, whatever the kernel would choose. */
	FAIL_IF(setitimer(ITIMER_REAL, &often, NULL) != 0);
	while (here + elsewhere < 200)
		pause();
	FAIL_IF(setitimer(ITIMER_REAL, &never, NULL) != 0);
	printf("%d elsewhere\n", elsewhere);
	sigdelset(&set, SIGTERM);
	fflush(stdout);
	FAIL_IF(pthread_sigmask(SIG_SETMASK, &set, NULL) != 0);
	kill(getpid(), SIGTERM);
	return 9;
}
"""


@case(21, "daemons that wait for their signals get every one; handlers run on the program's threads")
def c21_signals(t):
    program = t.compile("signals", SIGNALS)
    for how in ("sigwait", "sigtimedwait", "signalfd"):
        off = t.same([program, how], states=("up", "stuck"), status=-15)
        t.check(off.stdout == b"1\n" * 5 + b"0 elsewhere\n", f"not what was meant: {off}")


# ---- 22: the main thread leaves ----

MAIN_LEAVES = PRELUDE + r"""
static int more;

static void *later(void *arg)
{
	struct pollfd none;

	usleep(50000);
	for (int i = 0; i < more; i++) {
		FAIL_IF(get() != 200);
		poll(&none, 0, 1); /* where a thread of ours could be started */
	}
	puts("last one");
	return NULL;
}

/* argv: exchanges before, exchanges of the thread that stays; wait for ours? */
int main(int argc, char **argv)
{
	pthread_t thread;

	more = atoi(argv[2]);
	for (int i = 0; i < atoi(argv[1]); i++)
		FAIL_IF(get() != 200);
	if (argv[3])
		await_thread(1);
	if (more >= 0)
		FAIL_IF(pthread_create(&thread, NULL, later, NULL) != 0);
	pthread_exit(NULL);
}
"""


@case(22, "the main thread leaves by pthread_exit: the process ends with status 0, and its spans are sent")
def c22_main_leaves(t):
    program = t.compile("main_leaves", MAIN_LEAVES)
    t.same([program, 0, -1], spans=0, status=0)
    t.same([program, 3, -1], spans=3, status=0)
    t.same([program, 3, -1, "await"], spans=3, status=0)
    t.same([program, 0, 3], spans=3, status=0)
    t.same([program, 3, 3], spans=6, status=0)
    t.same([program, 3, 3, "await"], spans=6, status=0)
