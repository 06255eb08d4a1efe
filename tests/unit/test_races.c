/*
 * Threads that do to shared descriptors whatever comes to their minds, in the middle of each other's
 * calls, while every thread also has a connection of its own whose bytes must be exact. Nothing may
 * crash, and when all is closed nothing is kept: neither lost nor given back twice. Meant for the
 * address and thread sanitizers, too.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/client_fixture.h"

enum { THREADS = 4, STEPS = 8000, SHARED_FD = 40, SHARED = 6, OWN_FD = 100, PAIRS = 2, REAL_FD = 60 };

static const char request[] = "GET /a HTTP/1.1\r\nHost: h\r\ntracestate: a=1\r\n\r\n";
static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
enum { REQUEST = sizeof(request) - 1, REPLY = sizeof(reply) - 1 };

/* ---- shared descriptors ---- */

static void accept_fd(int fd)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, fd);
		rm_leave(&s);
	}
}

static void dup_fd(int from, int to)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_dup(&s, from, to);
		rm_leave(&s);
	}
}

static void shutdown_fd(int fd, int how)
{
	struct rm_scope s;

	if (rm_fd_tracked(fd) && rm_enter(&s)) {
		rm_fd_shutdown(&s, fd, how);
		rm_leave(&s);
	}
}

static void serve(int fd)
{
	char room[1024];
	struct iovec in = { room, sizeof(room) }, out = { (void *)reply, REPLY };
	size_t cut = 1 + dice(REQUEST);
	struct rm_rx rx;
	struct rm_tx tx;

	rm_rx_begin(&rx, fd, sizeof(room), 0);
	memcpy(room, request, cut);
	rm_rx_done(&rx, &in, 1, (ssize_t)cut);
	rm_rx_begin(&rx, fd, sizeof(room), 0);
	memcpy(room, request + cut, REQUEST - cut);
	if (cut < REQUEST)
		rm_rx_done(&rx, &in, 1, (ssize_t)(REQUEST - cut));
	if (rm_tx_begin(&tx, fd, &out, 1) == RM_TX_DONE)
		rm_tx_done(&tx, REPLY);
}

static void anything(int unused)
{
	int fd = SHARED_FD + (int)dice(SHARED), other = SHARED_FD + (int)dice(SHARED);
	int served = REAL_FD + (int)dice(PAIRS);
	size_t cut = 1 + dice(REQUEST - 1);

	(void)unused;
	during_call = NULL;
	sent_bytes = 0;
	switch (dice(12)) {
	case 0:
	case 1:
		open_client(fd);
		break;
	case 2:
		close_fd(fd);
		break;
	case 3:
		dup_fd(fd, other);
		break;
	case 4:
		send_text(fd, request, cut);
		send_text(fd, request + cut, REQUEST - cut);
		break;
	case 5:
	case 6:
		during_call = dice(2) ? anything : NULL;
		send_text(fd, request, REQUEST);
		break;
	case 7:
		receive_text(fd, reply, REPLY);
		break;
	case 8:
		shutdown_fd(fd, (int)dice(3));
		break;
	case 9:
		serve(served);
		break;
	case 10:
		accept_fd(served);
		break;
	case 11:
		if (dice(2))
			rm_tx_opaque(fd, 100);
		else
			rm_rx_opaque(served, 100);
		break;
	}
	during_call = NULL;
}

/* ---- a connection of the thread's own ---- */

static atomic_bool ending; /* connections are ended under their users' hands */
static atomic_uint asked, left_alone;

/* Who could not have a lock in time leaves the connection alone: then a request goes out as it is. */
static bool may_be_plain(int fd)
{
	const struct rm_conn *c = rm_conn_peek(fd);

	return atomic_load(&ending) || (c && (c->gap || c->muted));
}

/* One exchange with refusals and short writes: exactly one line of ours, and one span. */
static void exact(int fd)
{
	char plain[2 * REQUEST];
	size_t at = 0;
	int lines;

	sent_bytes = 0;
	open_client(fd);
	while (at < REQUEST) {
		ssize_t n;

		take_at_most = dice(REQUEST + 70);
		n = send_text(fd, request + at, REQUEST - at);
		at += n > 0 ? (size_t)n : 0;
	}
	take_at_most = -1;
	RM_CHECK(without_lines(plain, &lines) == REQUEST && memcmp(plain, request, REQUEST) == 0);
	RM_CHECK(lines == 1 || (lines == 0 && may_be_plain(fd)));
	atomic_fetch_add(&asked, 1);
	atomic_fetch_add(&left_alone, lines == 0);
	receive_text(fd, reply, REPLY);
	close_fd(fd);
}

static void *thread_main(void *arg)
{
	int self = (int)(intptr_t)arg;

	random_state = (unsigned)self * 7919 + 1;
	for (int i = 0; i < STEPS; i++) {
		anything(0);
		if (i % 16 == 0)
			exact(OWN_FD + self);
	}
	return NULL;
}

static atomic_bool drained;

/* The consumer: every span it gets is whole. */
static void *consume(void *arg)
{
	static _Alignas(8) char buf[RM_RECORD_MAX_BYTES];
	unsigned *count = arg;
	bool last;

	do {
		last = atomic_load(&drained);
		for (uint32_t ring = 0; ring < RM_SEGMENT_RINGS; ring++) {
			int n;

			while ((n = rm_segment_pop(&stub_segment, ring, buf)) != 0) {
				RM_CHECK(n > 0 && rm_record_valid((struct rm_record *)buf, (uint32_t)n));
				++*count;
			}
		}
	} while (!last);
	return NULL;
}

