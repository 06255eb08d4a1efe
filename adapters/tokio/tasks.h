/* Whom each task of tokio works for. */
#ifndef RM_ADAPTERS_TOKIO_TASKS_H
#define RM_ADAPTERS_TOKIO_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/adapter_api.h"

/* What a task begins with, as tokio has it. */
struct rm_tokio_header {
	uintptr_t state;
	void *next;
	const uintptr_t *table;
};

enum { RM_TOKIO_JOIN_INTEREST = 8 }; /* of `state`: somebody has kept its JoinHandle */

/* Makes room. False: there is none. Context: app, once, before the others. */
bool rm_tokio_tasks_start(void);

/*
 * This thread runs a task from now on, whose table is `table`, until rm_tokio_polled gets what this returns. Context: app, on the
 * stack of the task's worker.
 */
uint32_t rm_tokio_poll(const struct rm_tokio_header *task, const uintptr_t *table);
void rm_tokio_polled(uint32_t before);

/*
 * This thread wakes whatever `what` is: a task, or what another waker than tokio's leads to; the code at `place` does so.
 * Context: as above.
 */
void rm_tokio_wake(const void *what, uintptr_t place);

/* The program got memory that may become a task. Context: as above. */
void rm_tokio_allocated(const void *p);

/* False once it is known that tasks lie where posix_memalign puts them. Context: any. */
bool rm_tokio_is_in_plain_memory(void);

/* The task that runs here read this request; it accepts connections. Context: hook. */
void rm_tokio_serves(rm_ctx ctx);
void rm_tokio_accepts(void);

/* See `runs` of struct rm_adapter. */
rm_ctx rm_tokio_runs(bool alone, enum rm_source *ret_how);

#endif
