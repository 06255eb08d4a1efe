"""Cases 23 to 25: signal handlers, small stacks, cancelled threads.

What hooks do must be fit for a handler that interrupted anything, must fit on its stack, and must
leave nothing behind when the thread is cancelled inside the real call.
"""
import re

from frame import case

PRELUDE = r"""
#include "torture.h"
#include "mill.h"
"""

# ---- 23: a timer at 2 kHz ----

TICKS = PRELUDE + r"""
static volatile int ticks;
static time_t end;
static int kept, pipes[2];

/* Everything a handler may call, on connections of its own and on one it shares with main. */
static void tick(int signal)
{
	int fd, error = errno;
	struct timespec now;
	char byte[64];

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&mill_address, sizeof(mill_address)) == 0) {
		send(fd, MILL_REQUEST, sizeof(MILL_REQUEST) - 1, MSG_NOSIGNAL);
		if (ticks % 4 == 0)
			recv(fd, byte, sizeof(byte), 0);
	}
	close(fd);
	write(pipes[1], "x", 1);
	read(pipes[0], byte, 1);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (++ticks > 100 && now.tv_sec >= end) {
		write(1, "done\n", 5);
		_exit(7);
	}
	errno = error;
}

/* argv: seconds */
int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct timespec now;
	struct itimerval every = { { 0, 500 }, { 0, 500 } };
	void *held[256] = { 0 };
	int turn = 0;

	mill_start();
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + atoi(argv[1]);
	FAIL_IF(pipe(pipes) != 0);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (unsigned seed = 1;; seed = seed * 1103515245u + 12345u) {
		int i = (seed >> 16) % 256;

		free(held[i]);
		held[i] = malloc(seed >> 18 & 0x1fff);
		FAIL_IF(errno != 0 && errno != EINTR);
		if (++turn % 4096 == 0) { /* main's own exchange is interrupted too */
			if (!kept)
				kept = mill_connect();
			mill_get(kept);
		}
	}
}
"""


@case(23, "a 2 kHz handler that interrupts malloc connects, sends, closes and ends the process")
def c23_timer(t):
    program = t.compile("ticks", TICKS)
    t.same([program, t.count(2, 60)], states=("up", "tls"), status=7)
    t.same([program, t.count(2, 10)], states=("down", "stuck", "relay"), status=7)


# ---- 24: small stacks ----

SIGNAL_STACK = PRELUDE + r"""
#include <sys/auxv.h>
static int fd, pipes[2], what;
static volatile int seen;

/* What it needs of the stack itself is next to nothing. */
static void handler(int signal)
{
	static char bytes[4096];

	switch (what) {
	case 0:
		seen = write(pipes[1], "x", 1) + read(pipes[0], bytes, 1) + close(-1);
		break;
	case 1:
		seen = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		break;
	case 2:
		seen = connect(fd, (struct sockaddr *)&mill_address, sizeof(mill_address));
		break;
	case 3:
		seen = send(fd, MILL_REQUEST, sizeof(MILL_REQUEST) - 1, MSG_NOSIGNAL);
		break;
	case 4:
		seen = recv(fd, bytes, sizeof(bytes), 0);
		break;
	case 5:
		seen = close(fd);
		break;
	case 6:
		seen = write(fd, MILL_ANSWER, sizeof(MILL_ANSWER) - 1);
		break;
	case 7:
		_exit(5);
	}
}

/* Runs the handler on a stack of `bytes`, below which there is nothing. */
static int on_stack(int number, size_t bytes)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	size_t room = (bytes + 4095) / 4096 * 4096;
	char *guarded = mmap(NULL, room + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t small = { .ss_sp = guarded + 4096, .ss_size = bytes };

	FAIL_IF(mprotect(guarded, 4096, PROT_NONE) != 0);
	FAIL_IF(sigaltstack(&small, NULL) != 0);
	sigaction(SIGUSR1, &act, NULL);
	what = number;
	raise(SIGUSR1);
	return seen;
}

/* argv: bytes above the kernel's minimum, first and last step; then no exchange before the handler's. */
int main(int argc, char **argv)
{
	size_t minimum = getauxval(AT_MINSIGSTKSZ), bytes;
	int listener, client, first = atoi(argv[2]), last = atoi(argv[3]);

	bytes = (minimum ? minimum : 2048) + (size_t)atoi(argv[1]);
	mill_start();
	FAIL_IF(pipe(pipes) != 0);
	fd = mill_connect();
	if (argc == 4)
		mill_get(fd); /* so that there is a span to deliver at the end */
	for (int round = 0; round < 3; round++) {
		for (int step = first; step <= last && step <= 5; step++) {
			if (step == 2)
				close(fd), fd = seen;
			printf("step %d: %s\n", step, on_stack(step, bytes) >= 0 ? "ok" : "no");
		}
	}
	if (last >= 6) { /* a server's side */
		listener = mill_listen();
		client = mill_connect();
		fd = accept(listener, NULL, NULL);
		FAIL_IF(send(client, MILL_REQUEST, sizeof(MILL_REQUEST) - 1, 0) < 0);
		printf("request: %s\n", on_stack(4, bytes) > 0 ? "ok" : "no");
		printf("answer: %s\n", on_stack(6, bytes) > 0 ? "ok" : "no");
		mill_read(client);
	}
	fflush(stdout);
	on_stack(7, bytes);
	return 0;
}
"""

