/*
 * The events of an exchange are a list that only grows, newest first, until it is taken as a whole. Its head
 * lies in one word with the generation of the exchange, so that an event whose exchange ended meanwhile
 * never gets into the one that came in its place. Lock-free: runs in any thread, also in signal handlers.
 */
#include "agent/events.h"

#include <string.h>

#include "agent/conn.h"
#include "agent/context.h"
#include "base/err.h"

/* What a piece of text memory holds while its event waits. */
struct waiting {
	rm_text next;
	uint32_t depth; /* of the list, from here on */
	struct rm_event event;
};

enum { LEAD_BYTES = offsetof(struct waiting, event) };

static struct waiting *at(rm_text text)
{
	return (struct waiting *)rm_text_at(text);
}

static uint32_t record_cap(rm_text text)
{
	size_t cap = rm_text_cap(text);

	return cap < RM_RECORD_MAX_BYTES ? (uint32_t)cap : RM_RECORD_MAX_BYTES;
}

bool rm_event_begin(struct rm_event_draft *d, size_t bytes, struct rm_str name, uint64_t time_ns)
{
	const struct rm_config *c = rm_context_config();

	d->text = rm_text_get(LEAD_BYTES + sizeof(struct rm_event) + name.n + 8 + bytes);
	if (!d->text)
		return false;
	d->builder.max_attrs = c->max_event_attrs;
	d->builder.max_value_bytes = c->max_value_chars;
	if (rm_builder_event(&d->builder, &at(d->text)->event, record_cap(d->text) - LEAD_BYTES, name, time_ns) == RM_OK)
		return true;
	rm_text_put(d->text);
	return false;
}

/*
 * The list may be taken meanwhile, and what was in it be somebody else's by now: the word that holds its head is
 * another one then, and what was read is thrown away.
 */
__attribute__((noinline)) RM_GLANCE static uint32_t depth_of(rm_text text)
{
	return text ? *(const volatile uint32_t *)&at(text)->depth : 0;
}

__attribute__((noinline)) RM_GLANCE static bool is_recorded(const struct rm_exchange *e)
{
	return *(const volatile rm_text *)&e->record != 0;
}

bool rm_event_give(struct rm_event_draft *d, rm_ctx ctx)
{
	struct rm_exchange *e = rm_ctx_exchange(ctx);
	uint64_t seen = e ? atomic_load(&e->events) : 0;
	struct waiting *w = at(d->text);

	rm_builder_end(&d->builder);
	while (e && is_recorded(e) && seen >> 32 == ctx >> 32) {
		w->next = (rm_text)seen;
		w->depth = depth_of(w->next) + 1;
		if (w->depth > rm_context_config()->max_events) {
			atomic_fetch_add(&e->dropped_events, 1);
			break;
		}
		if (atomic_compare_exchange_weak(&e->events, &seen, (seen & ~(uint64_t)UINT32_MAX) | d->text))
			return true;
	}
	rm_text_put(d->text);
	return false;
}

void rm_event_drop(rm_ctx ctx)
{
	struct rm_exchange *e = rm_ctx_exchange(ctx);

	if (e && is_recorded(e))
		atomic_fetch_add(&e->dropped_events, 1);
}

/* Takes the list, oldest first, and with it the right to add to it. */
static rm_text take(struct rm_exchange *e)
{
	uint64_t next_gen = (uint64_t)(atomic_load_explicit(&e->gen, memory_order_relaxed) + 1) << 32;
	rm_text newest = (rm_text)atomic_exchange(&e->events, next_gen), oldest = 0;

	while (newest) {
		rm_text older = at(newest)->next;

		at(newest)->next = oldest;
		oldest = newest;
		newest = older;
	}
	return oldest;
}

void rm_record_room(struct rm_exchange *e, size_t bytes)
{
	struct rm_builder *b = &e->builder;
	size_t used = (size_t)(b->at - (char *)b->record), want = used + bytes;
	rm_text larger;

	want = want < RM_RECORD_MAX_BYTES ? want : RM_RECORD_MAX_BYTES;
	if (want <= (size_t)(b->end - (char *)b->record))
		return;
	larger = rm_text_get(want);
	if (!larger)
		return;
	memcpy(rm_text_at(larger), b->record, used);
	rm_builder_move(b, rm_text_at(larger), record_cap(larger));
	rm_text_put(e->record);
	e->record = larger;
}

void rm_events_write(struct rm_exchange *e)
{
	uint32_t dropped = atomic_load_explicit(&e->dropped_events, memory_order_relaxed);
	struct rm_span *span;
	rm_text first, next;
	size_t bytes = 0;

	if (!(uint32_t)atomic_load_explicit(&e->events, memory_order_relaxed) && !dropped)
		return;
	first = take(e);
	for (rm_text t = first; t; t = at(t)->next)
		bytes += sizeof(struct rm_attr_head) + at(t)->event.record.bytes;
	rm_record_room(e, bytes);
	for (rm_text t = first; t; t = next) {
		rm_builder_add_event(&e->builder, &at(t)->event, rm_context_config()->max_events);
		next = at(t)->next;
		rm_text_put(t);
	}
	span = (struct rm_span *)e->builder.record;
	dropped += span->dropped_events;
	span->dropped_events = (uint16_t)(dropped < UINT16_MAX ? dropped : UINT16_MAX);
}

void rm_events_close(struct rm_exchange *e)
{
	rm_text next;

	for (rm_text t = take(e); t; t = next) {
		next = at(t)->next;
		rm_text_put(t);
	}
}
