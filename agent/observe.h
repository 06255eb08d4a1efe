/* What the agent makes of what a protocol sees: the sink of every connection. See observe.c. */
#ifndef RM_AGENT_OBSERVE_H
#define RM_AGENT_OBSERVE_H

#include "protocols/proto.h"

/* Fills in the agent's callbacks; `conn` of each is the struct rm_visit. */
void rm_observe_init(struct rm_sink *sink);

#endif
