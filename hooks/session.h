/*
 * What hooks of TLS libraries have in common that keep no data of ours in their sessions: which session
 * it is, and the order of the library's own calls and the agent's around one read or write.
 * Context of all: app.
 */
#ifndef RM_HOOKS_SESSION_H
#define RM_HOOKS_SESSION_H

#include "agent/tls_map.h"

/* What a library knows of its sessions. All but `describe` may be NULL: it cannot tell. */
enum { RM_SESSION_PROTOCOL_BYTES = 32 };

struct rm_session_kind {
	const void *(*key)(void *session); /* what it is known by; NULL: by its address */
	uint64_t (*tag)(void *session); /* see rm_tls_find; 0: no handshake was begun */
	/* Fills in its random number or socket. False: not to be watched (datagrams). */
	bool (*describe)(void *session, struct rm_tls_session *ret);
	/* Fills in the protocol that was agreed on, if need be in `room`. Asked only when the first bytes are not text. */
	void (*protocol)(void *session, struct rm_tls_session *ret, char room[RM_SESSION_PROTOCOL_BYTES]);
	/* 1: this process is the server of it, 0: the client, -1: the first bytes tell. */
	int (*is_server)(void *session);
	size_t (*pending)(void *session); /* bytes that a read gives without asking the network */
	bool (*is_broken)(void *session, long result); /* a read or write that gave this ended the session */
	bool (*is_over)(void *session, long result);   /* ... or says that the peer sends no more */
	bool partial;                     /* writes may take less than they are offered: a record ... */
	bool (*takes_all)(void *session); /* ... unless this says, after one, that they take all for now */
};

/* One call of the program, and how to make it: > 0 bytes moved, else whatever the library says. */
struct rm_session_call {
	const struct rm_session_kind *kind;
	void *session;
	long (*read)(const struct rm_session_call *call, void *buf, size_t n);
	long (*write)(const struct rm_session_call *call, const void *p, size_t n);
	const void *more; /* arguments of the library's function besides those */
	int number, other;
};

/* These make the call and return what the program is to see. */
long rm_session_read(const struct rm_session_call *call, void *buf, size_t n);
long rm_session_write(const struct rm_session_call *call, const void *p, size_t n);
/* A write that must go as it is, and bytes that are in no memory of the program (then `p` is NULL). */
long rm_session_write_as_is(const struct rm_session_call *call, const void *p, size_t n);

/* The library gave `n` bytes at `p`, which stay as they are. Returns `result`, the call's own. */
long rm_session_received(const struct rm_session_kind *kind, void *session, void *p, size_t n, long result);

/* From now on the session is left alone, whatever was known of it. */
void rm_session_unwatched(const struct rm_session_kind *kind, void *session);

/* The program only looked at what a read will give. Before that call. */
void rm_session_peeks(const struct rm_session_kind *kind, void *session);

/* After the library sent (or received, or both) its close_notify. */
void rm_session_closed(const struct rm_session_kind *kind, void *session, bool sent, bool received);

#endif
