"""Cases 17 and 19 of single threads: one that may not read clocks, whose system calls go to a handler, that has a table
of descriptors of its own.
"""
import platform

from frame import case

PRELUDE = """
#include "agent_thread.h"
#include <sys/prctl.h>
"""

# ---- 19: clocks that may not be read, system calls that a handler gets ----

NO_CLOCK = PRELUDE + r"""
static void *other(void *arg)
{
	ask(*(int *)arg, "/after");
	close(*(int *)arg);
	FAIL_IF(get() != 200);
	return NULL;
}

/* argv: prctl or syscall */
int main(int argc, char **argv)
{
	int fd = peer_connect(), more = peer_connect();
	pthread_t thread;

	ask(fd, "/before");
	await_thread(1);
	FAIL_IF((strcmp(argv[1], "prctl") == 0 ? prctl(PR_SET_TSC, PR_TSC_SIGSEGV) :
						 syscall(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV)) != 0);
	ask(fd, "/after");
	FAIL_IF(get() != 200);
	FAIL_IF(pthread_create(&thread, NULL, other, &more) != 0 || pthread_join(thread, NULL) != 0);
	FAIL_IF(close(fd) != 0);
	puts("done");
	return 0;
}
"""

DISPATCH = PRELUDE + r"""
#include <link.h>

enum { DISPATCH = 59, OFF, ON };

static volatile sig_atomic_t sent_here;
static uintptr_t libc_at, libc_bytes;

static void handler(int signal)
{
	sent_here++;
}

/* Where libc's own code is, which alone may ask the kernel. */
static int find_libc(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	const char *name = strrchr(info->dlpi_name, '/');

	for (int i = 0; name && strncmp(name, "/libc.so", 8) == 0 && i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
			libc_at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
			libc_bytes = info->dlpi_phdr[i].p_memsz;
		}
	return 0;
}

/* argv: prctl or syscall */
int main(int argc, char **argv)
{
	static char blocked = 1;
	int fd = peer_connect();

	signal(SIGSYS, handler);
	dl_iterate_phdr(find_libc, NULL);
	FAIL_IF(!libc_at);
	ask(fd, "/before");
	await_thread(1);
	if ((strcmp(argv[1], "prctl") == 0 ? prctl(DISPATCH, 1, libc_at, libc_bytes, &blocked) :
					     syscall(SYS_prctl, DISPATCH, 1, libc_at, libc_bytes, &blocked)) != 0) {
		puts("not known here");
		return 0;
	}
	ask(fd, "/after");
	FAIL_IF(get() != 200);
	FAIL_IF(close(fd) != 0);
	printf("%d calls of others\n", (int)sent_here);
	return 0;
}
"""


@case(19, "a thread that may not read the time stamp counter gets no SIGSEGV of ours, nor do those that it starts")
def c19_no_clock(t):
    if platform.machine() != "x86_64":
        t.skip("x86 only")
    program = t.compile("no_clock", NO_CLOCK, "-pthread")
    for how in ("prctl", "syscall"):
        t.same([program, how], states=("up", "tls", "down", "relay"), status=0)
        on = t.run([program, how], "up", wait_spans=1)
        t.check([s["attributes"]["url.full"].rpartition("/")[2] for s in on.spans] == ["before"],
                f"not only the span of before, {how}: {on.spans}")


@case(19, "where system calls of all but libc go to a handler it gets none of ours")
def c19_dispatch(t):
    program = t.compile("dispatch", DISPATCH)
    for how in ("prctl", "syscall"):
        t.same([program, how], states=("up", "tls", "down", "relay"), status=0)


# ---- 17: a table of descriptors of one's own ----

TABLES = PRELUDE + r"""
static int shared;
static volatile int stage;

static void wait_for(int what)
{
	while (stage != what)
		usleep(1000);
}

static void part(const char *how)
{
	if (strcmp(how, "unshare") == 0)
		FAIL_IF(unshare(CLONE_FILES) != 0);
	else if (strcmp(how, "syscall") == 0)
		FAIL_IF(syscall(SYS_unshare, CLONE_FILES) != 0);
	else if (strcmp(how, "close") == 0)
		FAIL_IF(close_range(~0U, ~0U, CLOSE_RANGE_UNSHARE) != 0);
	else
		FAIL_IF(syscall(SYS_close_range, ~0U, ~0U, CLOSE_RANGE_UNSHARE) != 0);
}

/* Another connection under the same number. */
static void *apart(void *how)
{
	part(how);
	close(shared);
	FAIL_IF(peer_connect() != shared);
	stage = 1;
	wait_for(2);
	ask(shared, "/apart");
	stage = 3;
	return NULL;
}

/* argv: how; alone or together */
int main(int argc, char **argv)
{
	static const char request[] = "GET /after HTTP/1.1\r\nHost: peer\r\n\r\n";
	char answer[4096];
	pthread_t thread;

	shared = peer_connect();
	ask(shared, "/before");
	await_thread(1);
	if (strcmp(argv[2], "alone") == 0) {
		part(argv[1]);
		ask(shared, "/after");
		puts("alone");
		return 0;
	}
	FAIL_IF(pthread_create(&thread, NULL, apart, argv[1]) != 0);
	wait_for(1);
	FAIL_IF(write(shared, request, sizeof(request) - 1) != sizeof(request) - 1);
	stage = 2;
	wait_for(3);
	FAIL_IF(read(shared, answer, sizeof(answer)) <= 0);
	FAIL_IF(pthread_join(thread, NULL) != 0);
	puts("together");
	return 0;
}
"""


@case(17, "a thread that gets descriptors of its own ends the tracing; a process that is one thread goes on")
def c17_tables(t):
    program = t.compile("tables", "#define _GNU_SOURCE\n#include <linux/close_range.h>\n" + TABLES, "-pthread")
    for how in ("unshare", "syscall", "close", "closecall"):
        for who, paths in (("alone", ["/before", "/after"]), ("together", ["/before"])):
            off = t.run([program, how, who])
            t.check(off.status == 0, f"without the agent:\n{off}")
            for state in ("up", "relay"):
                on = t.run([program, how, who], state, wait_spans=len(paths))
                t.equal(off, on, f"{how}, {who}, collector {state}")
                got = ["/" + s["attributes"]["url.full"].rpartition("/")[2] for s in on.spans]
                t.check(sorted(got) == sorted(paths), f"{how}, {who}, collector {state}: spans {got}")
