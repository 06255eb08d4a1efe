/*
 * See alike.h. The records lie in one piece of text memory, in places of one size. Who is to be like one of them holds its place
 * (`users`), so that it stays until they are over; of the others the oldest makes room for a new one. A longer record
 * than a place has room for is not kept.
 *
 * In a forked child the exchanges of its parent hold places of the copied memory, and give them back as they are dropped.
 */
#include "agent/alike.h"

#include <string.h>

#include "agent/context.h"
#include "agent/identity.h"
#include "agent/outlet.h"
#include "agent/semconv.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

enum { PLACES = 5, PLACE_BYTES = 384, PART_BYTES = 512 };

/* The record of an operation that is over, and how much of it stood there before the outcome. */
struct place {
	uint32_t same, outcome; /* the protocol's numbers; 0: there is none here */
	uint32_t users;
	uint16_t told_bytes, attrs_left; /* ... and how many attributes it might still get */
	struct rm_span span;
	char text[PLACE_BYTES - 16 - sizeof(struct rm_span)];
};

struct places {
	struct place place[PLACES];
	uint32_t next; /* where a new one goes, if that is free */
	struct rm_parent parent; /* of operations, while a visit says that it is known: not there, as stacks are small */
};

_Static_assert(sizeof(struct place) == PLACE_BYTES && offsetof(struct place, span) % 8 == 0, "aligned as records are");
_Static_assert(sizeof(struct places) <= 2048, "a size that text memory has");

static struct places *places(const struct rm_conn *c)
{
	return (struct places *)(void *)rm_text_at(c->stash[RM_CONN_ALIKE]);
}

static struct place *place_of(const struct rm_conn *c, const struct rm_exchange *e)
{
	return &places(c)->place[e->alike - 1];
}

static struct place *find(struct places *all, uint32_t same)
{
	for (struct place *p = all->place; p < all->place + PLACES; p++)
		if (p->same == same)
			return p;
	return NULL;
}

/* What is this operation for? Within one feed() nothing of the program runs, and the answer stays what it is. */
static const struct rm_parent *parent_of(struct rm_visit *v)
{
	static const struct rm_spanctx none;
	struct rm_parent *parent = &places(v->conn)->parent;

	/* The first request of a connection has one more way to get a parent. */
	if (!v->parent_known)
		rm_context_resolve(v->thread, v->conn, &none, parent);
	else
		rm_context_resolved(parent);
	v->parent_known = v->conn->first_sent;
	return parent;
}

bool rm_alike_again(struct rm_sink *sink, void *conn, uint32_t same, rm_xid *ret)
{
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_exchange *e;
	struct place *p;
	uint32_t x;

	p = v->conn->stash[RM_CONN_ALIKE] ? find(places(v->conn), same) : NULL;
	if (!p || rm_log_topics())
		return false;
	if (!v->now_ns)
		v->now_ns = rm_clock_mono_ns();
	x = rm_exchange_begin(RM_KIND_CLIENT, v->now_ns, v->thread);
	*ret = x;
	if (!x)
		return true;
	e = rm_exchange_at(x);
	e->operation = true;
	rm_identity_adopt(v->thread, x, e, parent_of(v), NULL);
	if (!(e->ctx.flags & RM_FLAG_SAMPLED))
		return true;
	e->alike = (uint8_t)(p - places(v->conn)->place + 1);
	rm_exchange_promise(e);
	p->users++;
	if (e->tracestate_bytes)
		rm_alike_part(v, e);
	return true;
}

bool rm_alike_as_before(struct rm_sink *sink, rm_xid x, uint32_t same)
{
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_exchange *e = rm_exchange_at(x);
	struct place *p;

	if (!e->alike)
		return false;
	p = place_of(v->conn, e);
	if (p->outcome != same)
		return false;
	p->users--;
	e->alike = 0;
	if (atomic_load_explicit(&e->epoch, memory_order_relaxed) == rm_epoch()) {
		if (!v->now_ns)
			v->now_ns = rm_clock_mono_ns();
		rm_semconv_own(&p->span, e, v->thread);
		p->span.end_ns = p->span.start_ns + (v->now_ns - e->start_ns);
		rm_exchange_push(v->thread, &p->span);
	}
	rm_exchange_drop(x);
	return true;
}

void rm_alike_told(struct rm_exchange *e, uint32_t same, const char *parent_source)
{
	const struct rm_builder *b = &e->builder;

	/* A slow call's stack, a parent's state and by what it was found are a span's own. */
	if (!e->record || e->tracestate_bytes || parent_source || b->dropped ||
	    rm_context_config()->slow_stack_ns)
		return;
	e->same = same;
	e->told_bytes = (uint16_t)(b->at - (char *)b->record);
	e->attrs_left = (uint16_t)b->attrs_left;
}

/* Where a new record goes; NULL: all places are in use. */
static struct place *free_place(struct places *all)
{
	for (int i = 0; i < PLACES; i++) {
		struct place *p = &all->place[all->next];

		all->next = (all->next + 1) % PLACES;
		if (!p->users)
			return p;
	}
	return NULL;
}

static struct places *make(struct rm_conn *c)
{
	if (!c->stash[RM_CONN_ALIKE]) {
		c->stash[RM_CONN_ALIKE] = rm_text_get(sizeof(struct places));
		if (!c->stash[RM_CONN_ALIKE])
			return NULL;
		memset(places(c), 0, sizeof(struct places));
	}
	return places(c);
}

void rm_alike_keep(struct rm_conn *c, const struct rm_exchange *e, uint32_t same)
{
	struct rm_builder copy = e->builder;
	uint32_t bytes = (uint32_t)(copy.at - (char *)copy.record);
	struct places *all;
	struct place *p;

	if (bytes > PLACE_BYTES - offsetof(struct place, span) ||
	    (uint32_t)atomic_load_explicit(&e->events, memory_order_relaxed) ||
	    atomic_load_explicit(&e->dropped_events, memory_order_relaxed))
		return;
	all = make(c);
	p = all ? find(all, e->same) : NULL;
	if (!p && all)
		p = free_place(all);
	if (!p)
		return;
	memcpy(&p->span, copy.record, bytes);
	rm_builder_move(&copy, &p->span, PLACE_BYTES - offsetof(struct place, span));
	rm_builder_end(&copy);
	p->same = e->same;
	p->outcome = same;
	p->told_bytes = e->told_bytes;
	p->attrs_left = e->attrs_left;
}

void rm_alike_part(struct rm_visit *v, struct rm_exchange *e)
{
	struct place *p = place_of(v->conn, e);
	const char *attrs = rm_record_attrs(&p->span.record).p;
	size_t bytes = (size_t)((const char *)&p->span + p->told_bytes - attrs);

	p->users--;
	e->alike = 0;
	if (!rm_semconv_start(e, rm_context_config(), p->told_bytes + e->tracestate_bytes + PART_BYTES, rm_span_name(&p->span)))
		return;
	memcpy(e->builder.at, attrs, bytes);
	e->builder.at += bytes;
	e->builder.attrs_left = p->attrs_left;
}
