/*
 * The ladder of parents as a property: programs of several kinds, their steps in random order,
 * and the truth known: no request that goes out has a wrong parent. Where the rules allow it, none is
 * without one either. Each kind runs in a process of its own, as the gate closes for good.
 */
#include "tests/unit/context_fixture.h"

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
