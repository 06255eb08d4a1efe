/*
 * Which session of a TLS library is which of ours, for libraries that keep nothing of ours in a session.
 * Context of all: app, as all of agent/tls.h.
 */
#ifndef RM_AGENT_TLS_MAP_H
#define RM_AGENT_TLS_MAP_H

#include "agent/tls.h"

struct rm_tls_known {
	rm_tls name;  /* 0: known not to be watched */
	bool server;
};

/*
 * What was entered for the library's `session`. `tag` is a number that differs from session to session
 * (a part of its random number), 0 where the library has none: memory that is used for
 * another session by now is told by it, what was open on the old one ends. False: not known.
 */
bool rm_tls_find(const void *session, uint64_t tag, struct rm_tls_known *ret);

/* Enters it. Another thread may have been faster: `ret` is what stands there now. False: no room. */
bool rm_tls_enter(const void *session, uint64_t tag, const struct rm_tls_session *details,
		  struct rm_tls_known *ret);

/* The same, of a session that is not to be watched. */
void rm_tls_enter_unwatched(const void *session, uint64_t tag);

/* It has another random number from now on: it negotiates anew. */
void rm_tls_retag(const void *session, uint64_t tag);

/* Its memory goes, or is used anew: rm_tls_close, and it is not known any more. */
void rm_tls_forget(const void *session);

/*
 * Bytes that this session's library holds more than the program knows: header lines among records that
 * are kept together (corked). Adds `more` and returns all; 0 for one that is not known.
 */
size_t rm_tls_held(const void *session, size_t more);
void rm_tls_held_sent(const void *session);

#endif
