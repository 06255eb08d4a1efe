"""Cases 36 to 40: ends of programs, bad collectors, poor surroundings, odd programs."""
import json
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler

from frame import case, which
from sink import Server

PRELUDE = r"""
#include "torture.h"
#include "mill.h"
"""

# ---- 36: short lives ----

SHORT = PRELUDE + r"""
static void *end_from_thread(void *arg)
{
	exit(3);
}

static void at_exit(void)
{
	FAIL_IF(get() != 200); /* the last thing it does is a request */
}

int main(int argc, char **argv)
{
	char *const again[] = { "true", NULL };
	pthread_t thread;

	if (!strcmp(argv[1], "atexit"))
		atexit(at_exit);
	else
		FAIL_IF(get() != 200);
	if (!strcmp(argv[1], "_exit"))
		_exit(3);
	if (!strcmp(argv[1], "_Exit"))
		_Exit(3);
	if (!strcmp(argv[1], "quick_exit"))
		quick_exit(3);
	if (!strcmp(argv[1], "exit"))
		exit(3);
	if (!strcmp(argv[1], "group"))
		syscall(SYS_exit_group, 3); /* seen by nobody; only the relay has it */
	if (!strcmp(argv[1], "execvp"))
		execvp("true", again);
	if (!strcmp(argv[1], "execl"))
		execl("/bin/sh", "sh", "-c", "exit 3", NULL);
	if (!strcmp(argv[1], "failed exec")) {
		execl("/nonexistent", "nothing", NULL);
		FAIL_IF(get() != 200);
	}
	if (!strcmp(argv[1], "thread")) {
		pthread_create(&thread, NULL, end_from_thread, NULL);
		pause();
	}
	if (!strcmp(argv[1], "segv"))
		*(volatile int *)8 = 1;
	if (!strcmp(argv[1], "kill"))
		kill(getpid(), SIGKILL);
	if (!strcmp(argv[1], "abort"))
		abort();
	return 3;
}
"""

ENDS = {"return": 1, "exit": 1, "_exit": 1, "_Exit": 1, "quick_exit": 1, "execvp": 1, "execl": 1,
        "failed exec": 2, "thread": 1, "atexit": 1}
KILLED = ("segv", "kill", "abort", "group")


@case(36, "the span of a program of milliseconds arrives, however it ends")
def c36_short(t):
    program = t.compile("short", SHORT)
    for end, spans in ENDS.items():
        t.same([program, end], states=("up", "relay"), spans=spans)
    for end in ("return", "exit", "thread", "failed exec"):  # where a thread may be started at the end
        t.same([program, end], states=("tls",), spans=ENDS[end])
    for end in ENDS:
        t.same([program, end], states=("down", "stuck"))
    for end in KILLED:
        t.same([program, end], states=("up", "stuck"))
        # `remora run` ends as its command does, by number instead of by signal.
        on = t.run([program, end], "relay", wait_spans=1)
        t.check(len(on.spans) == 1, f"{end}: {len(on.spans)} spans of a killed process came through the relay")


OUTLIVES = PRELUDE + r"""
/* argv: exchanges. They are made by a daemon, while and after what started it ends. */
int main(int argc, char **argv)
{
	FAIL_IF(get() != 200);
	if (fork() > 0) {
		usleep(60000); /* the daemon joins the relay */
		return 3;
	}
	setsid();
	for (int fd = 0; fd < 3; fd++)
		FAIL_IF(dup2(open("/dev/null", O_RDWR | O_CLOEXEC), fd) != fd);
	for (int i = 0; i < atoi(argv[1]); i++) {
		FAIL_IF(get() != 200);
		settle(30);
	}
	return 0;
}
"""


