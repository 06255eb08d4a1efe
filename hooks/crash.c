/*
 * Hooks of the calls by which a program says what a signal does. Where the agent has taken the signals of crashes
 * (agent/crash.h), the program is shown the default action that it left them, and what it does with them is done: its own
 * handler takes the place of ours, and the default action gives it back. Without REMORA_CRASH all of them only pass.
 * Context: any, also signal handlers.
 */
#include "agent/crash.h"
#include "hooks/hook.h"

#include <errno.h>
#include <signal.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* of sigset: programs call it all the same */

RM_HOOK(sigaction, NULL);
RM_HOOK(signal, NULL);
RM_HOOK(sysv_signal, NULL);
RM_HOOK(sigset, NULL);

static int change(__typeof__(&sigaction) real, int sig, const struct sigaction *act, struct sigaction *before)
{
	int result;

	if (!real) {
		errno = ENOSYS;
		return -1;
	}
	if (!rm_crash_watches(sig))
		return real(sig, act, before);
	result = real(sig, act, before);
	if (result == 0 && before)
		rm_crash_show(before);
	if (result == 0 && act)
		rm_crash_changed(sig);
	return result;
}

RM_EXPORT int sigaction(int sig, const struct sigaction *act, struct sigaction *before)
{
	return change(RM_LATE(sigaction), sig, act, before);
}

static sighandler_t change_simply(sighandler_t (*real)(int, sighandler_t), int sig, sighandler_t handler)
{
	sighandler_t before;

	if (!real) {
		errno = ENOSYS;
		return SIG_ERR;
	}
	if (!rm_crash_watches(sig))
		return real(sig, handler);
	before = real(sig, handler);
	if (before == SIG_ERR)
		return before;
	rm_crash_changed(sig);
	return rm_crash_is_ours((const void *)before) ? SIG_DFL : before;
}

RM_EXPORT sighandler_t signal(int sig, sighandler_t handler)
{
	return change_simply(RM_LATE(signal), sig, handler);
}

RM_EXPORT sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	return change_simply(RM_LATE(sysv_signal), sig, handler);
}

RM_EXPORT sighandler_t sigset(int sig, sighandler_t handler)
{
	return change_simply(RM_LATE(sigset), sig, handler);
}

/* Other names of the same functions, two of which no header declares. */

int __sigaction(int sig, const struct sigaction *act, struct sigaction *before);
sighandler_t bsd_signal(int sig, sighandler_t handler);

RM_HOOK(__sigaction, NULL);
RM_EXPORT int __sigaction(int sig, const struct sigaction *act, struct sigaction *before)
{
	return change(RM_LATE(__sigaction), sig, act, before);
}

RM_HOOK(__sysv_signal, NULL);
RM_EXPORT sighandler_t __sysv_signal(int sig, sighandler_t handler)
{
	return change_simply(RM_LATE(__sysv_signal), sig, handler);
}

RM_HOOK(bsd_signal, NULL);
RM_EXPORT sighandler_t bsd_signal(int sig, sighandler_t handler)
{
	return change_simply(RM_LATE(bsd_signal), sig, handler);
}

RM_HOOK(ssignal, NULL);
RM_EXPORT sighandler_t ssignal(int sig, sighandler_t handler)
{
	return change_simply(RM_LATE(ssignal), sig, handler);
}
