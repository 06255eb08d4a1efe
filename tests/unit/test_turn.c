/* Whom callbacks of libraries work for, agent/turn.c: programs of every kind, in small. */
#include "agent/turn.h"
#include "tests/unit/served_fixture.h"

enum { SERVED_FD = 100, SERVED = 8, MANY = 2000 };

static char *settings[] = { NULL };
static rm_ctx served[SERVED];
static char objects[SERVED], args[MANY]; /* of requests, of what is given */
static const char tick, told;            /* functions, by their addresses */

/* So many requests are read, and no handler has run yet. */
static void start(int count)
{
	stub_start(settings);
	for (int i = 0; i < count; i++) {
		accept_on(SERVED_FD + i);
		request_on(SERVED_FD + i, 1);
		served[i] = rm_ctx_of_request(SERVED_FD + i, 0);
		RM_CHECK(rm_ctx_lives(served[i]));
	}
}

static void stop(int count)
{
	for (int i = 0; i < count; i++) {
		answer_on(SERVED_FD + i);
		rm_turn_answer(0, &objects[i]);
	}
}

static struct rm_turn *serve(int i)
{
	return rm_turn_serve(served[i], &objects[i]);
}

/* A handler that does no more than to give something away. */
static void serve_and_give(int i, const void *arg)
{
	struct rm_turn *t = serve(i);

	rm_turn_give(&tick, arg, true);
	rm_turn_end(t);
}

RM_TEST("calls in a handler are for its request, and outside of any for nobody")
{
	struct rm_turn *t, *inner;

	start(2);
	RM_CHECK(!rm_turn_here() && !rm_turn_calls() && !rm_turn_give(&told, &args[0], true) && !rm_turn_nobody());
	t = serve(0);
	RM_CHECK(rm_turn_here() && rm_turn_calls() == served[0] && rm_turn_give(&told, &args[0], true) == served[0]);
	RM_CHECK(rm_turn_give(&told, NULL, true) == served[0]);
	inner = rm_turn_nobody();
	RM_CHECK(!rm_turn_calls() && !rm_turn_give(&tick, &args[1], true));
	rm_turn_end(inner);
	inner = serve(1);
	RM_CHECK(rm_turn_calls() == served[1]);
	rm_turn_answer(served[1], &objects[1]);
	rm_turn_end(inner);
	RM_CHECK(rm_turn_calls() == served[0]);
	rm_turn_end(t);
	RM_CHECK(!rm_turn_here());
	t = rm_turn_take(&told, &args[0]);
	RM_CHECK(rm_turn_calls() == served[0]);
	rm_turn_end(t);
	stop(2);
}

RM_TEST("what is given comes back once, step by step, each with the same argument")
{
	struct rm_turn *t;

	start(2);
	serve_and_give(0, &args[0]);
	serve_and_give(1, &args[1]);
	for (int i = 0; i < 5; i++) {
		t = rm_turn_take(&tick, &args[0]);
		RM_CHECK(rm_turn_calls() == served[0] && rm_turn_give(&told, &args[0], true) == served[0]);
		rm_turn_end(t);
		RM_CHECK(!rm_turn_take(&tick, &args[0]) && !rm_turn_take(&told, &args[1]));
		t = rm_turn_take(&told, &args[0]);
		RM_CHECK(rm_turn_calls() == served[0]);
		rm_turn_give(&tick, &args[0], true);
		rm_turn_end(t);
	}
	t = rm_turn_take(&tick, &args[0]);
	RM_CHECK(!rm_turn_give(&told, &args[2], true)); /* another's, perhaps */
	rm_turn_answer(served[0], &objects[0]);
	rm_turn_end(t);
	answer_on(SERVED_FD);
	t = rm_turn_take(&tick, &args[1]);
	RM_CHECK(rm_turn_calls() == served[1]);
	rm_turn_end(t);
	stop(2);
	RM_CHECK(!rm_turn_take(&told, &args[2]));
}

