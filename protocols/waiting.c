/*
 * See waiting.h. A ring that doubles up to what a stash may hold, RM_HEAD_MAX_BYTES. Its last place is kept
 * for what is only counted, so that a pipeline of any length stays in step with its answers.
 */
#include "protocols/waiting.h"

enum { FIRST_CAP = 64 };

static struct rm_waiting *ring(struct rm_sink *sink, uint32_t cap)
{
	return (void *)sink->on->stash(sink, RM_STASH_STREAMS, cap * (uint32_t)sizeof(struct rm_waiting));
}

struct rm_waiting *rm_waiting_ring(const struct rm_waiting_queue *q, struct rm_sink *sink)
{
	return q->cap ? ring(sink, q->cap) : NULL;
}

/* Makes room; what went round the end of the ring moves behind what stood before it. */
static bool grow(struct rm_waiting_queue *q, struct rm_sink *sink)
{
	uint32_t cap = q->cap ? 2u * q->cap : FIRST_CAP;
	struct rm_waiting *all = ring(sink, cap);
	uint32_t round;

	if (!all)
		return false;
	round = q->oldest + q->count > q->cap ? q->oldest + q->count - q->cap : 0;
	memcpy(all + q->cap, all, round * sizeof(*all));
	q->cap = (uint16_t)cap;
	return true;
}

/* One more of those that are only counted. */
static bool count(struct rm_waiting_queue *q, struct rm_sink *sink)
{
	struct rm_waiting *all = q->count ? ring(sink, q->cap) : NULL;
	struct rm_waiting *newest = all ? &all[rm_waiting_place(q, q->count - 1u)] : NULL;

	if (newest && !newest->x && newest->kind == RM_WAITING_PLAIN && newest->n < RM_WAITING_MAX) {
		newest->n++;
		return true;
	}
	if (!all || q->count == q->cap)
		return false;
	all[rm_waiting_place(q, q->count++)] = (struct rm_waiting){ .kind = RM_WAITING_PLAIN, .n = 1 };
	return true;
}

bool rm_waiting_add(struct rm_waiting_queue *q, struct rm_sink *sink, struct rm_waiting *w)
{
	struct rm_waiting *all;

	if (q->count + 1u >= q->cap && !grow(q, sink)) {
		if (w->kind != RM_WAITING_PLAIN || !q->cap)
			return false;
		if (w->x)
			sink->on->broken(sink, w->x, RM_STR(""));
		w->x = 0;
	}
	if (!w->x && w->kind == RM_WAITING_PLAIN && q->count)
		return count(q, sink);
	all = ring(sink, q->cap);
	if (!all)
		return false;
	all[rm_waiting_place(q, q->count++)] = *w;
	return true;
}

struct rm_waiting *rm_waiting_at(const struct rm_waiting_queue *q, struct rm_sink *sink, uint32_t i)
{
	struct rm_waiting *all = i < q->count ? ring(sink, q->cap) : NULL;

	return all ? &all[rm_waiting_place(q, i)] : NULL;
}

struct rm_waiting *rm_waiting_oldest(const struct rm_waiting_queue *q, struct rm_sink *sink)
{
	return rm_waiting_at(q, sink, 0);
}

void rm_waiting_pop(struct rm_waiting_queue *q, struct rm_sink *sink)
{
	struct rm_waiting *oldest = rm_waiting_oldest(q, sink);

	if (oldest && oldest->kind == RM_WAITING_PLAIN && oldest->n > 1) {
		oldest->n--;
		return;
	}
	rm_waiting_drop(q);
}
