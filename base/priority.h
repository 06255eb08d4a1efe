/* How threads of ours share the processors with those of the program. */
#ifndef RM_BASE_PRIORITY_H
#define RM_BASE_PRIORITY_H

/*
 * The calling thread gives up what it was born with because of who started it: a real-time policy becomes the
 * default one, its nice value is no better than the process's own, that of its first thread, and it runs where that
 * one may. Below a filter of system calls (seccomp) all stays as it is. Context: worker, relay.
 */
void rm_priority_lower(void);

#endif