THREADS = PRELUDE + r"""
static void *exchange(void *arg)
{
	int fd = mill_connect();

	mill_get(fd);
	mill_get(fd);
	close(fd);
	return NULL;
}

/* argv: threads at once, bytes of stack, rounds */
int main(int argc, char **argv)
{
	int count = atoi(argv[1]);
	pthread_t *all = calloc((size_t)count, sizeof(*all));
	pthread_attr_t attr;

	mill_start();
	pthread_attr_init(&attr);
	FAIL_IF(pthread_attr_setstacksize(&attr, (size_t)atoi(argv[2])) != 0);
	for (int round = 0; round < atoi(argv[3]); round++) {
		for (int i = 0; i < count; i++)
			FAIL_IF(pthread_create(&all[i], &attr, exchange, NULL) != 0);
		for (int i = 0; i < count; i++)
			FAIL_IF(pthread_join(all[i], NULL) != 0);
	}
	puts("all");
	return 0;
}
"""


LONG = {"OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS": "host,accept",
        "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS": "host,accept",
        "OTEL_PROPAGATORS": "tracecontext,baggage,b3,b3multi,xray,jaeger"}


@case(24, "a handler on the smallest alternate stack, or a little more, makes exchanges and ends the process")
def c24_smallest(t):
    program = t.compile("stack", SIGNAL_STACK, "-Wl,-z,now")

    def counts(text):  # `remora run` says what was not traced
        return re.sub(rb"remora: \d+ spans were delivered.*\n", b"", text)
    for room in (256, 512, 1024, 2048, 3072, 4096):
        t.same([program, room, 0, 6], status=5, states=("up", "tls", "stuck", "relay") if room == 256 else ("up",),
               normal=counts)
        t.same([program, room, 0, 6, "fresh"], status=5, states=("up", "relay"), env=LONG, normal=counts)


@case(24, "a handler with 5 KB makes exchanges on both sides that are traced, and ends the process")
def c24_handler(t):
    program = t.compile("stack", SIGNAL_STACK, "-Wl,-z,now")
    t.same([program, 5120, 0, 6], status=5, states=("up", "tls", "down", "stuck", "relay"))
    t.same([program, 5120, 0, 6, "fresh"], status=5, states=("up", "relay"), env=LONG)
    on = t.run([program, 5120, 6, 6], "up", wait_spans=2)
    t.check("SERVER" in [s["kind"] for s in on.spans], f"the handler's answer is not traced: {on.spans}")


@case(24, "threads with 16 KB of stack make exchanges, and a thousand threads at once do")
def c24_threads(t):
    program = t.compile("threads", THREADS, "-Wl,-z,now")
    t.same([program, 8, 16384, 10])
    t.same([program, 1000, 65536, 1])


# ---- 25: cancelled threads ----

