#include "tests/unit/agent_stub.h"

#include <signal.h>

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
