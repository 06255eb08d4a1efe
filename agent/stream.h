/*
 * The bytes of one connection on their way to its protocol, and what the protocol sees on its way
 * to exchanges and spans. Owns nothing: works on a locked connection.
 */
#ifndef RM_AGENT_STREAM_H
#define RM_AGENT_STREAM_H

#include "agent/conn.h"
#include "agent/exchange.h"
#include "agent/memo.h"

/* Replaces `del` bytes at offset `at` of the visit by the text, which is not shorter. */
struct rm_edit {
	uint32_t at, del, ins_bytes;
	rm_text text; /* owned by whoever carries the edit out; 0: it is the visit's `line` */
};

/*
 * One visit of bytes to a connection: the sink its protocol talks to. `edits` collects what is to be
 * changed in the bytes being fed; offsets count from the start of the visit.
 */
struct rm_visit {
	struct rm_sink sink;     /* first member: the protocol hands it back */
	struct rm_conn *conn;
	struct rm_thread *thread;
	int fd;
	uint64_t now_ns;         /* monotonic; 0 until somebody asks */
	uint64_t base;           /* offset, in the visit, of the buffer being fed */
	uint32_t insert_room;    /* bytes of header lines that may still be put in */
	rm_text scratch;         /* lent to the protocol while it is fed, ... */
	struct rm_memo *memo;    /* ... as is this, once it was asked for; NULL: not now */
	const char *next_proto;  /* the connection is handed over to this one ... */
	rm_xid handed_over;      /* ... with this exchange */
	rm_xid placed;           /* an operation whose parent is known already, ... */
	const char *placed_by;   /* ... and by what, to be shown */
	bool memo_asked;
	bool parent_known;       /* while the protocol is fed: agent/alike.c keeps what operations are for */
	bool exits;              /* the process ends, or ... */
	bool closes;             /* ... closes the connection: that is why exchanges end */
	bool starved;            /* there was no memory for a head */
	bool discard;            /* the connection is being muted: exchanges end without a word */
	bool full;               /* there may be no room for the edits of another head: feed no further */
	bool line_used;
	char line[RM_INGRESS_RESERVE]; /* the text of one edit that is carried out in this visit */
	uint32_t edit_count;
	struct rm_edit edits[RM_TX_EDITS]; /* sorted, not overlapping */
};

/* What messages call the connection: "fd 7"; one that no descriptor names, "TLS session 12". */
static inline const char *rm_visit_kind(const struct rm_visit *v)
{
	return v->conn->secure ? "TLS session" : "fd";
}

static inline int rm_visit_number(const struct rm_visit *v)
{
	return v->conn->secure ? (int)v->conn->number : v->fd;
}

/* Starts a visit on a locked connection. */
void rm_visit_init(struct rm_visit *v, struct rm_conn *c, struct rm_thread *t, int fd);

/*
 * Feeds `n` bytes of the program that travel in `dir`. Decides the protocol on the first ones.
 * Returns the bytes consumed (less than n: no room for more edits) or RM_FEED_MUTE, after which the
 * connection is muted.
 */
int64_t rm_stream_feed(struct rm_visit *v, enum rm_dir dir, const void *p, size_t n);

/*
 * What both sides agreed to speak, by its name in TLS (RFC 7301), before a byte was fed: the first
 * bytes are not asked then, and either side may begin. The role is known. False: a protocol that
 * nobody here knows, to be muted by the caller.
 */
bool rm_stream_choose(struct rm_conn *c, struct rm_str alpn);

/* Which direction this process's own bytes (`sent`) or the peer's travel in; -1 while unknown. */
int rm_stream_dir(const struct rm_conn *c, bool sent);

/* Leaves the connection alone from now on. Exchanges still open are dropped and counted. */
void rm_stream_mute(struct rm_visit *v);

/* Bytes went by unseen (a lock not got, a fork in the middle): mutes. Lock held. */
void rm_stream_gap(struct rm_conn *c, int fd);

/*
 * The connection's last descriptor is gone, or (`exits`) the process ends: exchanges without an answer
 * end as broken. Lock held.
 */
void rm_stream_closed(struct rm_conn *c, bool exits);

/* One direction ended: EOF, shutdown, or with `reset` an error of the connection. */
void rm_stream_end(struct rm_visit *v, enum rm_dir dir, bool reset);

/* Puts an edit's text into memory of its own. 0 when there is none. */
rm_text rm_stream_text(struct rm_str text);

#endif
