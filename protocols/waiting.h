/*
 * What was asked on one connection and waits for its answer, the oldest first, in protocols that answer in
 * order. It lies in the stash of the connection. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_WAITING_H
#define RM_PROTOCOLS_WAITING_H

#include "protocols/proto.h"

struct rm_waiting {
	rm_xid x;
	uint32_t kind : 8;  /* the protocol's own, or plain */
	uint32_t n : 24;    /* the protocol's own, from 1 on; of plain ones: how many they are */
};

enum { RM_WAITING_PLAIN = 0, RM_WAITING_MAX = (1 << 24) - 1 };

struct rm_waiting_queue {
	uint16_t cap, oldest, count;
};

/*
 * Adds a question. Past the limit plain ones are counted without a name: then *x, which was not told of
 * yet, is forgotten and counted as lost. False: no memory, or the limit is reached by another kind.
 */
bool rm_waiting_add(struct rm_waiting_queue *q, struct rm_sink *sink, struct rm_waiting *w);

/* The oldest, NULL when none waits. */
struct rm_waiting *rm_waiting_oldest(const struct rm_waiting_queue *q, struct rm_sink *sink);

/* The one that was asked `i` after the oldest, NULL when there is none. */
struct rm_waiting *rm_waiting_at(const struct rm_waiting_queue *q, struct rm_sink *sink, uint32_t i);

/*
 * The same without asking for the memory each time: of a queue that has a question, or had one, it stays where it is until
 * another function here is called that has the sink. NULL: it has none.
 */
struct rm_waiting *rm_waiting_ring(const struct rm_waiting_queue *q, struct rm_sink *sink);

/* True where a question with a name finds room. */
static inline bool rm_waiting_has_room(const struct rm_waiting_queue *q)
{
	return q->count + 1u < q->cap;
}

/* The place of the one that was asked `i` after the oldest: `cap` is a power of two. */
static inline uint32_t rm_waiting_place(const struct rm_waiting_queue *q, uint32_t i)
{
	return (q->oldest + i) & (q->cap - 1u);
}

/* One that is there with a name, or one alone, got its last answer. */
static inline void rm_waiting_drop(struct rm_waiting_queue *q)
{
	q->oldest = (uint16_t)rm_waiting_place(q, 1);
	q->count--;
}

/* The oldest got its last answer. */
void rm_waiting_pop(struct rm_waiting_queue *q, struct rm_sink *sink);

#endif