RM_TEST("while a request waits for what no library has, nobody is believed")
{
	struct rm_turn *t;

	start(3);
	serve_and_give(0, &args[0]);
	rm_turn_end(serve(1)); /* stands in a line of the program's own */
	t = serve(2);
	RM_CHECK(!rm_turn_calls() && !rm_turn_give(&tick, &args[2], true));
	rm_turn_end(t);
	t = rm_turn_take(&tick, &args[0]);
	RM_CHECK(!rm_turn_calls());
	rm_turn_give(&told, &args[0], true);
	rm_turn_end(t);
	rm_turn_answer(served[1], &objects[1]);
	t = rm_turn_take(&told, &args[0]);
	RM_CHECK(rm_turn_calls() == served[0]);
	rm_turn_end(t); /* now this one waits */
	t = rm_turn_take(&tick, &args[2]);
	RM_CHECK(!rm_turn_calls());
	rm_turn_end(t);
	stop(3);
}

RM_TEST("a timer that takes long may only watch; when it comes its request goes on with it")
{
	struct rm_turn *t;

	start(2);
	t = serve(0);
	rm_turn_give(&tick, &args[0], false);
	rm_turn_end(t);
	t = serve(1);
	RM_CHECK(!rm_turn_calls());
	rm_turn_answer(served[1], &objects[1]);
	rm_turn_end(t);
	t = rm_turn_take(&tick, &args[0]);
	RM_CHECK(rm_turn_calls() == served[0]);
	rm_turn_end(t);
	stop(2);
}

RM_TEST("an argument that several requests give is nobody's, nor is who takes another one's")
{
	struct rm_turn *t;

	start(4);
	serve_and_give(0, &args[10]);
	serve_and_give(1, &args[11]);
	t = serve(2);
	RM_CHECK(!rm_turn_give(&tick, &args[10], true));
	rm_turn_answer(served[2], &objects[2]);
	rm_turn_end(t);
	t = rm_turn_take(&tick, &args[10]);
	RM_CHECK(!rm_turn_calls());
	rm_turn_answer(served[0], &objects[0]);
	rm_turn_end(t);
	t = rm_turn_take(&tick, &args[11]);
	RM_CHECK(rm_turn_calls() == served[1]);
	rm_turn_answer(served[3], &objects[3]); /* of another request */
	RM_CHECK(!rm_turn_calls());
	rm_turn_end(t);
	stop(4);
}

RM_TEST("of a request that is not known the object is, and two things that are given tell nothing")
{
	struct rm_turn *t;

	start(2);
	serve_and_give(0, &args[0]);
	rm_turn_end(rm_turn_serve(0, &objects[1]));
	t = rm_turn_take(&tick, &args[0]);
	RM_CHECK(!rm_turn_calls());
	rm_turn_answer(0, &objects[1]);
	RM_CHECK(rm_turn_calls() == served[0]);
	rm_turn_give(&tick, &args[0], true);
	rm_turn_give(&told, &args[0], true);
	rm_turn_end(t);
	t = rm_turn_take(&tick, &args[0]);
	RM_CHECK(!rm_turn_calls());
	rm_turn_end(t);
	stop(2);
}

RM_TEST("a handler that asks for time is told apart from one that is done")
{
	struct rm_turn *t;

	start(1);
	t = serve(0);
	rm_turn_hold(&objects[1]);
	RM_CHECK(!rm_turn_holds(t) && !rm_turn_holds(NULL));
	rm_turn_hold(&objects[0]);
	RM_CHECK(rm_turn_holds(t));
	rm_turn_end(t);
	stop(1);
}

/* Last: there is no end of who waits then. */
RM_TEST("more that wait than there is room for, and more turns, silence all")
{
	static struct rm_turn *open[MANY];
	struct rm_turn *t;
	int count = 0;

	start(2);
	for (int i = 0; i < MANY; i++)
		count += (open[i] = rm_turn_serve(0, &args[i])) != NULL;
	RM_CHECK(count > 0 && count < MANY);
	for (int i = MANY - 1; i >= 0; i--)
		rm_turn_end(open[i]);
	RM_CHECK(!rm_turn_here());
	for (int i = 0; i < MANY; i++)
		rm_turn_answer(0, &args[i]);
	t = serve(0);
	RM_CHECK(t && !rm_turn_calls());
	rm_turn_end(t);
	stop(2);
}
