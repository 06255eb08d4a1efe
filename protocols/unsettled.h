/*
 * Messages that were sent and that the broker has yet to settle, by a number of the protocol's: it may do so in any order.
 * They lie in the stash of the connection. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_UNSETTLED_H
#define RM_PROTOCOLS_UNSETTLED_H

#include "protocols/proto.h"

enum { RM_UNSETTLED_MAX = RM_HEAD_MAX_BYTES / 16 };

struct rm_unsettled {
	uint16_t cap, first, count; /* places in the stash: there, and in use from the first one on */
};

/* Adds one. False: no memory, or too many wait. */
bool rm_unsettled_add(struct rm_unsettled *u, struct rm_sink *sink, uint64_t number, rm_xid x);

/* Takes the oldest whose number is between these two, both included. False: there is none. */
bool rm_unsettled_take(struct rm_unsettled *u, struct rm_sink *sink, uint64_t from, uint64_t to, rm_xid *ret);

#endif
