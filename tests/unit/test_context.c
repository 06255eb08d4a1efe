/*
 * The ladder of parents as a property: programs of several kinds, their steps in random order,
 * and the truth known: no request that goes out has a wrong parent. Where the rules allow it, none is
 * without one either. Each kind runs in a process of its own, as the gate closes for good.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/client_fixture.h"

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
	if (!line)
		return;
	if (r && memcmp(r->trace, line + 16, 32) == 0)
		result.right++;
	else if (is_known(line + 16))
		result.wrong++;
	else
		result.none++;
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

/* ---- kinds of programs ---- */

/* One thread, timers and callbacks, as libuv orders them: timers, then what is ready, then wait. */
static void event_loop(void)
{
	for (int step = 0; step < STEPS; step++) {
		rm_loop_wait(LOOP);
		for (unsigned timers = dice(3); timers > 0; timers--)
			send_request(dice(2) ? NULL : any_live());
		for (unsigned ready = 1 + dice(4); ready > 0; ready--) {
			int idle = any_idle();
			struct request *r = any_live();

			if (idle >= 0 && dice(2))
				read_request(idle, 0);
			else if (r && dice(2))
				send_request(r);
			else if (r)
				answer(r);
		}
		drain_spans();
	}
}

/* One thread that never waits: it asks one descriptor after the other. */
static void spinning(void)
{
	for (int step = 0; step < STEPS; step++) {
		int idle = any_idle();
		struct request *r = any_live();

		if (idle >= 0 && dice(2))
			read_request(idle, 0);
		else if (r && dice(2))
			send_request(r);
		else if (r)
			answer(r);
		drain_spans();
	}
}

