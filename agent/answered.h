/*
 * Which of a process's requests it has begun to answer, for the children that it forks while it serves them: memory
 * that is shared with them and holds nothing but generations.
 */
#ifndef RM_AGENT_ANSWERED_H
#define RM_AGENT_ANSWERED_H

#include <stdbool.h>
#include <stdint.h>

enum { RM_ANSWERED_MAX = 16384 }; /* exchanges: their numbers are 1 to this */

/*
 * Before a child can be forked for a request: maps the memory, once in a process. Without it children of this
 * process know nothing of its requests. Context: hook.
 */
void rm_answered_begin(void);

/* Exchange `x` of this process is being answered. Context: hook. */
void rm_answered_mark(uint32_t x, uint32_t gen);

/*
 * Of an exchange that was begun by an earlier process than this one, at `epoch`: true when that process has
 * begun to answer it, or nobody can tell. Context: any.
 */
bool rm_answered_before(uint32_t epoch, uint32_t x, uint32_t gen);

/* True when this process was forked off the very one that began exchanges at `epoch`. Context: any. */
bool rm_answered_by_parent(uint32_t epoch);

/* In a forked child, after rm_epoch() has changed. Context: hook, one thread. */
void rm_answered_forked(uint32_t parents_epoch);

#endif
