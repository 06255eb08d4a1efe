/*
 * The stack of who waited for a slow call, as an attribute of its span. Only where REMORA_SLOW_STACK asks for it.
 * Context of both: hook. Spec: semantic conventions, general/attributes.md, code.stacktrace.
 */
#ifndef RM_AGENT_SLOW_H
#define RM_AGENT_SLOW_H

#include "agent/exchange.h"

/* A call is sent by this thread. */
void rm_slow_begin(struct rm_exchange *e, struct rm_thread *t);

/* It ends on this thread, and its record is about to. */
void rm_slow_end(struct rm_exchange *e, uint64_t end_ns, struct rm_thread *t);

#endif
