/*
 * Where connections lie. What few of them need lies apart, by the same number, so that the others' part of it is never
 * touched: edits of bytes on their way out, and states of protocols that keep much. Context: hook.
 */
#ifndef RM_AGENT_CONN_POOL_H
#define RM_AGENT_CONN_POOL_H

#include "agent/conn.h"

/*
 * One that nobody uses, with its number, generation, `pending` and what its last user left; who has an old number of it finds no
 * reference. NULL: no memory.
 */
struct rm_conn *rm_conn_get(void);

/* Gives it back. The caller has the only use of it. */
void rm_conn_put(uint32_t number);

/* Makes c->state that many bytes, all 0. False: no memory, or they are more than there may be. Lock held. */
bool rm_conn_room(struct rm_conn *c, uint32_t bytes);

#endif
