/*
 * Requests that the program reads with the context of their sender in them, since ours could not be written there: the
 * head came in pieces, a compression table has it, a signature may cover it. Who forwards what it read forwards that
 * context, so it leads back to the request as long as no other one that is being served came in with it.
 */
#ifndef RM_AGENT_UNWRITTEN_H
#define RM_AGENT_UNWRITTEN_H

#include "agent/exchange.h"

/* SERVER exchange `x`, whose parent is known, is one of these. Context: hook. */
void rm_unwritten_note(uint32_t x);

/* The one live request of these that came in with this context; 0: none, or nobody can tell. Context: hook. */
rm_ctx rm_unwritten_find(const struct rm_spanctx *in);

/* An exchange that is `unlisted` ends. Context: hook. */
void rm_unwritten_forget(void);

#endif
