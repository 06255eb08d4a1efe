/*
 * What an edited call gives to the kernel next, and what follows from how much of it the kernel took.
 * See agent/tx.c.
 */
#ifndef RM_AGENT_TX_PLAN_H
#define RM_AGENT_TX_PLAN_H

#include "agent/conn.h"
#include "agent/hookapi.h"
#include "agent/stream.h"

enum { RM_TX_PIECES = 2 * RM_TX_EDITS + 8 };

struct rm_tx_plan {
	struct iovec iov[RM_TX_PIECES];
	bool text[RM_TX_PIECES]; /* of an edit, in their order; else the program's own bytes */
	int count;
};

/*
 * Lays out the call's bytes from `offset` as far as they are parsed, with the pending edits between
 * them. A plan that is full just sends less. Context: hook.
 */
void rm_tx_lay_out(struct rm_tx_plan *p, const struct rm_conn *c, const struct rm_tx *tx, size_t offset);

/*
 * The kernel took `n` bytes of the plan: edits that are whole are done. Returns how many bytes of the
 * program that makes. Context: hook.
 */
size_t rm_tx_settle(struct rm_conn *c, const struct rm_tx_plan *p, size_t n);

/*
 * Takes over the visit's edits, of sockets and of TLS sessions; their offsets count from the first byte
 * not parsed before. Context: hook.
 */
void rm_pending_adopt(struct rm_conn *c, struct rm_visit *v);

/* `n` bytes of the program went on their way: what was ahead of them is nearer. Context: hook. */
void rm_pending_advance(struct rm_conn *c, size_t n);

/* Of the program's bytes that an edit replaces, those that are still to be offered. Context: hook. */
uint32_t rm_pending_left(const struct rm_pending *e);

#endif