static void close_everything(void)
{
	for (int fd = SHARED_FD; fd < SHARED_FD + SHARED; fd++)
		close_fd(fd);
	for (int fd = REAL_FD; fd < REAL_FD + PAIRS; fd++)
		close_fd(fd);
}

static void open_pairs(void)
{
	int pair[2];

	for (int i = 0; i < PAIRS; i++) {
		RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
		RM_CHECK(dup2(pair[0], REAL_FD + i) == REAL_FD + i);
		close(pair[0]);
	}
}

RM_TEST("threads that share descriptors lose nothing and spoil nobody's bytes")
{
	pthread_t threads[THREADS], consumer;
	unsigned spans = 0;
	uint64_t lost = 0;
	char *none[] = { NULL };

	stub_start(none);
	open_pairs();
	pthread_create(&consumer, NULL, consume, &spans);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_main, (void *)(intptr_t)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	close_everything();
	atomic_store(&drained, true);
	pthread_join(consumer, NULL);
	for (int why = 0; why < RM_LOST_COUNT; why++)
		lost += atomic_load(&stub_segment.lost[why]);
	RM_CHECK(spans == rm_segment_spans(&stub_segment));
	RM_CHECK(spans + lost + atomic_load(&left_alone) >= THREADS * (STEPS / 16));
	RM_CHECK(atomic_load(&left_alone) < atomic_load(&asked) / 4);
	RM_CHECK(all_freed());
}

RM_TEST("connections are ended at exit under the hands of threads that use them, each span once")
{
	pthread_t threads[THREADS], consumer;
	unsigned spans = 0;
	struct rm_scope s;

	atomic_store(&drained, false);
	atomic_store(&ending, true);
	pthread_create(&consumer, NULL, consume, &spans);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_main, (void *)(intptr_t)i);
	for (int i = 0; i < 50; i++) {
		if (rm_enter(&s)) {
			rm_conn_end_all();
			rm_leave(&s);
		}
		sched_yield();
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&ending, false);
	close_everything();
	atomic_store(&drained, true);
	pthread_join(consumer, NULL);
	RM_CHECK(all_freed());
}

/* The thread sanitizer knows nothing of the child of a process with threads. */
#ifndef __SANITIZE_THREAD__

static int child_main(void)
{
	random_state = (unsigned)getpid();
	for (int i = 0; i < 200; i++) {
		anything(0);
		exact(OWN_FD);
	}
	close_everything();
	for (int i = 0; i < THREADS; i++)
		close_fd(OWN_FD + i);
	return rm_test_failed_checks != 0 || rm_text_live() > 64;
}

RM_TEST("a child of fork, born in the middle of anything, goes on with what it has")
{
	pthread_t threads[THREADS];
	int failed = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_main, (void *)(intptr_t)i);
	for (int i = 0; i < 60; i++) {
		int status = -1;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			alarm(60);
			_exit(child_main());
		}
		waitpid(pid, &status, 0);
		failed += status != 0;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	RM_CHECK(failed == 0);
	close_everything();
	RM_CHECK(all_freed());
}

#endif

/* An edited call of another thread is in flight when the process forks. */
static int child_status;

static void fork_now(int fd)
{
	pid_t pid;

	during_call = NULL;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		sent_bytes = 0;
		close_fd(fd);
		if (rm_conn_live() || rm_exchange_live())
			_exit(1);
		exact(fd);
		/* The header line that was on its way cannot be trusted to be whole: it is left lying. */
		_exit(rm_test_failed_checks != 0 || rm_conn_live() || rm_exchange_live() || rm_text_live() > 1);
	}
	waitpid(pid, &child_status, 0);
}

RM_TEST("a fork in the middle of an edited call leaves nothing behind in the child")
{
	close_everything();
	open_client(OWN_FD);
	child_status = -1;
	during_call = fork_now;
	sent_bytes = 0;
	RM_CHECK(send_text(OWN_FD, request, REQUEST) == REQUEST && sent_bytes == REQUEST + 70);
	RM_CHECK(child_status == 0);
	close_fd(OWN_FD);
	RM_CHECK(all_freed());
}

/* The same in a signal handler, from which the child comes back: the call goes on in both. */
static pid_t handler_child;
static long both_take;

static void fork_and_return(int fd)
{
	during_call = NULL;
	fflush(stdout);
	handler_child = fork();
	if (handler_child == 0) {
		close_fd(fd);
		exact(fd);
		sent_bytes = 0;
	} else {
		waitpid(handler_child, &child_status, 0);
	}
	take_at_most = both_take;
}

RM_TEST("the child of a fork in the middle of an edited call comes back from that call")
{
	for (both_take = 0; both_take < REQUEST + 70; both_take++) {
		ssize_t n, own = both_take < REQUEST - 2 ? both_take : REQUEST - 2;

		open_client(OWN_FD);
		child_status = -1;
		during_call = fork_and_return;
		sent_bytes = 0;
		n = send_text(OWN_FD, request, REQUEST);
		take_at_most = -1;
		if (both_take > REQUEST - 2 + 70)
			own = both_take - 70;
		RM_CHECK(n == (own ? own : -1));
		if (handler_child == 0)
			_exit(rm_test_failed_checks != 0 || rm_conn_live() || rm_exchange_live() || rm_text_live() > 1);
		RM_CHECK(child_status == 0);
		n = n > 0 ? n : 0;
		RM_CHECK(send_text(OWN_FD, request + n, REQUEST - (size_t)n) == REQUEST - n);
		RM_CHECK(sent_bytes == REQUEST + 70);
		close_fd(OWN_FD);
		RM_CHECK(all_freed());
	}
}
