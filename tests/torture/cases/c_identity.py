"""Cases 20 to 22: credentials, signals and the main thread's end, while our thread runs.
"""
import os
import re

from frame import case, which

PRELUDE = """
#include "agent_thread.h"
#include <dirent.h>
#include <linux/capability.h>
#include <sys/prctl.h>
"""


def as_root(t):
    if os.geteuid() != 0:
        t.skip("not root")


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


@case(20, "all threads of a process have the same identity and capabilities after a change")
def c20_credentials(t):
    as_root(t)
    program = t.compile("credentials", CREDENTIALS)
    t.same([program], status=0, states=("up", "tls", "down", "stuck"))
    # A thread that has to go has a tenth of a second to deliver: what is lost is counted, nothing comes twice.
    on = t.run([program], "up", env={"REMORA_DEBUG": "export"}, wait_spans=1)
    told = re.search(rb"spans: (\d+) made, .* (\d+) exported, (\d+) dropped by exporters, (\d+) not delivered",
                     on.stderr)
    t.check(told, f"nothing is told: {on}")
    made, exported, *lost = map(int, told.groups())
    ids = {s["span_id"] for s in on.spans}
    t.check(made == 8 == exported + sum(lost) and exported <= len(ids) == len(on.spans), f"{told[0]}, {len(on.spans)} arrived")
    t.note(f"{exported} of 8 spans were delivered between changes of identity")


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
        off = t.same([program, how], states=("up", "tls", "down", "stuck"), status=-15)
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
    t.same([program, 3, 3, "await"], states=("relay",), spans=6, status=0)
    # The tenth of a second that our thread has to deliver is too short for TLS on a busy machine.
    t.same([program, 3, 3, "await"], states=("tls",), status=0)
