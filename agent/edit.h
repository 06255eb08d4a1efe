/*
 * What is changed in heads, as edits of the visit that feeds them: header lines of
 * HTTP/1, header blocks of HTTP/2. Context: hook, connection locked.
 */
#ifndef RM_AGENT_EDIT_H
#define RM_AGENT_EDIT_H

#include "agent/fields.h"
#include "agent/stream.h"

/*
 * Lets the program read `ctx` as the parent of a request that came in. Without room, or where it would
 * not be safe, the head stays as it is. False: it has a traceparent, or without that propagator an
 * X-Amzn-Trace-Id, that stays.
 */
bool rm_edit_incoming(struct rm_visit *v, const struct rm_head *head, uint32_t blank_at,
		      const struct rm_fields *fields, const struct rm_spanctx *ctx);

/*
 * True when the head lists traceparent somewhere, as signatures do that cover it (AWS SigV4, RFC 9421): with
 * another value they would be wrong.
 */
bool rm_edit_may_be_signed(const struct rm_head *head);

/* What a request that goes out is to carry. */
struct rm_carried {
	const struct rm_spanctx *ctx;
	struct rm_str tracestate, baggage;
	const struct rm_fields *fields; /* of the head: what is there is not added again */
	bool replace; /* ... but for its one traceparent, in whose place ours is put, */
	bool replace_xray; /* ... and its one X-Amzn-Trace-Id, in which span and decision are */
};

/* False: not all of it could be put in. */
bool rm_edit_outgoing(struct rm_visit *v, const struct rm_head *head, uint32_t blank_at,
		      const struct rm_carried *what);

/*
 * Writes the frame that ends a header block anew, with `fields` at its end (rm_hpack_put wrote them), with `replace`
 * in the place of the block's one traceparent. False: nothing is changed.
 */
bool rm_edit_block(struct rm_visit *v, const struct rm_block *b, bool replace, struct rm_str fields);

/*
 * Adds the context of a message's exchange to what is sent, in its own envelope; `present` are the carriers that are there
 * already. False: not all of it could be put in.
 */
bool rm_edit_message(struct rm_visit *v, const struct rm_envelope *envelope, const struct rm_carriers *present,
		     const struct rm_exchange *e);

/* Adds the traceparent of an exchange to its query, as a comment. False: it is not certain that nothing else would change. */
bool rm_edit_query(struct rm_visit *v, const struct rm_envelope *envelope, const struct rm_exchange *e);

#endif
