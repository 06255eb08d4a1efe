"""Case 23, what is jumped out of: siglongjmp from a handler, in the middle of hooks."""
import re

from frame import case

# A handler that jumps out of whatever it interrupts, hooks too. What it left behind must not end the tracing of its
# thread, and nobody may wait for it: the loader's list, which a hook looks through after a dlopen, has a lock.
JUMPS = r"""
#include "torture.h"
#include <dlfcn.h>
#include <setjmp.h>

static sigjmp_buf out;
static volatile unsigned armed, jumps, over;
enum { AFTER = 20 };

static void jump(int signal)
{
	if (!armed)
		return;
	armed = 0;
	jumps++;
	siglongjmp(out, 1);
}

/* Objects come and go, so that the next close looks at what there is. */
static void *load(void *arg)
{
	while (!over) {
		void *object = dlopen("libz.so.1", RTLD_NOW);

		FAIL_IF(!object);
		dlclose(object);
		usleep(50);
	}
	return arg;
}

static void ask(const char *path)
{
	char bytes[512];
	size_t have = 0;
	ssize_t n;
	int fd = peer_connect();

	n = snprintf(bytes, sizeof(bytes), "GET %s HTTP/1.1\r\nHost: peer\r\n\r\n", path);
	FAIL_IF(send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n);
	do {
		n = recv(fd, bytes + have, sizeof(bytes) - 1 - have, 0);
		FAIL_IF(n <= 0);
		have += (size_t)n;
		bytes[have] = 0;
	} while (!strstr(bytes, "hello, host"));
}

/* The jump may have come before the number was known. */
static void hang_up(void)
{
	socklen_t len = sizeof(int);
	int type;

	for (int fd = 3; fd < 32; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
			close(fd);
}

static void *exchange(void *arg)
{
	struct itimerspec soon = { { 0, 0 }, { 0, 0 } };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	struct timespec now;
	time_t end;
	timer_t timer;

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	FAIL_IF(timer_create(CLOCK_MONOTONIC, &event, &timer) != 0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + (long)arg;
	for (unsigned seed = 1; now.tv_sec < end; clock_gettime(CLOCK_MONOTONIC, &now)) {
		seed = seed * 1103515245u + 12345u;
		soon.it_value.tv_nsec = 5000 + (seed >> 16) % 400000;
		if (!sigsetjmp(out, 1)) {
			armed = 1;
			timer_settime(timer, 0, &soon, NULL);
			ask("/before");
		}
		armed = 0;
		hang_up();
		usleep(500); /* or the peer has not done with all of them before its time is up */
	}
	over = 1;
	FAIL_IF(jumps < 100);
	for (int i = 0; i < AFTER; i++) {
		ask("/after");
		hang_up();
	}
	return arg;
}

/* argv: seconds, whether on another thread */
int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = jump };
	void *seconds = (void *)atol(argv[1]);
	pthread_t loader, other;

	sigaction(SIGUSR1, &act, NULL);
	FAIL_IF(pthread_create(&loader, NULL, load, NULL) != 0);
	if (atoi(argv[2])) {
		FAIL_IF(pthread_create(&other, NULL, exchange, seconds) != 0);
		pthread_join(other, NULL);
	} else {
		exchange(seconds);
	}
	pthread_join(loader, NULL);
	puts("done");
	return 0;
}
"""


@case(23, "a handler that jumps out of hooks leaves their thread traced, and no lock to wait for")
def c23_jumps(t):
    program = t.compile("jumps", JUMPS)
    for thread in (0, 1):
        command = [program, t.count(3, 30), thread]
        off = t.run(command)
        for state in ("up", "relay"):
            on = t.run(command, state, wait_spans=20)
            t.equal(off, on, f"jumps, thread {thread}, collector {state}", lambda text: re.sub(rb"remora: .*lost.*\n", b"", text))
            after = [s for s in on.spans if s["attributes"]["url.full"].endswith("/after")]
            t.check(len(after) == 20, f"{len(after)} of 20 spans, thread {thread}, collector {state}")
