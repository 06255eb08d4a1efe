/*
 * What the two directions of Redis share: the connection, and the bytes that it is fed. See redis.c.
 * Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_REDIS_H
#define RM_PROTOCOLS_REDIS_H

#include <string.h>

#include "protocols/redis_names.h"
#include "protocols/resp.h"
#include "protocols/waiting.h"

enum {
	RM_REDIS_WORD_BYTES = 24,
	RM_REDIS_RECENT = 4,
	RM_REDIS_DATABASE_MAX = 0xffff,
	RM_REDIS_DATABASE_UNKNOWN = -1,
};

struct rm_redis_word {
	uint8_t n;
	char text[RM_REDIS_WORD_BYTES];
};

struct rm_redis {
	struct rm_resp way[2];    /* by enum rm_dir */
	struct rm_waiting_queue queue;
	bool muted;

	/* The command on its way. */
	bool asking;
	rm_xid x;
	uint32_t args, args_left;
	struct rm_redis_word words[RM_RESP_WORDS]; /* the first of them */
	bool multi;               /* a transaction is being put together ... */
	uint32_t queued;          /* ... of so many commands */
	uint64_t recent[RM_REDIS_RECENT];  /* words that were looked up, and ... */
	uint16_t found[RM_REDIS_RECENT];   /* ... numbers of their commands; 0: none */

	/* The answer on its way. */
	bool answering, attribute, failed;
	uint8_t top;              /* type of its outermost item */
	uint64_t items_left;      /* of it, or of the attribute */
	struct rm_redis_word first;        /* the first text in it, where that matters */
	int64_t last;             /* the last integer in it */
	bool resp3, pubsub;       /* in RESP2, after a subscription was asked for, an array may be a push ... */
	uint8_t subscribed;       /* ... while the connection is subscribed: bits, see confirms */
	int32_t database;
};

_Static_assert(sizeof(struct rm_redis) <= RM_CONN_STATE_BYTES, "as any protocol");

struct rm_redis_feed {
	struct rm_redis *r;
	const char *p;
	size_t n, at;
	struct rm_sink *sink;
	void *conn;
	struct rm_waiting *ring;  /* of the queue, once it was asked for, until it is asked for elsewhere than there */
};

static inline void rm_redis_put_word(struct rm_redis_word *w, const char *text, size_t n)
{
	/* A word that does not fit is none of those we know; its length says so. */
	w->n = (uint8_t)(n < RM_REDIS_WORD_BYTES ? n : RM_REDIS_WORD_BYTES);
	memcpy(w->text, text, w->n);
}

static inline bool rm_redis_is_word(const struct rm_redis_word *w, struct rm_str text)
{
	return rm_str_ieq((struct rm_str){ w->text, w->n }, text);
}

static inline struct rm_waiting *rm_redis_ring(struct rm_redis_feed *f)
{
	if (!f->ring)
		f->ring = rm_waiting_ring(&f->r->queue, f->sink);
	return f->ring;
}

/* Takes in what the server sent. False: it cannot be followed. */
bool rm_redis_answers(struct rm_redis_feed *f);

#endif
