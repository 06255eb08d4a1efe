/*
 * Hooks of the jumps over frames: an alarm's handler may jump out of a look-up (as curl's does without c-ares or threads), which
 * then never returns to its hook. Whether a jump leaves it or stays within is not to be seen from here, so the thread only
 * remembers that there was one; see agent/lookup.c.
 * Context: any; nothing here but what the jump itself may do. The frame that calls on does not matter: it is below all that a
 * jump may lead to.
 */
#include "agent/lookup.h"
#include "hooks/hook.h"

#include <setjmp.h>

#undef longjmp
#undef _longjmp
#undef siglongjmp

__attribute__((noreturn)) void __longjmp_chk(struct __jmp_buf_tag env[1], int value);

RM_HOOK(longjmp, NULL);
RM_HOOK(_longjmp, NULL);
RM_HOOK(siglongjmp, NULL);
RM_HOOK(__longjmp_chk, NULL);

#define JUMP(fn)                                                                               \
	RM_EXPORT void fn(struct __jmp_buf_tag env[1], int value)                              \
	{                                                                                      \
		__typeof__(&fn) real = RM_LATE(fn);                                            \
                                                                                               \
		rm_lookup_jumps();                                                             \
		if (real)                                                                      \
			real(env, value);                                                      \
		__builtin_trap();                                                              \
	}

JUMP(longjmp)
JUMP(_longjmp)
JUMP(siglongjmp)
JUMP(__longjmp_chk)
