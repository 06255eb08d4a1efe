#include "tests/unit/agent_stub.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "agent/thread.h"
#include "tests/rmtest.h"

/* What the address sanitizer makes the frames between here and the agent's look larger by. */
#ifdef __SANITIZE_ADDRESS__
enum { LARGER_FRAMES = 1500 };
#else
enum { LARGER_FRAMES = 0 };
#endif

/* Says that this function runs on a signal stack that has `room` bytes left below it. */
static bool enters_with(size_t room)
{
	char *here = __builtin_frame_address(0);
	stack_t stack = { .ss_sp = here - room - LARGER_FRAMES, .ss_size = room + 100000 };
	struct rm_scope s;
	bool entered;

	rm_alt_stack(&stack);
	entered = rm_enter(&s);
	if (entered)
		rm_leave(&s);
	return entered;
}

RM_TEST("a visit is refused on a signal stack that is nearly full, and nowhere else")
{
	stack_t none = { .ss_flags = SS_DISABLE, .ss_sp = NULL, .ss_size = 1 << 20 };
	static char elsewhere[64];
	stack_t other = { .ss_sp = elsewhere, .ss_size = sizeof(elsewhere) };

	stub_start((char *[]){ NULL });
	RM_CHECK(rm_may_enter() && !rm_is_bypassed());
	RM_CHECK(!enters_with(500) && rm_is_bypassed());
	RM_CHECK(enters_with(8000) && !rm_is_bypassed());
	RM_CHECK(!enters_with(500));
	rm_alt_stack(&other);
	RM_CHECK(rm_may_enter() && !rm_is_bypassed());
	RM_CHECK(!enters_with(500));
	rm_alt_stack(&none);
	RM_CHECK(rm_may_enter() && !rm_is_bypassed());
}

/* ---- visits that are left ---- */

static sigjmp_buf out;
static bool entered, may_enter, bypassed;

/* What a handler, or what a visit calls, finds. */
__attribute__((noinline)) static void look(int number)
{
	struct rm_scope s;

	bypassed = rm_is_bypassed();
	may_enter = rm_may_enter();
	entered = rm_enter(&s);
	if (entered)
		rm_leave(&s);
}

static bool is_kept_out(void)
{
	look(0);
	return !entered && !may_enter && bypassed;
}

static bool was_kept_out(void)
{
	return !entered && !may_enter && bypassed;
}

static void jump_out(int number)
{
	look(number);
	siglongjmp(out, 1);
}

static void on_signal(void (*handler)(int), int flags)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = flags };

	RM_CHECK(sigaction(SIGUSR1, &act, NULL) == 0);
}

/* A visit that a signal comes in the middle of; it returns only if the handler does. */
__attribute__((noinline)) static bool visit(void)
{
	struct rm_scope s;

	if (!rm_enter(&s))
		return false;
	rm_thread_self()->attached = 5;
	RM_CHECK(is_kept_out());
	raise(SIGUSR1);
	RM_CHECK(rm_thread_self()->visit == &s);
	rm_thread_self()->attached = 0;
	rm_leave(&s);
	return true;
}

/* Leaves a visit whose scope is so far down. */
__attribute__((noinline)) static void leave_visit(size_t bytes)
{
	volatile char room[bytes];

	room[0] = room[bytes - 1] = 0;
	if (!sigsetjmp(out, 1))
		visit();
	RM_CHECK(was_kept_out() && rm_thread_self()->visit);
}

/* Calls it from so far down, through memory that is written to. */
__attribute__((noinline)) static bool from_below(bool (*fn)(void), size_t bytes)
{
	volatile char room[bytes];

	for (size_t i = 0; i < bytes; i++)
		room[i] = (char)i;
	return fn() && room[0] == 0;
}

