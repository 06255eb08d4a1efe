/*
 * See unwritten.h. A short list, since such requests are few: each place holds the name of one, which is dead once the
 * request is served. One that finds no place is counted while it lives; until it ends nobody is found, as it may be the
 * one that is asked for. Runs in hooks; lock-free. What a fork leaves counted finds nobody in the child.
 */
#include "agent/unwritten.h"

#include <string.h>

enum { PLACES = 64 };

static _Atomic rm_ctx places[PLACES];
static _Atomic uint32_t unlisted;

void rm_unwritten_note(uint32_t x)
{
	rm_ctx ctx = rm_exchange_ctx(x);

	for (int i = 0; i < PLACES; i++) {
		rm_ctx was = atomic_load_explicit(&places[i], memory_order_relaxed);

		if (!rm_ctx_exchange(was) && atomic_compare_exchange_strong(&places[i], &was, ctx))
			return;
	}
	rm_exchange_at(x)->unlisted = true;
	atomic_fetch_add(&unlisted, 1);
}

void rm_unwritten_forget(void)
{
	atomic_fetch_sub(&unlisted, 1);
}

static bool came_with(const struct rm_exchange *e, const struct rm_spanctx *in)
{
	return e->kind == RM_KIND_SERVER && e->parent.valid && memcmp(e->parent.span_id, in->span_id, 8) == 0 &&
	       memcmp(e->parent.trace_id, in->trace_id, 16) == 0;
}

rm_ctx rm_unwritten_find(const struct rm_spanctx *in)
{
	rm_ctx ret = 0;

	for (int i = 0; i < PLACES; i++) {
		rm_ctx ctx = atomic_load_explicit(&places[i], memory_order_relaxed);
		const struct rm_exchange *e = rm_ctx_exchange(ctx);

		if (!e || !came_with(e, in))
			continue;
		if (ret)
			return 0;
		ret = ctx;
	}
	return atomic_load(&unlisted) ? 0 : ret;
}
