"""Cases 26 to 28: every way to make a process, counted exactly once; fork under load; vfork."""
import sys

from frame import case, which

PRELUDE = r"""
#include "torture.h"
#include "mill.h"
#include <linux/sched.h>
#include <spawn.h>
"""

# ---- 26: ways to make a process ----

WAYS = PRELUDE + r"""
extern char **environ;

static void child_work(void)
{
	FAIL_IF(get() != 200);
}

static pid_t raw_clone(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static pid_t raw_clone3(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static void reap(pid_t child)
{
	int status;

	FAIL_IF(child < 0);
	FAIL_IF(waitpid(child, &status, 0) != child);
	FAIL_IF(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}

/* argv: the way; "child" is what is executed. */
int main(int argc, char **argv)
{
	char *again[] = { argv[0], "child", NULL };
	const char *way = argv[1];
	pid_t child = -1;

	child_work();
	if (!strcmp(way, "child"))
		return 0;
	if (argc > 2)
		settle(100); /* our thread runs while the process is made */
	if (!strcmp(way, "fork"))
		child = fork();
	else if (!strcmp(way, "_Fork"))
		child = _Fork();
	else if (!strcmp(way, "clone"))
		child = raw_clone();
	else if (!strcmp(way, "clone3"))
		child = raw_clone3();
	else if (!strcmp(way, "spawn"))
		FAIL_IF(posix_spawn(&child, argv[0], NULL, NULL, again, environ) != 0);
	else if (!strcmp(way, "spawnp"))
		FAIL_IF(posix_spawnp(&child, argv[0], NULL, NULL, again, environ) != 0);
	else if (!strcmp(way, "vfork") && (child = vfork()) == 0) {
		execv(argv[0], again);
		_exit(98);
	} else if (!strcmp(way, "vfork_exit") && (child = vfork()) == 0) {
		_exit(0);
	} else if (!strcmp(way, "double")) {
		child = fork();
		if (child == 0) {
			child = fork();
			if (child != 0) {
				reap(child);
				_exit(0);
			}
		}
	} else if (!strcmp(way, "daemon")) {
		FAIL_IF(daemon(1, 1) != 0);
		child_work();
		return 0;
	}
	if (child == 0) {
		child_work();
		if (!strcmp(way, "clone") || !strcmp(way, "clone3"))
			_exit(0); /* libc does not know this process */
		return 0;
	}
	reap(child);
	child_work();
	return 0;
}
"""
SPANS = {"fork": 3, "_Fork": 3, "clone": 3, "clone3": 3, "spawn": 3, "spawnp": 3, "vfork": 3, "vfork_exit": 2,
         "double": 3, "daemon": 2}


@case(26, "spans of parents and children of every making arrive exactly once")
def c26_ways(t):
    program = t.compile("ways", WAYS)
    for way, spans in SPANS.items():
        t.same([program, way], states=("up", "relay"), spans=spans)
        t.same([program, way, "settled"], states=("up",), spans=spans)
        # A process that is forked in the middle of an export over TLS loses and counts its spans.
        t.same([program, way, "settled"], states=("tls",))
    for way in SPANS:
        t.same([program, way], states=("down", "stuck"))


# ---- 27: fork storm ----

STORM = PRELUDE + r"""
enum { THREADS = 8 };
static int each;

static void *storm(void *arg)
{
	int fd = mill_connect();
	void *held[16] = { 0 };

	for (int i = 0; i < each; i++) {
		int status;
		pid_t child;

		for (int k = 0; k < 64; k++) {
			free(held[k % 16]);
			held[k % 16] = malloc(100 + k * 37 % 5000);
		}
		mill_get(fd);
		child = fork();
		if (child == 0) {
			int own = mill_connect();

			free(malloc(1000));
			mill_get(own);
			_exit(0);
		}
		FAIL_IF(child < 0 || waitpid(child, &status, 0) != child);
		FAIL_IF(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	}
	return NULL;
}

/* argv: children of each thread */
int main(int argc, char **argv)
{
	pthread_t all[THREADS];

	each = atoi(argv[1]);
	mill_start();
	for (int i = 0; i < THREADS; i++)
		FAIL_IF(pthread_create(&all[i], NULL, storm, NULL) != 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(all[i], NULL);
	puts("over");
	return 0;
}
"""


