/*
 * A process that crashes says so before it dies: the signal, the stack and, in C++, the exception that nobody caught become
 * an event of the request that its thread was at work on, and what waits is delivered. Only where REMORA_CRASH asks for
 * it, and only where the program leaves the signal to its default action. The rules are in docs/SAFETY.md (C1 to C9).
 */
#ifndef RM_AGENT_CRASH_H
#define RM_AGENT_CRASH_H

#include <signal.h>
#include <stdbool.h>

/* Takes the signals of crashes that have their default action. Once a process, with its first span. Context: hook. */
void rm_crash_arm(void);

/* Gives them back, before the process may make no more system calls. Context: app. */
void rm_crash_disarm(void);

/* ---- for the hooks of sigaction and its kin. Context: any ---- */

/* True of a signal that was taken, or would have been had it had its default action. */
bool rm_crash_watches(int sig);

/* After the program has set the action of such a signal: the default one is ours to replace. */
void rm_crash_changed(int sig);

bool rm_crash_is_ours(const void *handler);

/* Shows the action that was in place as the program left it. */
void rm_crash_show(struct sigaction *act);

#endif
