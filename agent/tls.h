/*
 * What TLS sessions carry, seen where a library of the program encrypts and decrypts it: all that the
 * hooks of such libraries may call. A session's plaintext is a connection that no descriptor names.
 * Each function passes the guard by itself and keeps errno.
 * Context of all: app, since no signal handler calls a TLS library; unless said otherwise.
 */
#ifndef RM_AGENT_TLS_H
#define RM_AGENT_TLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names a session: number and generation. 0 is none; one that ended is dead, never another's. */
typedef uint64_t rm_tls;

/* A session whose handshake is over, or whose first bytes came before that (early data). */
struct rm_tls_session {
	bool server;           /* which side this process is */
	const uint8_t *random; /* the 32 bytes of its ClientHello, NULL when not known */
	int fd;                /* its socket; -1 when it has none (memory buffers) or none is known */
	const char *alpn;      /* what was agreed on; not NUL-terminated */
	size_t alpn_bytes;     /* 0: nothing was */
};

/*
 * Starts to watch a session. Whom it is with is known from the ClientHello that passed through a socket:
 * exact at any load, also where the session has memory buffers for a transport. Without one, from
 * `fd`. 0: not watched.
 */
rm_tls rm_tls_open(const struct rm_tls_session *session);

/* The session's memory goes, or is used anew: what is open on it ends as broken. 0 is allowed. */
void rm_tls_close(rm_tls session);

/* False: nothing is to be done for its bytes. Two loads; 0 gives false. */
bool rm_tls_watched(rm_tls session);

/* It speaks what we cannot follow (early data that may be sent twice, kTLS): left alone from now on. */
void rm_tls_leave_alone(rm_tls session);

/* ---- bytes in ---- */

/*
 * Before a read into `room` bytes: how many bytes less to ask the library for, so that one header line
 * fits behind what it gives. `session` may be 0 for one that is not open yet.
 */
size_t rm_tls_reserve(rm_tls session, bool server, size_t room);

/* The same after a read that left room, of a session that is open. Not 0: rm_tls_received may be told of it. */
size_t rm_tls_reserve_late(rm_tls session);

/*
 * The library gave `n` > 0 bytes into `buf`, which has `room`; `reserve` is what rm_tls_reserve said.
 * Returns what the program is to see: `n`, or more when a header line was put in. When the read filled
 * all it was asked for, and only then, the library may hold more of this very record; the caller
 * reads that, without waiting for the network, into what room is left, and comes again with reserve 0.
 */
size_t rm_tls_received(rm_tls session, void *buf, size_t room, size_t n, size_t reserve);

/* The program looked ahead: from now on its requests are not changed. */
void rm_tls_peeked(rm_tls session);

/*
 * One direction is over: what this process sends (`sent`) or what it reads, by close_notify or the end
 * of the transport. `broken`: by an error of the transport.
 */
void rm_tls_ended(rm_tls session, bool sent, bool broken);

/* ---- bytes out ---- */

/*
 * The library's own write of [p, p + n): > 0 and *ret_n bytes taken, 1 to n of them; or <= 0, nothing
 * taken, errno and whatever else the library says left as it did.
 */
typedef int (*rm_tls_write_fn)(void *session, const void *p, size_t n, size_t *ret_n);

struct rm_tls_writer {
	rm_tls session;
	rm_tls_write_fn write;
	void *arg;             /* for `write` */
	bool partial;          /* the program expects that less is taken than it offers ... */
	bool (*takes_all)(void *session); /* ... but all is now, if the transport takes it. NULL: a record at most */
	bool (*keeps)(void *session); /* after a failure: the library has the bytes already. NULL: always */
};

/*
 * Writes with our header lines put in. Result and *ret_n are as of `write`, in bytes of the program.
 * The rules of TLS libraries hold: after a failure the library is offered the very same bytes at the
 * same address until it takes them, and so must the program do; for one call of the program the library makes at
 * most one record more than without us. `p` NULL resumes the call that failed, in libraries that have that.
 */
int rm_tls_write(const struct rm_tls_writer *w, const void *p, size_t n, size_t *ret_n);

/* May what a server sends be changed? */
bool rm_tls_edits_responses(void);

/* Bytes that the library took as they were, since the handshake was not over before. After the call. */
void rm_tls_sent(rm_tls session, const void *p, size_t n);

/* Bytes that leave without passing through user memory (sendfile over kTLS). After the real call. */
void rm_tls_sent_unseen(rm_tls session, size_t n);

/* ---- finding the libraries ---- */

/*
 * `discover` is called when a connection begins after objects were loaded, and when one turns out to be
 * TLS or nothing that we know; in any thread, with the guard held and perhaps in a signal handler: it
 * hooks libraries that were loaded since. No plaintext has passed yet then. Context: init.
 */
void rm_tls_on_discovery(void (*discover)(void));

/* The program is about to load an object. Context: any. */
void rm_tls_loading(void);

/* The thread that was the last to give a ClientHello to a connection that it opened; NULL: nobody waits to hear of it. */
struct rm_thread;
extern _Atomic(const struct rm_thread *) rm_tls_begun_by __attribute__((visibility("hidden")));

/* False: rm_tls_begins_here would say so. Context: any. */
static inline bool rm_tls_may_begin(void)
{
	return atomic_load_explicit(&rm_tls_begun_by, memory_order_relaxed) != NULL;
}

/* True once after the calling thread did. Context: any. */
bool rm_tls_begins_here(void);

#endif
