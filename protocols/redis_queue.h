/*
 * The commands of one connection that wait for their answers, the oldest first. They lie in the stash
 * of the connection. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_REDIS_QUEUE_H
#define RM_PROTOCOLS_REDIS_QUEUE_H

#include "protocols/proto.h"

struct rm_redis_waiting {
	rm_xid x;
	uint32_t kind : 8;  /* enum rm_redis_kind */
	uint32_t n : 24;    /* SELECT: the database; SUBSCRIBE: answers due; PLAIN: how many such commands */
};

enum { RM_REDIS_N_MAX = (1 << 24) - 1 };

struct rm_redis_queue {
	uint16_t cap, oldest, count;
};

/*
 * Adds a command. Past the limit plain ones are counted without a name: then *x, which was not told of
 * yet, is forgotten and counted as lost. False: no memory, or the limit is reached by another kind.
 */
bool rm_redis_queue_add(struct rm_redis_queue *q, struct rm_sink *sink, struct rm_redis_waiting *w);

/* The oldest, NULL when none waits. */
struct rm_redis_waiting *rm_redis_queue_oldest(const struct rm_redis_queue *q, struct rm_sink *sink);

/* The oldest got its last answer. */
void rm_redis_queue_pop(struct rm_redis_queue *q, struct rm_sink *sink);

#endif
