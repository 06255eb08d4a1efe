/* See identity.h. Lock-free. */
#include "agent/identity.h"

#include <string.h>

#include "agent/outlet.h"
#include "agent/sampler.h"
#include "agent/threshold.h"
#include "agent/xray_sampler.h"
#include "base/clock.h"

static struct rm_threshold threshold; /* of this process */

static void new_trace_id(struct rm_random *random, uint8_t ret[16])
{
	uint64_t high = rm_random_u64(random), low = rm_random_u64(random);

	memcpy(ret, &high, 8);
	memcpy(ret + 8, &low, 8);
	if (rm_context_config()->time_ids)
		rm_trace_id_date(ret, rm_clock_wall_ns());
}

struct rm_str rm_identity_fix(struct rm_thread *t, uint32_t x, struct rm_exchange *e, const struct rm_head *head)
{
	const struct rm_config *config = rm_context_config();
	struct rm_str rule = { NULL, 0 };
	bool sampled;

	e->ctx.valid = true;
	e->ctx.sampled_known = true;
	e->ctx.debug = e->parent.debug;
	if (e->parent.valid) {
		memcpy(e->ctx.trace_id, e->parent.trace_id, 16);
		e->ctx.flags = e->parent.flags & RM_FLAG_RANDOM;
	} else if (e->parent.trace_only) {
		memcpy(e->ctx.trace_id, e->parent.trace_id, 16);
		e->ctx.flags = 0;
	} else {
		new_trace_id(&t->random, e->ctx.trace_id);
		e->ctx.flags = RM_FLAG_RANDOM;
	}
	rm_exchange_span_id(x, &t->random, e->ctx.span_id);
	if (config->sampler == RM_SAMPLER_PARENT_XRAY && !rm_sampled_by_parent(config, &e->parent))
		sampled = rm_xray_sampled(t, head, &rule);
	else if (rm_threshold_is_used(config) && !rm_sampled_by_parent(config, &e->parent))
		sampled = rm_threshold_decide(&threshold, config, e->ctx.trace_id, e->start_ns, rm_outlet_crowded(), &e->threshold);
	else
		sampled = rm_sampled(config, &e->parent, e->ctx.trace_id);
	e->ctx.flags |= sampled ? RM_FLAG_SAMPLED : 0;
	return rule;
}

struct rm_str rm_identity_adopt(struct rm_thread *t, uint32_t x, struct rm_exchange *e, const struct rm_parent *parent,
			       const struct rm_head *head)
{
	struct rm_str rule;

	e->parent = parent->ctx;
	e->parent_remote = parent->remote;
	rule = rm_identity_fix(t, x, e, head);
	rm_exchange_carry(e, parent->tracestate, parent->baggage);
	if (!rm_parent_lives(parent))
		rm_exchange_carry_nothing(e);
	atomic_store_explicit(&e->phase, RM_PHASE_OPEN, memory_order_release);
	return rule;
}
