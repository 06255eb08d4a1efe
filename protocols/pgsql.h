/*
 * PostgreSQL's protocol 3, what its sources share: pgsql.c asks, pgsql_start.c begins a connection, pgsql_join.c
 * goes on with one, pgsql_answer.c reads what is answered. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_PGSQL_H
#define RM_PROTOCOLS_PGSQL_H

#include "protocols/frame.h"
#include "protocols/pgsql_copy.h"
#include "protocols/prepared.h"

enum rm_pgsql_phase { RM_PGSQL_STARTUP, RM_PGSQL_ASKED, RM_PGSQL_MESSAGES, RM_PGSQL_MUTED };

/* What waits for an answer. */
enum rm_pgsql_kind { RM_PGSQL_ANY_SYNC = 1, RM_PGSQL_QUERY, RM_PGSQL_EXECUTE, RM_PGSQL_CALL };

enum {
	RM_PGSQL_LENGTH_BYTES = 4, /* the length counts itself */
	RM_PGSQL_BODY_MAX_BYTES = 1 << 30,
	RM_PGSQL_START_MAX_BYTES = 10000,
	RM_PGSQL_STATE_BYTES = 5,
};

struct rm_pgsql {
	struct rm_frame way[2]; /* by enum rm_dir */
	struct rm_waiting_queue queue;
	struct rm_prepared table;
	uint8_t phase;
	bool asked_tls;
	bool started;     /* the server was ready once */
	bool joined;      /* the connection was there before us: a name may be something else's */
	bool unproved;    /* so it is, and the server was not ready since */
	bool asking;      /* a request is on its way that is not told of whole ... */
	rm_xid x;         /* ... and its exchange, up to its last byte */
	bool failed;      /* what is being answered */
	bool skips;       /* the server skips messages up to the next Sync */
	struct rm_pgsql_copy copy;
	uint8_t space_n, sqlstate_n;
	char sqlstate[RM_PGSQL_STATE_BYTES];
	char space[RM_PREPARED_NAME_BYTES];
};

_Static_assert(sizeof(struct rm_pgsql) <= RM_CONN_STATE_BYTES, "as any protocol");

/* Only what starts a connection has no type. */
static inline bool rm_pgsql_typed(const struct rm_frame *f)
{
	return f->head_bytes == 1 + RM_PGSQL_LENGTH_BYTES;
}

static inline char rm_pgsql_type(const struct rm_frame *f)
{
	return rm_pgsql_typed(f) ? (char)f->head[0] : '\0';
}

/* A head is whole: the length that it tells. False: it is none. */
static inline bool rm_pgsql_length(struct rm_frame *f)
{
	uint32_t length = rm_be32(f->head + rm_pgsql_typed(f));

	if (length < RM_PGSQL_LENGTH_BYTES ||
	    length > (rm_pgsql_typed(f) ? RM_PGSQL_BODY_MAX_BYTES : RM_PGSQL_START_MAX_BYTES))
		return false;
	rm_frame_body(f, length - RM_PGSQL_LENGTH_BYTES, 0);
	return true;
}

/* Do the client's first bytes start a connection? */
enum rm_sniff rm_pgsql_sniff(const uint8_t *p, size_t n);

/* See rm_proto.join. */
enum rm_sniff rm_pgsql_join(struct rm_pgsql *s, const uint8_t *p, size_t n);

/* Of a connection that was joined: does a message of that type answer questions of this kind (-1: none)? */
bool rm_pgsql_fits(int kind, char type);

/* What starts a connection, behind its length. False: left alone. */
bool rm_pgsql_startup(struct rm_pgsql *s, struct rm_str text);

/*
 * The one byte that answers SSLRequest or GSSENCRequest. False: the connection is left alone. (An error in
 * its place is that of a server of another age.)
 */
bool rm_pgsql_encryption(struct rm_pgsql *s, struct rm_sink *sink, char byte);

/* Bytes of the server's messages, all of them. False: the connection is left alone. */
bool rm_pgsql_answers(struct rm_pgsql *s, struct rm_str bytes, struct rm_sink *sink);

#endif