/* One thread that handles one request after the other, some pipelined on their connection. */
static void blocking(void)
{
	for (int step = 0; step < STEPS; step++) {
		int conn = (int)dice(CONNS), pipelined = dice(8) == 0;

		read_request(conn, pipelined);
		for (unsigned n = dice(4); n > 0; n--)
			send_request(&requests[conn]);
		answer(&requests[conn]);
		if (pipelined) {
			snprintf(requests[conn].trace, sizeof(requests[conn].trace), "the second one");
			send_request(&requests[conn]);
			answer(&requests[conn]);
		}
		drain_spans();
	}
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

/* A pool of threads, each with the request it has read until it has answered it. */
static void pool_step(int thread)
{
	static struct request *mine[THREADS];
	struct request *r = mine[thread];

	if (!r) {
		int conn = any_idle();

		if (conn < 0)
			return;
		read_request(conn, 0);
		mine[thread] = &requests[conn];
	} else if (dice(3)) {
		send_request(r);
	} else {
		answer(r);
		mine[thread] = NULL;
	}
}

static void thread_pool(void)
{
	run_threads(pool_step);
}

/* Thread 0 accepts and reads, the others take over, send and answer; it has business of its own. */
static void handover_step(int thread)
{
	static bool read_before;
	struct request *r = any_live();
	struct rm_scope s;

	if (thread == 0 && read_before && dice(2)) {
		if (rm_enter(&s)) {
			rm_context_accepted(s.thread);
			rm_leave(&s);
		}
		send_request(NULL);
	} else if (thread == 0 && !r) {
		read_request(0, 0);
		read_before = true;
	} else if (thread != 0 && r && dice(3)) {
		send_request(r);
	} else if (thread != 0 && r) {
		answer(r);
	}
}

static void handover(void)
{
	run_threads(handover_step);
}

/* Tasks that any thread may go on with at any point, without waiting in a loop of descriptors. */
static void stealing_step(int thread)
{
	struct request *r = any_live();
	int conn = any_idle();

	if (conn >= 0 && dice(3) == 0)
		read_request(conn, 0);
	else if (r && dice(2))
		send_request(r);
	else if (r)
		answer(r);
}

static void *answer_first(void *arg)
{
	answer(&requests[0]);
	return arg;
}

/* The first request moves to another thread while nothing else is under way, and shows what kind this is. */
static void stealing(void)
{
	pthread_t thread;

	read_request(0, 0);
	pthread_create(&thread, NULL, answer_first, NULL);
	pthread_join(thread, NULL);
	run_threads(stealing_step);
}

/* What a child forked for request 0 finds before its parent answers that, and afterwards. Its failures. */
static int as_forked_child(rm_ctx ctx, int looked, int answered)
{
	struct rm_child_env room;
	pid_t grandchild;
	int status = 0;
	char byte;

	RM_CHECK(rm_child_env(&room, true) && strstr(room.text, requests[0].trace));
	RM_CHECK(!rm_child_env(&room, false));
	RM_CHECK(rm_ctx_lives(ctx));
	send_request(NULL);
	grandchild = fork();
	if (grandchild == 0)
		_exit(rm_child_env(&room, true) || rm_ctx_lives(ctx) != true);
	RM_CHECK(waitpid(grandchild, &status, 0) == grandchild && status == 0);
	RM_CHECK(write(looked, "", 1) == 1);
	RM_CHECK(read(answered, &byte, 1) == 1);
	RM_CHECK(!rm_child_env(&room, true) && !rm_ctx_lives(ctx));
	send_request(NULL);
	RM_CHECK(result.wrong == 0 && result.none == 2);
	/* It serves requests of its own, with the numbers that its parent's had. */
	read_request(1, 0);
	send_request(&requests[1]);
	RM_CHECK(result.right == 1 && rm_child_env(&room, false));
	answer(&requests[1]);
	fflush(stdout); /* what failed, before _exit */
	return rm_test_failed_checks;
}

/* A worker is forked while a request is served, and lives on. */
static void forking(void)
{
	int looked[2], answered[2], status = 0;
	pid_t child;
	rm_ctx ctx;
	char byte;

	RM_CHECK(pipe(looked) == 0 && pipe(answered) == 0);
	read_request(0, 0);
	ctx = rm_ctx_current();
	RM_CHECK(rm_ctx_lives(ctx));
	child = fork();
	if (child == 0)
		_exit(as_forked_child(ctx, looked[1], answered[0]));
	close(looked[1]);
	RM_CHECK(read(looked[0], &byte, 1) == 1);
	send_request(&requests[0]);
	answer(&requests[0]);
	RM_CHECK(write(answered[1], "", 1) == 1);
	RM_CHECK(waitpid(child, &status, 0) == child && status == 0);
	read_request(2, 0);
	send_request(&requests[2]);
	answer(&requests[2]);
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

RM_TEST("an event loop gives no wrong parent")
{
	struct result r = run_kinds("event loop", event_loop);

	RM_CHECK(r.wrong == 0 && r.none > 1000);
}

RM_TEST("a loop that does not wait gives no wrong parent")
{
	struct result r = run_kinds("spinning", spinning);

	RM_CHECK(r.wrong == 0 && r.none > 1000);
}

RM_TEST("a blocking server gives every parent, but for pipelined requests, which get none")
{
	struct result r = run_kinds("blocking", blocking);

	RM_CHECK(r.wrong == 0 && r.right > 1000);
	RM_CHECK(r.none < r.right / 2);
}

RM_TEST("a pool of threads gives every parent")
{
	struct result r = run_kinds("thread pool", thread_pool);

	RM_CHECK(r.wrong == 0 && r.none == 0 && r.right > 1000);
}

RM_TEST("a thread that accepts and reads for others gives no wrong parent")
{
	struct result r = run_kinds("hand-over", handover);

	RM_CHECK(r.wrong == 0 && r.none > 1000);
}

RM_TEST("tasks that move between threads give no wrong parent once one has been seen to move")
{
	struct result r = run_kinds("stealing", stealing);

	RM_CHECK(r.wrong == 0 && r.none > 1000);
}

RM_TEST("a child that is forked for a request belongs to it by becoming a program, until that is answered")
{
	struct result r = run_kind(forking, 1);

	RM_CHECK(r.right == 2 && r.wrong == 0 && r.none == 0);
}

RM_TEST("what a parent carried is not believed once another thread has ended it")
{
	struct rm_thread *t = rm_thread_self();
	struct rm_conn conn = { 0 };
	struct rm_parent parent;
	struct rm_exchange *e;
	struct rm_spanctx in;
	char *none[] = { NULL };
	uint32_t x;

	stub_start(none);
	x = rm_exchange_begin(RM_KIND_SERVER, 1, t);
	e = rm_exchange_at(x);
	e->ctx = (struct rm_spanctx){ .valid = true, .trace_id = { 1 } };
	rm_exchange_span_id(x, &t->random, e->ctx.span_id);
	rm_exchange_carry(e, RM_STR("a=1"), RM_STR("b=2"));
	atomic_store(&e->phase, RM_PHASE_OPEN);
	in = e->ctx;
	rm_context_resolve(t, &conn, &in, &parent);
	RM_CHECK(parent.source == RM_SOURCE_HEADER && rm_parent_lives(&parent));
	RM_CHECK_STR(parent.tracestate, "a=1");
	RM_CHECK_STR(parent.baggage, "b=2");
	rm_exchange_drop(x);
	RM_CHECK(!rm_parent_lives(&parent));
	rm_context_resolve(t, &conn, &in, &parent);
	RM_CHECK(parent.source == RM_SOURCE_PROGRAM && parent.tracestate.n == 0);
	e->tracestate_bytes = e->baggage_bytes = 3; /* as seen in the middle of the drop */
	RM_CHECK(rm_exchange_tracestate(e).n == 0 && rm_exchange_baggage(e).n == 0);
	e->tracestate_bytes = e->baggage_bytes = 0;
	RM_CHECK(rm_exchange_live() == 0 && rm_text_live() == 0);
}
