/*
 * Operations that no connection carries: of a database inside the process (SQLite), look-ups of names;
 * requests whose connection is not seen (http3.h). One that goes on over several calls is kept under the address of what the
 * program calls it by, or under a word that no address is, in a table of limited size.
 * Context of all: hook, inside a visit.
 */
#ifndef RM_AGENT_LOCAL_H
#define RM_AGENT_LOCAL_H

#include "agent/adapter_api.h"
#include "agent/hookapi.h"
#include "base/str.h"

/* Is there any use in beginning one? Context: any. */
bool rm_local_wanted(void);

enum { RM_LOCAL_TEXT_BYTES = 4096 }; /* how much of a text is read; the rest is not shown */

/*
 * Begins one of SQLite that started at `start_ns`: its text, of which what is harmless is shown, and the database. Its
 * span has the parent that a request of this thread would have. 0: none.
 */
rm_ctx rm_local_begin(struct rm_thread *t, struct rm_str text, struct rm_str space, uint64_t start_ns);

/* Ends it. `error` is the number of what went wrong, empty: nothing; `space` the database if it was not known before. */
void rm_local_end(struct rm_thread *t, rm_ctx ctx, struct rm_str error, struct rm_str space, uint64_t end_ns);

/*
 * It goes on: keeps it under this address. False: there is no room, and it was dropped (counted). `seen_ns` 0: it is one
 * call, which is under way until it is taken.
 */
bool rm_local_keep(struct rm_thread *t, const void *key, rm_ctx ctx, uint64_t seen_ns);

/* A further call of it. False: nothing is kept under this address. */
bool rm_local_seen(const void *key, uint64_t seen_ns);

/* Takes it out of the table; 0: nothing is there. `ret_seen_ns` is when it was last seen. */
rm_ctx rm_local_take(const void *key, uint64_t *ret_seen_ns);

/* What was taken is over, and nobody knows how: no span, but a loss. 0 is allowed. */
void rm_local_drop(struct rm_thread *t, rm_ctx ctx);

/* Those whose key has this value behind the mask, and which began before that time. */
struct rm_local_range {
	uint64_t mask, value, before_ns;
};

/* Ends them with this error. */
void rm_local_cut_off(struct rm_thread *t, const struct rm_local_range *range, struct rm_str error);

/* Drops (counted) those whose key has this value behind the mask and whose `gone` says so of its lower half. */
void rm_local_sweep(struct rm_thread *t, uint64_t mask, uint64_t value, bool (*gone)(uint32_t));

/* The process is over: ends all that are kept, as they are. */
void rm_local_end_all(struct rm_thread *t);

#endif
