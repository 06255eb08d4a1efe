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

#endif
