/*
 * Operations that are alike, as those of a pipeline are: their records differ in nothing but ids, times and flags. The first of
 * each kind is told of in full; its record stays with the connection, and those that follow are made of it when they
 * are over. Until then they have none, and no memory for one.
 *
 * The protocol says what is alike, by numbers that it gives (struct rm_operation, struct rm_outcome). What turns out
 * otherwise gets a record of its own then, and goes on as any other. Context of all: hook, connection locked.
 */
#ifndef RM_AGENT_ALIKE_H
#define RM_AGENT_ALIKE_H

#include "agent/stream.h"

/* As struct rm_sink_calls has them. */
bool rm_alike_again(struct rm_sink *sink, void *conn, uint32_t same, rm_xid *ret);
bool rm_alike_as_before(struct rm_sink *sink, rm_xid x, uint32_t same);

/* An operation with a number was told of, and its record is complete so far: may it become what others are made of? */
void rm_alike_told(struct rm_exchange *e, uint32_t same, const char *parent_source);

/* Keeps a copy of its record, which may. Behind the outcome, whose number is `same`. */
void rm_alike_keep(struct rm_conn *c, const struct rm_exchange *e, uint32_t same);

/* An exchange that was to be like one before gets a record of its own. Without memory it has none, and is counted. */
void rm_alike_part(struct rm_visit *v, struct rm_exchange *e);

#endif