CANCEL = PRELUDE + r"""
#include <sys/sendfile.h>
static int fd, listener, way, cleaned, asynchronous, file, pipes[2];
static pthread_barrier_t ready;
static pid_t thread_id;

static void cleanup(void *arg)
{
	cleaned++;
}

static void *block(void *arg)
{
	static char bytes[1 << 22];
	struct iovec iov[2] = { { bytes, sizeof(bytes) / 2 }, { bytes, sizeof(bytes) / 2 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	struct mmsghdr mm[2] = { { .msg_hdr = m }, { .msg_hdr = m } };
	struct pollfd one = { fd, POLLIN };
	struct epoll_event event = { EPOLLIN };
	int loop = epoll_create1(EPOLL_CLOEXEC);
	fd_set set;
	ssize_t n = 0;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
	pthread_setcanceltype(asynchronous ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED, NULL);
	pthread_cleanup_push(cleanup, NULL);
	thread_id = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&ready);
	for (;;) {
		switch (way) {
		case 0: n = accept(listener, NULL, NULL); break;
		case 1: n = accept4(listener, NULL, NULL, 0); break;
		case 2: n = read(fd, bytes, 4096); break;
		case 3: n = readv(fd, iov, 2); break;
		case 4: n = recv(fd, bytes, 4096, 0); break;
		case 5: n = recvfrom(fd, bytes, 4096, 0, NULL, NULL); break;
		case 6: n = recvmsg(fd, &m, 0); break;
		case 7: n = recvmmsg(fd, mm, 2, 0, NULL); break;
		case 8: n = recv(fd, bytes, 4096, MSG_PEEK); break;
		case 9: n = poll(&one, 1, -1); break;
		case 10: n = ppoll(&one, 1, NULL, NULL); break;
		case 11: n = select(fd + 1, &set, NULL, NULL, NULL); break;
		case 12: n = pselect(fd + 1, &set, NULL, NULL, NULL, NULL); break;
		case 13: n = epoll_wait(loop, &event, 1, -1); break;
		case 14: n = epoll_pwait(loop, &event, 1, -1, NULL); break;
		case 15: n = splice(fd, NULL, pipes[1], NULL, 4096, 0); break;
		/* from here on the peer does not read */
		case 16: n = write(fd, bytes, sizeof(bytes)); break;
		case 17: n = writev(fd, iov, 2); break;
		case 18: n = send(fd, bytes, sizeof(bytes), 0); break;
		case 19: n = sendto(fd, bytes, sizeof(bytes), 0, NULL, 0); break;
		case 20: n = sendmsg(fd, &m, 0); break;
		case 21: n = sendmmsg(fd, mm, 2, 0); break;
		case 22: lseek(file, 0, SEEK_SET); n = sendfile(fd, file, NULL, sizeof(bytes)); break;
		case 23: n = preadv2(fd, iov, 2, -1, 0); break;
		case 24: n = pwritev2(fd, iov, 2, -1, 0); break;
		case 25: n = epoll_pwait2(loop, &event, 1, NULL, NULL); break;
		case 26: n = splice(pipes[0], NULL, fd, NULL, 65536, 0); break;
		}
		if (n < 0)
			pthread_exit((void *)(intptr_t)errno);
	}
	pthread_cleanup_pop(1);
	return NULL;
}

/* Until the thread sleeps in its call: on a busy machine that takes its time. */
static void await_blocked(pid_t thread)
{
	char path[64], line[512], *state;
	int asleep = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	for (int looks = 0; asleep < 4 && looks < 30000; looks++) {
		FILE *f = fopen(path, "re");

		usleep(1000);
		FAIL_IF(!f || !fgets(line, sizeof(line), f));
		fclose(f);
		state = strrchr(line, ')');
		asleep = state && state[2] == 'S' ? asleep + 1 : 0;
	}
	FAIL_IF(asleep < 4);
}

static int is_write(int way)
{
	return (way >= 16 && way <= 22) || way == 24 || way == 26;
}

/* A connection in the middle of an exchange; the peer's end is ours too, in `ret`. */
static int half_exchange(int as_server, int *ret)
{
	static const char head[] = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n";
	char bytes[4096];
	int client = mill_connect(), server = accept(listener, NULL, NULL);

	FAIL_IF(server < 0);
	if (!as_server) { /* a client that uploads, or waits for its answer */
		FAIL_IF(send(client, head, sizeof(head) - 1, 0) < 0);
		*ret = server;
		return client;
	}
	FAIL_IF(send(client, head, sizeof(head) - 1, 0) < 0);
	FAIL_IF(recv(server, bytes, sizeof(bytes), 0) <= 0);
	*ret = client;
	return server;
}

static void round_of(int number, int as_server)
{
	struct timeval soon = { 5, 0 };
	char bytes[4096];
	void *result;
	pthread_t thread;
	int peer, spare[2];

	way = number;
	cleaned = 0;
	fd = half_exchange(as_server, &peer);
	pthread_barrier_init(&ready, NULL, 2);
	FAIL_IF(pthread_create(&thread, NULL, block, NULL) != 0);
	pthread_barrier_wait(&ready);
	await_blocked(thread_id);
	FAIL_IF(pthread_cancel(thread) != 0);
	FAIL_IF(pthread_join(thread, &result) != 0);
	FAIL_IF(result != PTHREAD_CANCELED);
	FAIL_IF(cleaned != 1);
	/* The connection is as good as it was: what comes is read, and nobody waits for a lost lock. */
	if (is_write(way)) /* the kernel may have found more room meanwhile */
		FAIL_IF(send(fd, "x", 1, MSG_DONTWAIT) != 1 && errno != EAGAIN);
	else
		FAIL_IF(send(fd, "x", 1, 0) != 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	FAIL_IF(send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 38, 0) != 38);
	FAIL_IF(recv(fd, bytes, 38, MSG_WAITALL) != 38);
	close(peer);
	close(fd);
}

int main(int argc, char **argv)
{
	asynchronous = atoi(argv[1]);
	listener = mill_listen();
	FAIL_IF(pipe(pipes) != 0);
	file = memfd_create("body", MFD_CLOEXEC);
	FAIL_IF(ftruncate(file, 1 << 22) != 0);
	for (int as_server = 0; as_server < 2; as_server++)
		for (int number = 0; number < 27; number++)
			if ((number != 22 && number != 26) || asynchronous) /* sendfile and splice are no cancellation points */
				round_of(number, as_server);
	puts("cancelled");
	return 0;
}
"""