RM_TEST("a visit that a handler jumps out of keeps the handler out, and nobody afterwards")
{
	stub_start((char *[]){ NULL });
	for (size_t bytes = 16; bytes <= 65536; bytes *= 4) {
		on_signal(jump_out, 0);
		leave_visit(bytes);
		on_signal(look, 0);
		RM_CHECK(from_below(visit, 2 * bytes) && was_kept_out() && !rm_thread_self()->visit);
	}
}

RM_TEST("so it is for who does the same again from the same place, whatever stands there")
{
	stub_start((char *[]){ NULL });
	for (int i = 0; i < 3; i++) {
		on_signal(jump_out, 0);
		if (!sigsetjmp(out, 1))
			visit();
		on_signal(look, 0);
		RM_CHECK(visit() && was_kept_out());
	}
}

RM_TEST("and for who only asks, from further up")
{
	stub_start((char *[]){ NULL });
	on_signal(jump_out, 0);
	leave_visit(16);
	RM_CHECK(!rm_is_bypassed() && rm_may_enter());
}

RM_TEST("what the thread worked for when a visit was left is forgotten")
{
	stub_start((char *[]){ NULL });
	on_signal(jump_out, 0);
	leave_visit(16);
	RM_CHECK(rm_thread_self()->attached == 5);
	RM_CHECK(rm_may_enter() && !rm_thread_self()->attached);
}

RM_TEST("a handler on a signal stack is kept out, wherever that stack lies")
{
	char *stacks = mmap(NULL, 3 * 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char above[65536];
	stack_t at[] = { { .ss_sp = above, .ss_size = sizeof(above) }, { .ss_sp = stacks, .ss_size = 65536 } };
	stack_t none = { .ss_flags = SS_DISABLE };

	stub_start((char *[]){ NULL });
	on_signal(look, SA_ONSTACK);
	for (int i = 0; i < 2; i++) {
		RM_CHECK(sigaltstack(&at[i], NULL) == 0);
		rm_alt_stack(&at[i]);
		RM_CHECK(visit() && was_kept_out());
		/* By a call that we did not see. */
		rm_alt_stack(&none);
		RM_CHECK(visit() && was_kept_out());
	}
	RM_CHECK(sigaltstack(&none, NULL) == 0);
	munmap(stacks, 3 * 65536);
}

#ifndef __SANITIZE_THREAD__ /* to which a handler that switches away never ends */
static ucontext_t back, coroutine;

static void switch_away(int number)
{
	swapcontext(&coroutine, &back);
}

static void visit_in_coroutine(void)
{
	RM_CHECK(visit());
}

enum { COROUTINE_BYTES = 256 * 1024 };

static void start_coroutine(char *stack)
{
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = COROUTINE_BYTES;
	coroutine.uc_link = &back;
	makecontext(&coroutine, visit_in_coroutine, 0);
	swapcontext(&back, &coroutine);
}

RM_TEST("a visit whose coroutine waits is not over until its memory is gone")
{
	char *stack = mmap(NULL, COROUTINE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	stub_start((char *[]){ NULL });
	on_signal(switch_away, 0);
	start_coroutine(stack);
	RM_CHECK(is_kept_out());
	swapcontext(&back, &coroutine); /* its visit goes on, and ends */
	RM_CHECK(!rm_thread_self()->visit && rm_may_enter());
	start_coroutine(stack);
	RM_CHECK(is_kept_out());
	munmap(stack, COROUTINE_BYTES);
	RM_CHECK(rm_may_enter() && !rm_is_bypassed());
}
#endif

static void *leave_on_thread(void *arg)
{
	leave_visit(64);
	on_signal(look, 0);
	RM_CHECK(visit() && was_kept_out());
	return arg;
}

RM_TEST("on other threads it is the same")
{
	pthread_t thread;

	stub_start((char *[]){ NULL });
	on_signal(jump_out, 0);
	RM_CHECK(pthread_create(&thread, NULL, leave_on_thread, NULL) == 0);
	pthread_join(thread, NULL);
}
