/*
 * Who a span is: its trace, its own id, whether it is sampled, and by which rule. Context: hook.
 */
#ifndef RM_AGENT_IDENTITY_H
#define RM_AGENT_IDENTITY_H

#include "agent/context.h"
#include "agent/exchange.h"
#include "protocols/proto.h"

/*
 * Fixes trace and span id, and sampling. Its parent is in e->parent. `head` is the request that it begins with; NULL:
 * something else. Returns the name of the rule by which it was sampled, if one was, to be copied at once.
 */
struct rm_str rm_identity_fix(struct rm_thread *t, uint32_t x, struct rm_exchange *e, const struct rm_head *head);

/*
 * Places the exchange's span, of whatever kind, below this parent: who it is, what it carries on, that it is open.
 * `head` and the result as above.
 */
struct rm_str rm_identity_adopt(struct rm_thread *t, uint32_t x, struct rm_exchange *e, const struct rm_parent *parent,
				const struct rm_head *head);

#endif
