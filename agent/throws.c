/*
 * See throws.h. The bound on what this costs is a rate: as many as REMORA_CPP_EXCEPTION_RATE a second, of the process, after
 * a quiet second that many at once. What is more than that, and what comes while another thread is at it, is counted as
 * an event that its span dropped. Functions are looked up by who exports the record.
 * Context: hook. Must never: call code of the program, as it may throw from under any lock.
 */
#include "agent/throws.h"

#include <stdatomic.h>

#include "agent/context.h"
#include "agent/events.h"
#include "agent/exception.h"
#include "agent/hookapi.h"
#include "agent/stacks.h"
#include "stack/stack.h"

static _Atomic uint64_t spent_until_ns; /* rm_stacks_admit */
/* Of the thread whose turn it is: rm_stacks_take. */
static struct rm_exception told;
static const void *told_object;
static rm_ctx told_ctx;

struct throw {
	const void *object, *type;
	rm_ctx ctx;
	bool told;
};

bool rm_throws_wanted(void)
{
	return rm_active() && rm_context_config()->throws;
}

static void tell(struct rm_stack *s, void *arg)
{
	struct throw *t = arg;

	rm_exception_begin(&told);
	if (!rm_stack_thrown(s, (uintptr_t)t->object, (uintptr_t)t->type, &told.type, &told.message))
		return;
	rm_stack_write(s, 0, &told.trace);
	rm_exception_give(&told, t->ctx);
	told_object = t->object;
	told_ctx = t->ctx;
	t->told = true;
}

void rm_thrown(struct rm_scope *s, const void *object, const void *type)
{
	struct throw t = { object, type, rm_context_current(s->thread, NULL), false };
	struct rm_exchange *e = t.ctx ? rm_ctx_exchange(t.ctx) : NULL;

	if (!e || !(e->ctx.flags & RM_FLAG_SAMPLED))
		return;
	if (!rm_stacks_admit(&spent_until_ns, rm_context_config()->throws_per_s) || !rm_stacks_take(tell, &t) || !t.told)
		rm_event_drop(t.ctx);
}

bool rm_thrown_told(const void *object, rm_ctx ctx)
{
	return object && object == told_object && ctx == told_ctx;
}
