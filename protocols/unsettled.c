/* See unsettled.h. They stand in the order of time, so that what is settled in that order is found at once. */
#include "protocols/unsettled.h"

enum { FIRST_CAP = 24 };

struct place {
	uint64_t number;
	rm_xid x;
	uint32_t unused;
};

static struct place *places(struct rm_sink *sink, uint32_t cap)
{
	return (void *)sink->on->stash(sink, RM_STASH_REQUEST_TABLE, cap * (uint32_t)sizeof(struct place));
}

/* A place behind the last one. NULL: no memory, or too many. */
static struct place *make_room(struct rm_unsettled *u, struct rm_sink *sink)
{
	uint32_t cap = u->count < u->cap ? u->cap : u->cap ? 2u * u->cap : FIRST_CAP;
	struct place *all;

	cap = cap < RM_UNSETTLED_MAX ? cap : RM_UNSETTLED_MAX;
	all = u->count < cap ? places(sink, cap) : NULL;
	if (!all)
		return NULL;
	u->cap = (uint16_t)cap;
	if (u->first + u->count == cap) {
		memmove(all, all + u->first, u->count * sizeof(*all));
		u->first = 0;
	}
	return &all[u->first + u->count];
}

bool rm_unsettled_add(struct rm_unsettled *u, struct rm_sink *sink, uint64_t number, rm_xid x)
{
	struct place *p = make_room(u, sink);

	if (!p)
		return false;
	*p = (struct place){ .number = number, .x = x };
	u->count++;
	return true;
}

bool rm_unsettled_take(struct rm_unsettled *u, struct rm_sink *sink, uint64_t from, uint64_t to, rm_xid *ret)
{
	struct place *all = u->count ? places(sink, u->cap) : NULL, *p = all ? all + u->first : NULL;

	for (uint32_t i = 0; p && i < u->count; i++) {
		if (p[i].number < from || p[i].number > to)
			continue;
		*ret = p[i].x;
		u->count--;
		if (i == 0)
			u->first++;
		else
			memmove(p + i, p + i + 1, (u->count - i) * sizeof(*p));
		return true;
	}
	return false;
}
