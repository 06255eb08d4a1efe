/*
 * Programs of several kinds that serve and ask, in a process of their own each, and what became of the parents of their
 * requests. The truth is known: each request that is served begins a trace. Include once per test program.
 */
#ifndef RM_TESTS_CONTEXT_FIXTURE_H
#define RM_TESTS_CONTEXT_FIXTURE_H

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/client_fixture.h"

/* Each test uses some of these. */
#pragma GCC diagnostic ignored "-Wunused-function"

enum { THREADS = 4, CONNS = 8, STEPS = 60, LOOP = 60, CLIENT_FD = 200, TRACES = 4096 };

struct result {
	unsigned right, wrong, none;
};

/* ---- one process's worth of server ---- */

struct request {
	bool live;
	int conn;
	char trace[33]; /* its SERVER span's trace: each request begins one */
};

static int served[CONNS][2]; /* the peer's end and ours */
static struct request requests[CONNS];
static struct result result;
static char traces[TRACES][32]; /* of all requests ever read */
static unsigned trace_count;

/* Notes the traces of all requests that were read at once; the first is given back. */
static void note_traces(const char *room, char ret_first[33])
{
	static const char name[] = "traceparent: 00-";
	bool first = true;

	for (const char *p = room; (p = strstr(p, name)) != NULL; first = false) {
		p += sizeof(name) - 1;
		if (first)
			snprintf(ret_first, 33, "%.32s", p);
		memcpy(traces[trace_count++ % TRACES], p, 32);
	}
	RM_CHECK(!first);
}

static bool is_known(const char *trace)
{
	for (unsigned i = 0; i < trace_count && i < TRACES; i++)
		if (memcmp(traces[i], trace, 32) == 0)
			return true;
	return false;
}

/* What went out for `r`, or with NULL for nobody, carries this trace. */
static void judge(const struct request *r, const char *trace)
{
	if (r && memcmp(r->trace, trace, 32) == 0)
		result.right++;
	else if (is_known(trace))
		result.wrong++;
	else
		result.none++;
}

static void accept_all(void)
{
	struct rm_scope s;

	for (int i = 0; i < CONNS; i++) {
		RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, served[i]) == 0);
		if (rm_enter(&s)) {
			rm_fd_accept(&s, -1, served[i][1]);
			rm_leave(&s);
		}
		rm_fd_epoll_add(LOOP, served[i][1]);
	}
}

/* Reads a request on a connection; the program sees our id in it. */
static void read_request(int conn, int pipelined)
{
	static const char text[] = "GET /in HTTP/1.1\r\nHost: h\r\n\r\n";
	const size_t n = sizeof(text) - 1;
	char room[2048];
	struct iovec iov = { room, sizeof(room) };
	struct request *r = &requests[conn];
	struct rm_rx rx;
	ssize_t got;

	rm_rx_begin(&rx, served[conn][1], sizeof(room), 0);
	for (int i = 0; i <= pipelined; i++)
		memcpy(room + (size_t)i * n, text, n);
	got = rm_rx_done(&rx, &iov, 1, (ssize_t)n * (1 + pipelined));
	room[got] = '\0';
	r->live = true;
	r->conn = conn;
	note_traces(room, r->trace);
}

static void answer(struct request *r)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct iovec iov = { (void *)text, sizeof(text) - 1 };
	struct rm_tx tx;

	if (rm_tx_begin(&tx, served[r->conn][1], &iov, 1) == RM_TX_DONE)
		rm_tx_done(&tx, sizeof(text) - 1);
	r->live = false;
}

/*
 * Sends a request for `r`, or with NULL for nobody, on a fresh or a kept connection, and looks at
 * what it carries.
 */
static void send_request(const struct request *r)
{
	static const char text[] = "GET /out HTTP/1.1\r\nHost: h\r\n\r\n";
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	int fd = CLIENT_FD + (int)dice(6);
	const char *line;

	if (!rm_fd_tracked(fd) || dice(3) == 0)
		open_client(fd);
	sent_bytes = 0;
	send_text(fd, text, sizeof(text) - 1);
	sent[sent_bytes] = '\0';
	line = strstr(sent, "traceparent: 00-");
	receive_text(fd, reply, sizeof(reply) - 1);
	if (line)
		judge(r, line + 16);
}

static struct request *any_live(void)
{
	int first = (int)dice(CONNS);

	for (int i = 0; i < CONNS; i++)
		if (requests[(first + i) % CONNS].live)
			return &requests[(first + i) % CONNS];
	return NULL;
}

static int any_idle(void)
{
	int first = (int)dice(CONNS);

	for (int i = 0; i < CONNS; i++)
		if (!requests[(first + i) % CONNS].live)
			return (first + i) % CONNS;
	return -1;
}

static void drain_spans(void)
{
	while (stub_span())
		;
}

/* Real threads, one step at a time: `turn` says whose. What they do is the scenario's. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static int turn;
static unsigned steps_left;
static void (*step_of)(int thread);

static void *thread_main(void *arg)
{
	int self = (int)(intptr_t)arg;

	pthread_mutex_lock(&lock);
	while (steps_left > 0) {
		if (turn != self) {
			pthread_cond_wait(&news, &lock);
			continue;
		}
		steps_left--;
		step_of(self);
		drain_spans();
		turn = (int)dice(THREADS);
		pthread_cond_broadcast(&news);
	}
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void run_threads(void (*step)(int thread))
{
	pthread_t threads[THREADS];

	step_of = step;
	steps_left = STEPS;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_main, (void *)(intptr_t)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- running them: often and not for long, since it is in the beginning that the gate is open ---- */

enum { RUNS = 200 };

static struct result run_kind(void (*kind)(void), unsigned seed)
{
	struct result ret = { 0, 1, 0 };
	int ends[2], status = 0;
	pid_t child;

	RM_CHECK(pipe(ends) == 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		char *none[] = { NULL };

		random_state = seed;
		stub_start(none);
		accept_all();
		kind();
		fflush(stdout); /* what failed, before _exit */
		_exit(write(ends[1], &result, sizeof(result)) != sizeof(result) || rm_test_failed_checks);
	}
	close(ends[1]);
	RM_CHECK(read(ends[0], &ret, sizeof(ret)) == sizeof(ret));
	close(ends[0]);
	RM_CHECK(waitpid(child, &status, 0) == child && status == 0);
	return ret;
}

static struct result run_kinds(const char *name, void (*kind)(void))
{
	struct result sum = { 0 };

	for (unsigned seed = 1; seed <= RUNS; seed++) {
		struct result r = run_kind(kind, seed);

		sum.right += r.right;
		sum.wrong += r.wrong;
		sum.none += r.none;
	}
	printf("# %s: %u right, %u wrong, %u none\n", name, sum.right, sum.wrong, sum.none);
	return sum;
}

#endif
