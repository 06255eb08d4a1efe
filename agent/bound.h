/*
 * What adapters announced of the bytes that a client is about to send: from which byte on they belong to
 * which request. A driver of a database may put the commands of many requests into one write, and a write
 * may wait in the program for as long as it likes: a byte's number says whose it is in any case.
 *
 * Announcements wait in memory of their own until the bytes come; a connection without them has none.
 * Context of all: connection locked.
 */
#ifndef RM_AGENT_BOUND_H
#define RM_AGENT_BOUND_H

#include "agent/conn.h"

/*
 * From byte `at` on, counted from the connection's first one, what is sent belongs to `ctx` (0: to nobody
 * that is known) until another announcement says otherwise. It replaces those from that byte on. False: that
 * byte has passed, or there is no room; then nothing from there on is bound.
 */
bool rm_bound_put(struct rm_conn *c, uint64_t at, rm_ctx ctx);

/* Of the next `n` bytes to be sent, so many belong together; c->bound says to whom. */
size_t rm_bound_next(struct rm_conn *c, size_t n);

/* Forgets all of it. */
void rm_bound_clear(struct rm_conn *c);

#endif
