/*
 * The lock of the loader's list, which a walk over the list takes and glibc does not free in a child: one
 * that a thread held while another one forked is taken there for ever.
 */
#ifndef RM_BASE_LOADER_LOCK_H
#define RM_BASE_LOADER_LOCK_H

#include <stdbool.h>

/* Finds out where the loader keeps it. Context: init. */
void rm_loader_lock_learn(void);

/*
 * True when who wants the lock gets it: its holder, if any, is a thread of this process. In a forked child
 * of a process that did not learn where it is: false. Context: hook.
 */
bool rm_loader_lock_is_live(void);

/*
 * True when the calling thread has it: it runs a signal handler in the middle of a change of the list, which is no time to
 * walk over it, or is in a walk. False where it is not known where the lock is. Context: hook.
 */
bool rm_loader_lock_is_mine(void);

#endif
