/*
 * Requests of HTTP/1 that are like one before: the same line, the same fields (rm_head.same), for the same peer. What their
 * spans say of the request is the same then, and is copied. Context: hook, connection locked.
 */
#ifndef RM_AGENT_REPEAT_H
#define RM_AGENT_REPEAT_H

#include "agent/config.h"
#include "agent/fields.h"
#include "agent/telemetry.h"
#include "base/worth.h"

struct rm_conn;
struct rm_exchange;
struct rm_memo;

enum { RM_REPEATS = 6, RM_REPEAT_LINE_BYTES = 256, RM_REPEAT_RECORD_BYTES = 640, RM_REPEAT_PEER_BYTES = 48 };

/* What is kept for the fields of heads of one number. */
struct rm_repeat {
	uint32_t same;            /* rm_head.same; 0: nothing */
	struct rm_fields fields;

	/* The record of a request, as it stood before the response ... */
	uint16_t told_bytes;      /* ... so long; 0: there is none */
	uint16_t attrs_left;
	uint16_t port_at;         /* where the peer's port is in it; 0: nowhere */
	uint8_t kind;             /* enum rm_span_kind */
	bool secure;              /* rm_conn.secure */
	bool path;                /* rm_peer.path */
	uint8_t peer_bytes;
	uint16_t line_bytes;
	struct rm_worth worth;
	char peer[RM_REPEAT_PEER_BYTES];
	char line[RM_REPEAT_LINE_BYTES];
	struct rm_span span;
	char attrs[RM_REPEAT_RECORD_BYTES - sizeof(struct rm_span)];
};

/* What is kept for the fields of a head, which are read by now. NULL: `memo` is, or the head has no number. */
struct rm_repeat *rm_repeat_of(struct rm_memo *memo, const struct rm_head *head);

/*
 * In the place of rm_semconv_request, where that would not be told how the parent was found: does what that does. False:
 * the request is none that is kept, and nothing was done.
 */
bool rm_repeat_request(struct rm_repeat *r, struct rm_exchange *e, const struct rm_config *c, const struct rm_conn *conn,
		       const struct rm_head *head);

/* After rm_semconv_request did it: keeps it for the next one. */
void rm_repeat_keep(struct rm_repeat *r, const struct rm_exchange *e, const struct rm_config *c, const struct rm_conn *conn,
		    const struct rm_head *head);

#endif