@case(36, "a daemon that outlives `remora run` delivers the rest by itself: every span once")
def c36_outlives(t):
    program = t.compile("outlives", OUTLIVES)
    off = t.run([program, 30])
    on = t.run([program, 30], "relay", wait_spans=31 + 1)  # and that of the command
    t.equal(off, on, "outlives")
    ids = [s["span_id"] for s in on.spans]
    t.check(len(ids) == 31 and len(set(ids)) == 31, f"{len(ids)} spans of 31, {len(set(ids))} different ones")


ENDED_TWICE = PRELUDE + r"""
static void on_alarm(int signal)
{
	_exit(3);
}

/* argv: ms after main's end at which a handler ends the process again; is our thread to run before? */
int main(int argc, char **argv)
{
	struct itimerval once = { .it_value.tv_usec = atoi(argv[1]) * 1000 };

	signal(SIGALRM, on_alarm);
	FAIL_IF(get() != 200);
	if (atoi(argv[2]))
		settle(5);
	setitimer(ITIMER_REAL, &once, NULL);
	return 3;
}
"""


@case(36, "a signal whose handler ends the process while its end delivers: the span arrives all the same")
def c36_ended_twice(t):
    program = t.compile("ended_twice", ENDED_TWICE)
    for ms in (1, 2, 4, 8, 16):
        for ours in (0, 1):
            t.same([program, ms, ours], states=("tls",), spans=1, status=3)
            t.same([program, ms, ours], states=("up", "down", "stuck", "relay"), status=3)


# ---- 37: bad collectors ----