@case(25, "threads are cancelled in every hooked call that waits, and nothing is left locked")
def c25_cancel(t):
    program = t.compile("cancel", CANCEL)
    for asynchronous in (0, 1):
        t.same([program, asynchronous], states=("up", "tls", "stuck"))


CANCEL_MORE = PRELUDE + r"""
static struct sockaddr_in full;
static int file, cleaned, way;
static volatile int fd, thread_id;

static void cleanup(void *arg)
{
	cleaned++;
}

/* A connection that nobody accepts, or a close that waits for bytes that nobody reads. */
static void *block(void *arg)
{
	struct addrinfo *found;

	pthread_cleanup_push(cleanup, NULL);
	thread_id = (int)syscall(SYS_gettid);
	if (way == 0)
		connect(fd, (struct sockaddr *)&full, sizeof(full));
	else
		close(fd);
	pthread_testcancel();
	pthread_cleanup_pop(0);
	return NULL;
}

static void await_blocked(void)
{
	char path[64], line[512], *state;
	int asleep = 0;

	while (asleep < 20) {
		FILE *f;

		usleep(1000);
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread_id);
		f = fopen(path, "re");
		if (!f)
			continue;
		state = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
		asleep = state && state[2] == 'S' ? asleep + 1 : 0;
		fclose(f);
	}
}

static int fill(void)
{
	static char bytes[1 << 20];
	struct linger wait = { 1, 300 };
	int listener = mill_listen(), client = mill_connect();

	FAIL_IF(accept(listener, NULL, NULL) < 0);
	FAIL_IF(send(client, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n", 59, 0) < 0);
	for (int i = 0; i < 50; i++) {
		while (send(client, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			i = 0;
		usleep(1000);
	}
	FAIL_IF(setsockopt(client, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)) != 0);
	return client;
}

int main(void)
{
	struct sockaddr_in mill;
	int listener;
	pthread_t thread;
	void *result;

	mill_start();
	mill = mill_address;
	listener = mill_listen();
	listen(listener, 0);
	full = mill_address;
	for (int i = 0; i < 3; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fd, (struct sockaddr *)&full, sizeof(full));
	}
	for (int i = 0; i < 8; i++) {
		way = i % 2;
		fd = way ? fill() : socket(AF_INET, SOCK_STREAM, 0);
		thread_id = 0;
		FAIL_IF(pthread_create(&thread, NULL, block, NULL) != 0);
		await_blocked();
		FAIL_IF(pthread_cancel(thread) != 0 || pthread_join(thread, &result) != 0);
		FAIL_IF(result != PTHREAD_CANCELED || cleaned != i + 1);
		mill_address = mill;
		fd = mill_connect();
		mill_get(fd);
		close(fd);
	}
	puts("cancelled");
	return 0;
}
"""


@case(25, "threads are cancelled in connect and in a close that lingers")
def c25_more(t):
    t.same([t.compile("cancel_more", CANCEL_MORE)], states=("up", "tls", "stuck"))


RACE = PRELUDE + r"""
static int pair[2], port;

/* Exchanges until it is cancelled, at any point of the way. */
static void *work(void *arg)
{
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	int fd = mill_connect();
	pthread_cleanup_push((void (*)(void *))(void *)close, (void *)(intptr_t)fd);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
	for (;;)
		mill_get(fd);
	pthread_cleanup_pop(1);
	return NULL;
}

int main(int argc, char **argv)
{
	mill_start();
	for (int i = 0; i < 300; i++) {
		pthread_t thread;
		void *result;

		FAIL_IF(pthread_create(&thread, NULL, work, NULL) != 0);
		usleep(300 + i % 7 * 150);
		FAIL_IF(pthread_cancel(thread) != 0 || pthread_join(thread, &result) != 0);
		FAIL_IF(result != PTHREAD_CANCELED);
	}
	mill_get(mill_connect());
	puts("raced");
	return 0;
}
"""


@case(25, "threads that exchange are cancelled at any point")
def c25_race(t):
    t.same([t.compile("race", RACE)], states=("up", "stuck"))
