/*
 * Hooks of the ways a process ends without destructors (_exit, _Exit, quick_exit, daemon's parent)
 * and of vfork. exit and the return from main need none: our destructor runs. fork, _Fork and clone
 * need none either: the agent notices a new process by memory that the kernel wipes, which also
 * sees the calls libc makes inside.
 * Context: hook.
 */
#include "agent/hookapi.h"
#include "hooks/abi/shim.h"
#include "hooks/hook.h"
#include "hooks/raw.h"

#include <stdlib.h>
#include <unistd.h>

RM_HOOK(_exit, raw__exit);
RM_EXPORT void _exit(int status)
{
	rm_process_end(RM_END_UNDERSCORE_EXIT);
	real__exit(status);
}

RM_HOOK(_Exit, raw__exit);
RM_EXPORT void _Exit(int status)
{
	rm_process_end(RM_END_UNDERSCORE_EXIT);
	real__Exit(status);
}

RM_HOOK(quick_exit, NULL);
RM_EXPORT void quick_exit(int status)
{
	__typeof__(&quick_exit) real = RM_LATE(quick_exit);

	rm_process_end(RM_END_UNDERSCORE_EXIT);
	if (real)
		real(status);
	raw__exit(status);
}

/* Like an exec: this process ends inside libc; the child comes back here, and so does a failure. */
RM_HOOK(daemon, NULL);
RM_EXPORT int daemon(int stay_in_directory, int keep_open)
{
	__typeof__(&daemon) real = RM_LATE(daemon);
	int result;

	if (!real) {
		errno = ENOSYS;
		return -1;
	}
	rm_process_end(RM_END_EXEC);
	result = real(stay_in_directory, keep_open);
	rm_process_resume();
	return result;
}

/* The body is in abi/: a C function cannot return twice. */
RM_HOOK_ALONE(vfork);

pid_t rm_hook_vfork_return(long result)
{
	rm_vfork_mark(result == 0);
	return (pid_t)raw_result(result);
}