class Bad(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    status, delay, length = 503, 0.0, "0"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        threading.Event().wait(self.delay)
        self.send_response(self.status)
        self.send_header("Content-Length", self.length)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def bad_server(t, **kind):
    server = Server(("127.0.0.1", 0), type("Handler", (Bad,), kind))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    t.closers.append(server.server_close)
    t.closers.append(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}"


def raw_server(t, talk):
    """Accepts and calls talk(connection); then closes."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                talk(connection)

    threading.Thread(target=serve, daemon=True).start()
    t.closers.append(listener.close)
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def endless(connection):
    connection.recv(100)
    try:
        for _ in range(200):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 60000)
    except OSError:
        pass


CALLS = PRELUDE + r"""
int main(void)
{
	for (int i = 0; i < 20; i++) {
		FAIL_IF(get() != 200);
		settle(5);
	}
	puts("unmoved");
	return 0;
}
"""


@case(37, "no collector, and no collector's answer, is felt by the program")
def c37_collectors(t):
    program = t.compile("calls", CALLS)
    off = t.run([program])
    endpoints = {
        "503": bad_server(t), "400": bad_server(t, status=400), "404": bad_server(t, status=404),
        "redirect": bad_server(t, status=302), "slow": bad_server(t, status=200, delay=0.4),
        "lying": bad_server(t, status=200, length="100000"),
        "closing": raw_server(t, lambda c: None), "cutting": raw_server(t, lambda c: c.recv(10)),
        "garbage": raw_server(t, lambda c: (c.recv(100), c.sendall(b"\0\xff" * 500))),
        "endless": raw_server(t, endless),
        "no such name": "http://collector.invalid:4318", "no such port": "http://127.0.0.1:1",
        "unreachable": "http://192.0.2.1:4318", "nonsense": "ht!tp://:::/", "empty": "http://",
        "path": "http://127.0.0.1:4318/a b\n",
    }
    for name, endpoint in endpoints.items():
        on = t.run([program], "down", env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
        t.check(on.status == off.status and on.stdout == off.stdout, f"{name}: {on}")
        # A setting that cannot be used is named once; anything else is silent.
        lines = [line for line in on.stderr.splitlines() if b"OTEL_EXPORTER_OTLP_ENDPOINT" not in line]
        t.check(not lines, f"{name}: {on}")
        t.note(f"collector {name}: {on.seconds - off.seconds:+.2f} s")
    for state in ("up", "tls", "down", "stuck", "relay"):
        on = t.run([program], state, wait_spans=20)
        t.equal(off, on, f"collector {state}")
        t.note(f"collector {state}: {on.seconds - off.seconds:+.2f} s")


BROKEN = PRELUDE + r"""
int main(void)
{
	char bytes[4096];
	int fd = peer_connect();

	FAIL_IF(send(fd, MILL_REQUEST, sizeof(MILL_REQUEST) - 1, 0) < 0);
	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
	close(fd);
	return 0;
}
"""


@case(37, "an answer that is an error and breaks off makes one span that the collector understands")
def c37_broken(t):
    program = t.compile("broken", BROKEN)
    answer = b"HTTP/1.1 404 No\r\nContent-Length: 100\r\n\r\nshort"
    server = raw_server(t, lambda c: (c.recv(4096), c.sendall(answer)))
    env = {"PEER_PORT": server.rpartition(":")[2]}
    off = t.run([program], env=env)
    on = t.run([program], "up", env=env, wait_spans=1)
    t.equal(off, on, "broken")
    t.check([s["attributes"].get("error.type") for s in on.spans] == ["404"], f"spans: {on.spans}")


# ---- 38: poor surroundings ----

POOR = PRELUDE + r"""
#include <sys/resource.h>
/* argv: limit of memory in MB, of processes; then what to do in it */
int main(int argc, char **argv)
{
	struct rlimit memory = { (rlim_t)atol(argv[1]) << 20, (rlim_t)atol(argv[1]) << 20 };
	struct rlimit processes = { (rlim_t)atol(argv[2]), (rlim_t)atol(argv[2]) };

	if (memory.rlim_cur)
		FAIL_IF(setrlimit(RLIMIT_AS, &memory) != 0);
	if (processes.rlim_cur)
		FAIL_IF(setrlimit(RLIMIT_NPROC, &processes) != 0);
	execvp(argv[3], argv + 3);
	return 1;
}
"""

FILTER = PRELUDE + r"""
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

/* argv: numbers of calls that this kernel shall not know, a comma list; then the program */
int main(int argc, char **argv)
{
	struct sock_filter code[64] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)) };
	struct sock_fprog program = { .len = 1, .filter = code };

	for (char *p = strtok(argv[1], ","); p; p = strtok(NULL, ",")) {
		code[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(p), 0, 1);
		code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	FAIL_IF(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0);
	FAIL_IF(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0);
	execvp(argv[2], argv + 2);
	return 1;
}
"""

FULL = PRELUDE + r"""
/* The address space fills up between exchanges, and nothing more can be mapped. */
int main(void)
{
	size_t step = 64 << 20;

	FAIL_IF(get() != 200);
	while (step >= 4096)
		if (mmap(NULL, step, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			step /= 2;
	for (int i = 0; i < 5; i++) {
		int fd = peer_connect();

		FAIL_IF(get_over(fd) != 200);
		FAIL_IF(get_over(fd) != 200);
		close(fd);
	}
	puts("full");
	return 0;
}
"""


@case(38, "little memory, no threads to be had, and no memory left at all")
def c38_limits(t):
    program, poor = t.compile("calls", CALLS), t.compile("poor", POOR)
    full = t.compile("full", FULL)
    for megabytes in (22, 23, 24, 25, 26, 40, 100, 200):
        t.same([poor, megabytes, 0, program], states=("up", "tls", "stuck"))
    for megabytes in (30, 60, 200):
        t.same([poor, megabytes, 0, full], states=("up", "tls", "down"))
    if os.geteuid() == 0 and which("setpriv"):
        # Only root is not bound by the number of processes.
        t.same(["setpriv", "--reuid=65533", "--clear-groups", poor, 0, 1, program], states=("up", "tls", "stuck"))


@case(38, "no file may be written, or none larger than a few bytes")
def c38_file_size(t):
    program = t.compile("calls", CALLS)
    for blocks in (0, 1, 100):
        t.same(["bash", "-c", f'ulimit -f {blocks} && exec "$0"', program], states=("up", "tls", "relay"))


# By number on x86-64 and by name for the reader.
UNKNOWN = {"close_range": 436, "madvise": 28, "memfd_create": 319, "getrandom": 318, "clone3": 435,
           "openat2": 437, "statx": 332, "membarrier": 324, "rseq": 334}


@case(38, "a kernel that does not know close_range, madvise, memfd_create, getrandom or clone3")
def c38_old_kernel(t):
    if os.uname().machine != "x86_64":
        t.skip("the numbers of system calls are those of x86-64")
    program, old = t.compile("calls", CALLS), t.compile("old", FILTER)
    for name, number in UNKNOWN.items():
        t.same([old, number, program], states=("up", "tls") if name != "clone3" else ("up",))
    everything = ",".join(map(str, UNKNOWN.values()))
    t.same([old, everything, program], states=("up", "tls", "down", "stuck", "relay"))


FORKS = PRELUDE + r"""
int main(void)
{
	int status;
	pid_t child;

	FAIL_IF(get() != 200);
	child = fork();
	FAIL_IF(get() != 200);
	if (child == 0)
		exit(0);
	FAIL_IF(waitpid(child, &status, 0) != child || status != 0);
	return 3;
}
"""


@case(38, "where a fork cannot be noticed (a kernel before 4.14) nothing is traced, rather than twice")
def c38_unnoticed(t):
    if os.uname().machine != "x86_64":
        t.skip("the numbers of system calls are those of x86-64")
    program, old = t.compile("forks", FORKS), t.compile("old", FILTER)
    t.same([program], states=("up", "relay"), spans=3)
    t.same([old, UNKNOWN["madvise"], program], states=("up", "tls", "relay"), spans=0)


@case(38, "a root that is read-only, and one without /proc and /dev", needs=["bwrap"])
def c38_root(t):
    program = t.compile("calls", CALLS)
    bare = ["bwrap", "--ro-bind", "/", "/", "--share-net"]
    if t.run([*bare, "true"]).status != 0:
        t.skip("bwrap may not make namespaces here")
    t.same([*bare, program], states=("up", "tls", "stuck"))
    t.same([*bare, "--tmpfs", "/proc", "--tmpfs", "/dev", program], states=("up", "tls", "stuck"))


# ---- 39: titles and environments ----

TITLE = PRELUDE + r"""
extern char **environ;

/* As setproctitle does: arguments and environment are overwritten where they lie. */
int main(int argc, char **argv)
{
	char *end = argv[argc - 1] + strlen(argv[argc - 1]);
	char *const next[] = { "sh", "-c", "echo \"$0 $#\"; env | grep -c LD_PRELOAD", NULL };
	char port[16];

	snprintf(port, sizeof(port), "%s", getenv("PEER_PORT"));

	for (char **v = environ; *v; v++)
		if (*v == end + 1)
			end = *v + strlen(*v);
	memset(argv[0], 'T', (size_t)(end - argv[0]));
	environ = NULL;
	setenv("PEER_PORT", port, 1);
	FAIL_IF(get() != 200);
	settle(60);
	FAIL_IF(get() != 200);
	setenv("ONLY", "this", 1);
	clearenv();
	setenv("PEER_PORT", port, 1);
	FAIL_IF(get() != 200);
	setenv("PATH", "/usr/bin:/bin", 1);
	execvp("sh", next);
	return 1;
}
"""


@case(39, "arguments and environment are overwritten; names and settings stay what they were")
def c39_title(t):
    program = t.compile("title", TITLE)
    for state in ("up", "tls", "relay"):
        off, on = t.run([program, "one", "two"]), t.run([program, "one", "two"], state, wait_spans=3,
                                                        env={"REMORA_EXIT_TIMEOUT": 3000})
        t.equal(off, on, f"title, collector {state}")
        if state != "tls":
            t.check(len(on.spans) == 3, f"{len(on.spans)} spans of 3 ({state})")
        for span in on.spans:
            resource = json.dumps(span["resource"])
            t.check("TTTT" not in resource and "title" in resource, f"the resource is {resource}")


# ---- 40: programs that are odd by themselves ----

LIBRARY = PRELUDE + r"""
/* Calls hooked functions before and after everything else. */
__attribute__((constructor)) static void early(void)
{
	dprintf(1, "constructor %d\n", get());
}

__attribute__((destructor)) static void late(void)
{
	dprintf(1, "destructor %d\n", get());
}

int library(void)
{
	return get();
}
"""

ODD = PRELUDE + r"""
#include <dlfcn.h>

static int closes;
int library(void);

/* The program has its own. */
int close(int fd)
{
	closes++;
	return (int)syscall(SYS_close, fd);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	return sendto(fd, p, n, flags, NULL, 0);
}

static void before_all(int argc, char **argv, char **envp)
{
	int fds[2];

	if (pipe(fds) == 0 && write(fds[1], "preinit\n", 8) == 8) {
		char text[8];

		if (read(fds[0], text, 8) == 8)
			write(1, text, 8);
	}
}

__attribute__((section(".preinit_array"), used)) static void (*preinit)(int, char **, char **) = before_all;

int main(int argc, char **argv)
{
	void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	int (*of_plugin)(void);

	FAIL_IF(!plugin);
	of_plugin = (int (*)(void))dlsym(plugin, "library");
	printf("main %d library %d plugin %d closes %d\n", get(), library(), of_plugin(), closes > 0);
	fflush(stdout);
	dlclose(plugin);
	return 0;
}
"""


@case(40, "a program with its own close and send, symbolic libraries, calls before and after everything")
def c40_odd(t):
    t.compile("libsymbolic.so", LIBRARY, "-shared", "-fPIC", "-Wl,-Bsymbolic")
    plugin = t.compile("plugin.so", LIBRARY, "-shared", "-fPIC")
    program = t.compile("odd", ODD, f"-L{t.dir}", "-l:libsymbolic.so", f"-Wl,-rpath,{t.dir}")
    t.same([program, plugin], states=("up", "tls", "down", "stuck", "relay"))


SHARED = PRELUDE + r"""
#include <time.h>

static volatile int pipes;

static void on_pipe(int number)
{
	pipes++;
}

/* What libc keeps once for the whole program: our thread has it changed before the program looks. */
int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_pipe }, now;
	time_t when = 1700000000;
	struct tm local;
	int ends[2];

	srand(7);
	FAIL_IF(sigaction(SIGPIPE, &act, NULL) != 0 || pipe(ends) != 0);
	close(ends[0]);
	for (int i = 0; i < 20; i++) {
		FAIL_IF(get() != 200);
		settle(20);
		FAIL_IF(write(ends[1], "x", 1) >= 0 || errno != EPIPE);
	}
	FAIL_IF(sigaction(SIGPIPE, NULL, &now) != 0 || now.sa_handler != on_pipe);
	setenv("TZ", "XYZ-5:30", 1);
	localtime_r(&when, &local);
	printf("%d:%d %d pipes %d random %d %d\n", local.tm_hour, local.tm_min, local.tm_isdst, pipes, rand(), rand());
	return 3;
}
"""


@case(40, "the time zone, the sequence of rand() and the handlers of signals stay the program's")
def c40_shared(t):
    program = t.compile("shared", SHARED)
    t.same([program], states=("up", "tls", "down", "relay"), status=3)
    keeps = bad_server(t, status=200)  # connections are closed by our thread, not by the collector
    t.equal(t.run([program]), t.run([program], "down", env={"OTEL_EXPORTER_OTLP_ENDPOINT": keeps}), "connections kept")
    if which("bwrap") and t.run(["bwrap", "--bind", "/", "/", "true"]).status == 0:
        t.same(["bwrap", "--bind", "/", "/", "--tmpfs", "/dev", program], states=("up", "tls"), status=3)
