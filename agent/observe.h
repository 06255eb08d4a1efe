/* What the agent makes of what a protocol sees: the sink of every connection. See observe.c. */
#ifndef RM_AGENT_OBSERVE_H
#define RM_AGENT_OBSERVE_H

#include "agent/context.h"
#include "agent/exchange.h"
#include "protocols/proto.h"

struct rm_visit;

enum { RM_TRACESTATES_BYTES = RM_TRACESTATE_MAX_BYTES * 4 /* of several headers, before they are cut */ };

/* Says by debug messages whose a span is. */
void rm_observe_log(const struct rm_visit *v, const struct rm_exchange *e);

/* The agent's callbacks; `conn` of each is the struct rm_visit. */
extern const struct rm_sink_calls rm_observe;

#endif
