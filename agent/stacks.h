/*
 * Stacks of threads that go on. One at a time in a process, as libunwind has one memory here, and on a stack of its own,
 * as the thread's may be small; signals wait meanwhile. The rules are in docs/SAFETY.md (C11 to C16).
 */
#ifndef RM_AGENT_STACKS_H
#define RM_AGENT_STACKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rm_stack;

/* Runs on the other stack: must end, and not jump away. */
typedef void (*rm_stacks_fn)(struct rm_stack *s, void *arg);

/*
 * Takes the stack of the caller, without our own frames, and shows it to `fn`. False: another thread is at it, or there is
 * no memory; `fn` was not called. Context: hook, within a visit.
 */
bool rm_stacks_take(rm_stacks_fn fn, void *arg);

/*
 * Whether one more is due by a rate, of which a second may be spent in advance; `spent_until_ns` begins with 0. Context: any.
 */
bool rm_stacks_admit(_Atomic uint64_t *spent_until_ns, uint32_t per_s);

/* Waits for the thread that is at it, `wait_ns` at most, and lets none begin any more: the process dies. Context: hook. */
void rm_stacks_close(uint64_t wait_ns);

#endif
