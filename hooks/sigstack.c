/*
 * The hook that learns where a thread's signal handlers run, so that none of ours runs over the end
 * of a small stack there. Context: any.
 */
#include "agent/hookapi.h"
#include "hooks/hook.h"
#include "hooks/raw.h"

#include <signal.h>

static int raw_sigaltstack(const stack_t *stack, stack_t *before)
{
	return (int)raw_result(rm_sys2(__NR_sigaltstack, stack, before));
}

RM_HOOK(sigaltstack, raw_sigaltstack);
RM_EXPORT int sigaltstack(const stack_t *stack, stack_t *before)
{
	stack_t taken = { .ss_flags = SS_DISABLE };
	struct rm_scope s;
	bool held;
	int result;

	if (!stack)
		return real_sigaltstack(NULL, before);
	if (rm_may_read(stack, sizeof(*stack)))
		taken = *stack; /* `before` may be the same memory */
	held = rm_enter(&s); /* so that a handler in between, on whichever stack, makes no visit */
	result = real_sigaltstack(stack, before);
	if (result == 0)
		rm_alt_stack(&taken);
	if (held) {
		s.saved_errno = errno;
		rm_leave(&s);
	}
	return result;
}
