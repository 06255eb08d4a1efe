/*
 * What the protocol will see in bytes that a server is about to send. It is asked before the call, for what is to
 * be put into heads; what the kernel takes in the end is fed afterwards, as if nobody had asked.
 * Context: hook, connection locked.
 */
#ifndef RM_AGENT_FORESEE_H
#define RM_AGENT_FORESEE_H

#include <sys/uio.h>

#include "agent/stream.h"

/* Told of each final response head that fields can be added to; may note one edit in the visit. */
typedef void rm_foreseen_fn(struct rm_visit *v, const struct rm_exchange *e, const struct rm_head *head);

/*
 * Feeds the bytes from offset `from` of the scattered memory to a copy of the protocol's state, which is thrown
 * away, and notes the edits in c->pending, where none may be; c->ahead says how many bytes go with them:
 * all, or fewer where there may be more edits behind those. Without an edit, where memory cannot be read or
 * lent, and where the bytes are not understood, there are none, and the result is false.
 * The connection's protocol must have header blocks in responses (rm_proto.unread_response).
 */
bool rm_foresee(struct rm_conn *c, struct rm_thread *t, const struct iovec *iov, int count, size_t from,
		rm_foreseen_fn *told);

#endif
