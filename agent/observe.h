/* What the agent makes of what a protocol sees: the sink of every connection. See observe.c. */
#ifndef RM_AGENT_OBSERVE_H
#define RM_AGENT_OBSERVE_H

#include "agent/context.h"
#include "agent/exchange.h"
#include "protocols/proto.h"

/* The agent's callbacks; `conn` of each is the struct rm_visit. */
extern const struct rm_sink_calls rm_observe;

#endif