@case(27, "1000 children are forked by 8 threads that allocate and exchange, and none hangs")
def c27_storm(t):
    program = t.compile("storm", STORM)
    off = t.run([program, 125])
    for state in ("up", "relay"):
        on = t.run([program, 125], state, env={"REMORA_EXIT_TIMEOUT": 5000})
        t.equal(off, on, f"storm, collector {state}")
        asked = [s["span_id"] for s in on.spans if s["kind"] == "CLIENT"]
        t.check(len(set(asked)) == len(asked), f"{len(asked) - len(set(asked))} spans came twice ({state})")
        t.check(len(asked) == 2000, f"{len(asked)} CLIENT spans of 2000 requests ({state})")
    for state in ("tls", "down", "stuck"):
        on = t.run([program, 30], state, env={"REMORA_EXIT_TIMEOUT": 20})
        t.equal(off, on, f"storm, collector {state}")


LIST_HELD = r"""
#include "torture.h"
#include <dlfcn.h>
#include <link.h>
#include <sched.h>

static int look(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	return 0;
}

/* As the unwinder of C++ exceptions does: this thread has the loader's lock nearly always. */
static void *walk(void *arg)
{
	for (;;)
		dl_iterate_phdr(look, NULL);
}

static void *work(void *arg)
{
	for (;;)
		;
}

/* On one processor that has much to do: who lets others run does not get on for long. */
int main(void)
{
	pthread_t walker, worker;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	FAIL_IF(sched_setaffinity(0, sizeof(one), &one) != 0);
	dlopen("libm.so.6", RTLD_NOW);
	FAIL_IF(pthread_create(&walker, NULL, walk, NULL) != 0);
	for (int i = 0; i < 4; i++)
		FAIL_IF(pthread_create(&worker, NULL, work, NULL) != 0);
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			alarm(20);
			FAIL_IF(get() != 200);
			_exit(0);
		}
		FAIL_IF(child < 0 || waitpid(child, &status, 0) != child || status != 0);
	}
	puts("all came back");
	return 0;
}
"""


@case(27, "a child that is forked while another thread walks the loader's list makes its requests")
def c27_list_held(t):
    t.same([t.compile("list_held", LIST_HELD)], states=("up", "relay"), spans=20)


# ---- 28: vfork ----

VFORK = PRELUDE + r"""
/* The child spoils its own descriptors; the parent is in the middle of an exchange. */
int main(void)
{
	int fd, null = open("/dev/null", O_RDWR | O_CLOEXEC), status;
	char *const argv[] = { "true", NULL };

	mill_start();
	fd = mill_connect();
	for (int i = 0; i < 20; i++) {
		pid_t child;

		FAIL_IF(send(fd, MILL_REQUEST, sizeof(MILL_REQUEST) - 1, 0) < 0);
		child = vfork();
		if (child == 0) {
			if (i % 4 == 0)
				close(fd);
			else if (i % 4 == 1)
				dup2(null, fd);
			else if (i % 4 == 2)
				closefrom(3);
			else
				shutdown(socket(AF_INET, SOCK_STREAM, 0), SHUT_RDWR);
			if (i % 3)
				execvp("true", argv);
			_exit(0);
		}
		FAIL_IF(waitpid(child, &status, 0) != child || status != 0);
		mill_read(fd);
	}
	puts("unharmed");
	return 0;
}
"""

SUBPROCESS = r"""
import http.client, os, subprocess, sys
connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PEER_PORT"]))
for i in range(10):
    connection.request("GET", f"/{i}")
    done = subprocess.run(["true"] if i % 2 else ["sh", "-c", "exec 3<&- 4<&- 5<&-; true"], close_fds=bool(i % 3),
                          stdin=subprocess.DEVNULL)
    answer = connection.getresponse()
    print(i, done.returncode, answer.status, answer.read())
"""

MAKEFILE = r"""
.PHONY: all a b c d
all: a b c d
a b c d:
	@./get && echo $@ >&2 && (exec 3>&1 >$@; echo x >&3; exec ./get) | cat
"""


@case(28, "what a vfork child does to its descriptors is nothing to its parent's connections")
def c28_vfork(t):
    program = t.compile("vfork", VFORK)
    off = t.same([program], states=("tls", "down", "stuck"))
    for state in ("up", "relay"):
        on = t.run([program], state, env={"REMORA_EXIT_TIMEOUT": 3000})
        t.equal(off, on, f"vfork, collector {state}")
        asked = sum(s["kind"] == "CLIENT" and s["status"] == "unset" for s in on.spans)
        t.check(asked == 20, f"{asked} whole CLIENT spans of 20 requests ({state})")


@case(28, "Python's subprocess, make and sh start programs between the halves of exchanges")
def c28_programs(t):
    t.same([sys.executable, t.script("sub.py", SUBPROCESS)], spans=10, states=("up", "down", "relay"))
    if which("make"):
        t.compile("get", PRELUDE + "int main(void) { return get() != 200; }")
        t.script("Makefile", MAKEFILE)
        t.same(["make", "-s"], spans=8, states=("up", "relay"))
