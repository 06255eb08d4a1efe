/*
 * PostgreSQL's COPY FROM STDIN: which Syncs are answered. Context: hook, connection locked.
 * Spec: PostgreSQL, "Frontend/Backend Protocol", "COPY Operations".
 */
#ifndef RM_PROTOCOLS_PGSQL_COPY_H
#define RM_PROTOCOLS_PGSQL_COPY_H

#include "protocols/waiting.h"

struct rm_pgsql_copy {
	bool under_way; /* the server reads data, and the client has not sent all of it */
	bool ended;     /* the client has, since it last asked something */
	bool early;     /* Syncs were sent before that, which the server steps over */
};

/* What rm_waiting.n says of a Sync. */
enum { RM_PGSQL_SYNC = 1, RM_PGSQL_SYNC_BEHIND_COPY };

/* The client sent a question; CopyDone or CopyFail. */
void rm_pgsql_copy_asked(struct rm_pgsql_copy *c);
void rm_pgsql_copy_ended(struct rm_pgsql_copy *c);

/* It sent a Sync. How that waits; 0: it is not answered. */
uint32_t rm_pgsql_copy_sync(struct rm_pgsql_copy *c);

/*
 * The server begins to read data for the oldest question; `sync` is the kind of Syncs that wait, which are not answered if they were
 * sent before the data ended. False: something else was sent in between.
 */
bool rm_pgsql_copy_begins(struct rm_pgsql_copy *c, struct rm_waiting_queue *q, struct rm_sink *sink, uint32_t sync);

/*
 * The question of a COPY is answered. False: that failed, and nobody knows whether an early Sync was stepped over before or
 * ended the error.
 */
bool rm_pgsql_copy_answered(struct rm_pgsql_copy *c, bool failed);

#endif
