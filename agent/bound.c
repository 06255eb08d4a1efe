/* A queue of announcements in text memory that grows with it. Owned by the connection. See bound.h. */
#include "agent/bound.h"

#include <string.h>

struct mark {
	uint64_t at;
	rm_ctx ctx;
};

static struct mark *marks(const struct rm_conn *c)
{
	return (struct mark *)(void *)rm_text_at(c->marks);
}

/* Nothing waits: the memory goes back. */
static void empty(struct rm_conn *c)
{
	rm_text_put(c->marks);
	c->marks = 0;
	c->mark_first = c->mark_count = 0;
}

void rm_bound_clear(struct rm_conn *c)
{
	empty(c);
	c->bound = 0;
}

/* Room for one more at the end. False: none is to be had. */
static bool make_room(struct rm_conn *c)
{
	size_t bytes = c->mark_count * sizeof(struct mark);
	rm_text grown;

	if (c->marks && (c->mark_first + c->mark_count + 1) * sizeof(struct mark) <= rm_text_cap(c->marks))
		return true;
	if (c->mark_first && c->mark_first >= c->mark_count) {
		memmove(marks(c), marks(c) + c->mark_first, bytes);
		c->mark_first = 0;
		return true;
	}
	grown = rm_text_get(c->marks ? rm_text_cap(c->marks) + 1 : sizeof(struct mark));
	if (!grown)
		return false;
	if (c->marks)
		memcpy(rm_text_at(grown), marks(c) + c->mark_first, bytes);
	rm_text_put(c->marks);
	c->marks = grown;
	c->mark_first = 0;
	return true;
}

bool rm_bound_put(struct rm_conn *c, uint64_t at, rm_ctx ctx)
{
	rm_ctx before = c->bound;

	if (at < c->sent) {
		rm_bound_clear(c);
		return false;
	}
	while (c->mark_count && marks(c)[c->mark_first + c->mark_count - 1].at >= at)
		c->mark_count--;
	if (c->mark_count)
		before = marks(c)[c->mark_first + c->mark_count - 1].ctx;
	if (before == ctx)
		return true;
	if (at > c->sent && !make_room(c)) {
		/* What was announced last has no end: it is taken back. */
		rm_bound_clear(c);
		return false;
	}
	if (at > c->sent) {
		marks(c)[c->mark_first + c->mark_count++] = (struct mark){ at, ctx };
		return true;
	}
	rm_bound_clear(c);
	c->bound = ctx;
	return true;
}

size_t rm_bound_next(struct rm_conn *c, size_t n)
{
	const struct mark *first;

	for (;;) {
		if (!c->mark_count)
			return n;
		first = marks(c) + c->mark_first;
		if (first->at > c->sent)
			return first->at - c->sent < n ? (size_t)(first->at - c->sent) : n;
		c->bound = first->ctx;
		c->mark_first++;
		if (--c->mark_count == 0)
			empty(c);
	}
}
