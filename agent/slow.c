/*
 * See slow.h. The stack at the end of a call is that of who sent it only where the thread did nothing but wait for it: the
 * same thread, which has not been in an event loop meanwhile. Else there is none, as it would be that of the loop.
 *
 * That is told by one number, of where the thread's block is and how often it waited. A thread counts from a random one on, so that
 * one that has the memory of a thread that ended is not taken for it. What the rate leaves out is counted as an attribute that the
 * span dropped.
 */
#include "agent/slow.h"

#include "agent/context.h"
#include "agent/events.h"
#include "agent/stacks.h"
#include "stack/stack.h"

enum { STACKS_PER_S = 10, TEXT_BYTES = 10 * 1024, WAITS_BITS = 16 };

static _Atomic uint64_t spent_until_ns; /* rm_stacks_admit */

/* Addresses of programs have 48 bits at most; with more, two threads might be taken for one if they had waited as often. */
static uint64_t state_of(const struct rm_thread *t)
{
	return (uint64_t)(uintptr_t)t << WAITS_BITS | t->waits;
}

void rm_slow_begin(struct rm_exchange *e, struct rm_thread *t)
{
	if (!rm_context_config()->slow_stack_ns)
		return;
	if (!t->waits)
		t->waits = (uint16_t)rm_random_u64(&t->random);
	e->asked = state_of(t);
}

static void add(struct rm_stack *s, void *arg)
{
	static char room[TEXT_BYTES]; /* of the thread whose turn it is */
	struct rm_exchange *e = arg;
	struct rm_strbuf text;

	rm_strbuf_init(&text, room, sizeof(room));
	rm_stack_write(s, 0, &text);
	if (text.n == 0) {
		e->builder.dropped++;
		return;
	}
	rm_record_room(e, text.n + sizeof(struct rm_attr_head) + sizeof(uint64_t));
	rm_builder_str(&e->builder, RM_KEY_CODE_STACKTRACE, rm_strbuf_view(&text));
	((struct rm_span *)e->builder.record)->bits |= RM_SPAN_HAS_STACK;
}

void rm_slow_end(struct rm_exchange *e, uint64_t end_ns, struct rm_thread *t)
{
	uint64_t limit_ns = rm_context_config()->slow_stack_ns;

	if (!limit_ns || e->kind != RM_KIND_CLIENT || !e->record || end_ns - e->start_ns < limit_ns || e->asked != state_of(t) ||
	    e->epoch != rm_epoch())
		return;
	if (!rm_stacks_admit(&spent_until_ns, STACKS_PER_S) || !rm_stacks_take(add, e))
		e->builder.dropped++;
}
