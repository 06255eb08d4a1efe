/* What the agent makes of what a protocol sees: the sink of every connection. See observe.c. */
#ifndef RM_AGENT_OBSERVE_H
#define RM_AGENT_OBSERVE_H

#include "agent/exchange.h"
#include "protocols/proto.h"

/* Fixes who a span is: trace and span id, sampling. Its parent is in e->parent. */
void rm_observe_identify(struct rm_random *random, uint32_t x, struct rm_exchange *e);

/* The agent's callbacks; `conn` of each is the struct rm_visit. */
extern const struct rm_sink_calls rm_observe;

#endif
