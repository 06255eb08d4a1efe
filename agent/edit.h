/*
 * What is changed in the heads of requests, as edits of the visit that feeds them: header lines of
 * HTTP/1, header blocks of HTTP/2. Context: hook, connection locked.
 */
#ifndef RM_AGENT_EDIT_H
#define RM_AGENT_EDIT_H

#include "agent/fields.h"
#include "agent/stream.h"

/*
 * Lets the program read `ctx` as the parent of a request that came in. Without room, or where it would
 * not be safe, the head stays as it is. False: it has a traceparent that stays.
 */
bool rm_edit_incoming(struct rm_visit *v, const struct rm_head *head, uint32_t blank_at,
		      const struct rm_fields *fields, const struct rm_spanctx *ctx);

/* What a request that goes out is to carry. */
struct rm_carried {
	const struct rm_spanctx *ctx;
	struct rm_str tracestate, baggage;
	const struct rm_fields *fields; /* of the head: what is there is not added again */
	bool replace; /* ... but for its one traceparent, in whose place ours is put */
};

/* False: not all of it could be put in. */
bool rm_edit_outgoing(struct rm_visit *v, const struct rm_head *head, uint32_t blank_at,
		      const struct rm_carried *what);

#endif
