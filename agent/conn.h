/*
 * Descriptors and connections. A connection is shared by all descriptors dup'ed from one socket;
 * the descriptor table holds the connection's number or a mark, so that the answer "not ours" is
 * two loads. Closes that we never see (raw system calls, exec) are survived: a number that a new
 * socket, accept or dup takes over forgets what it was.
 */
#ifndef RM_AGENT_CONN_H
#define RM_AGENT_CONN_H

#include <stdatomic.h>
#include <stdbool.h>

#include "agent/fd_table.h"
#include "agent/peer.h"
#include "agent/text.h"
#include "agent/thread.h"
#include "base/life.h"
#include "base/pool.h"
#include "protocols/proto.h"

/* What a connection has in text memory: what its protocol stashes, and what agent/alike.h keeps. */
enum { RM_CONN_ALIKE = RM_STASHES, RM_CONN_TEXTS };

/* An edit of the bytes on their way out, see agent/tx.c. */
struct rm_pending {
	uint32_t at;      /* bytes of the program between what the kernel has and here */
	uint32_t del;     /* of the program, whose place the text takes; 0: it stands between them */
	uint32_t bytes;   /* of the text */
	uint32_t done;    /* of the text, already sent */
	rm_text text;
};

/* When it was set up, monotonic; 0: not seen, or told already. See agent/setup.h. */
struct rm_setup {
	uint64_t connect_ns, connected_ns; /* connect() was called; the program was told that it is */
	uint64_t hello_ns, secured_ns;     /* its ClientHello went out; the handshake was over */
	uint8_t tls_minor;                 /* 4: TLS 1.3 */
};

struct rm_conn {
	uint32_t link;           /* the pool's, while the connection is free: the next five outlive that */
	_Atomic uint32_t gen;
	struct rm_life life;     /* references: descriptors in this process, and the edited call in flight */
	struct rm_pending *pending; /* RM_TX_EDITS of them, in memory that is not touched before there is one */
	void *state;             /* the protocol's: `near`, or such memory */
	uint32_t number;         /* its own, in the descriptor table */
	_Atomic uint8_t muted;   /* left alone: hooks pass by */
	_Atomic uint8_t dead;    /* the protocol gave up; muted as soon as no edit is half way */
	_Atomic uint8_t gap;     /* bytes passed that nobody fed: to be muted by the next who comes */
	uint8_t role;            /* enum rm_role; 0 until the first bytes tell */
	uint8_t accepted;
	uint8_t peeked;          /* the program looks ahead with MSG_PEEK: leave what it reads alone */
	uint8_t internet;        /* the kernel was asked: this is no Unix socket */
	uint8_t brimmed;         /* the program's last read filled its room: it may have counted what waits */
	uint8_t peer_ended;      /* nothing more comes from the peer */
	uint8_t first_sent;      /* a request head went out on it */
	uint8_t older;           /* it was there before this process: nobody saw how it began */
	uint8_t secure;          /* what a TLS session carries: no descriptor names it (agent/tls.h) */
	uint8_t asked;           /* of a server: some caller wants to be told the decision in its response */
	uint8_t output;          /* no connection but what the program prints: enum rm_stream; always muted */
	uint8_t followed;        /* the adapter asks for its requests: see rm_ctx_follow */
	uint8_t shared;          /* of a client: another thread than the one that called connect() had to do with it */
	uint8_t by_call;         /* connect() was called inside of a library's call, which shares it with no other */
	const struct rm_proto *proto;
	rm_ctx connected_by;     /* the request during which connect() was called ... */
	const struct rm_thread *connected_on; /* ... and the thread that called it */
	const struct rm_thread *asked_on; /* the thread that sent the last head of a request */

	/* Of a client whose bytes adapters announce, see agent/bound.h. */
	uint64_t sent;           /* bytes of its requests that were fed so far */
	rm_ctx bound;            /* whom those that come next belong to; 0: nobody said */
	rm_text marks;           /* what is said of those behind them ... */
	uint32_t mark_first, mark_count; /* ... from there, so many */
	const char *system;      /* what the server said it is, before TLS, where its protocol does not say; NULL: nothing */
	uint64_t greeting;       /* what its protocol keeps of what the server said before TLS; 0: nothing */
	struct rm_setup setup;   /* of a client's, where that is wanted */
	int secured_fd;          /* of a TLS session: the descriptor that its ClientHello left through, or -1 */

	/*
	 * The sending side of a client. While `tx_busy` names this process, an edited call is in flight:
	 * the rest of these is its thread's, which needs no lock for them and holds a reference.
	 */
	_Atomic uint32_t tx_busy; /* epoch + 1 */
	uint32_t ahead;          /* bytes parsed that the kernel has not accepted yet */
	uint8_t ahead_head[8];   /* the first of them, to recognise the retry ... */
	uint8_t ahead_known;     /* ... as many as the last call held; UINT8_MAX: one is under way */
	uint8_t pending_count;
	rm_text retry;           /* refused bytes up to the last edit: only to them do edits apply ... */
	uint32_t retry_at, retry_end; /* ... from here to there */

	/* The same of a TLS session, whose library has rules of its own, see agent/tls_tx.c. */
	uint32_t flight_own;     /* bytes of the program that the text in `retry` stands for */
	uint32_t raw_owed;       /* of the program's own, which the library refused as they were */
	uint32_t taken;          /* which the library took in a call that failed in the end */
	uint8_t kept;            /* what it refused last is encrypted already: not to be offered with other bytes */
	uint8_t held;            /* the same of a server's call that went as it was: nothing is put into its retry */

	rm_text stash[RM_CONN_TEXTS];
	struct rm_peer peer;
	_Alignas(8) char near[RM_CONN_NEAR_BYTES];
};

/*
 * Marks functions that look at a connection without its lock. What they see may be of a moment ago, or
 * of the next user of the memory: they take it for a hint, and the thread sanitizer is not asked.
 */
#define RM_GLANCE __attribute__((no_sanitize("thread")))

/* True while an edited call is in flight. One that a fork interrupted is not. */
static inline bool rm_conn_busy(const struct rm_conn *c)
{
	return atomic_load_explicit(&c->tx_busy, memory_order_acquire) == rm_epoch() + 1;
}

/* True when an edit is half sent. */
static inline bool rm_conn_begun(const struct rm_conn *c)
{
	return (c->pending_count > 0 && c->pending[0].done > 0) ||
	       (c->secure && (c->retry || c->taken));
}

/* True while an edited call is in flight or half sent: not to be left alone before it is whole. */
static inline bool rm_conn_midway(const struct rm_conn *c)
{
	return rm_conn_busy(c) || rm_conn_begun(c);
}

/* Puts a mark into the descriptor table. Context: any. */
void rm_fd_set_mark(int fd, uint32_t mark);

enum {
	RM_CONN_BYTES = (sizeof(struct rm_conn) + 15) / 16 * 16,
	RM_CONNS_MAX = 1 << 17,
	RM_CONNS_CHUNK = RM_CONNS_MAX / RM_POOL_CHUNKS,
};

extern struct rm_pool rm_conns;

/* As rm_pool_at, with numbers that the compiler knows. */
static inline struct rm_conn *rm_conn_at(uint32_t number)
{
	char *chunk = atomic_load_explicit(&rm_conns.chunk[(number - 1) / RM_CONNS_CHUNK], memory_order_acquire);

	return (struct rm_conn *)(void *)(chunk + (size_t)((number - 1) % RM_CONNS_CHUNK) * RM_CONN_BYTES);
}

/* Neither RM_FD_NONE nor a mark. */
static inline bool rm_conn_is(uint32_t number)
{
	return number - 1 < RM_FD_MARKS - 1;
}

/* Cheap look without a lock, to decide whether to come back; NULL when the descriptor is none of ours. */
static inline struct rm_conn *rm_conn_peek(int fd)
{
	uint32_t number = rm_fd_mark(fd);

	return rm_conn_is(number) ? rm_conn_at(number) : NULL;
}

/*
 * The generation of a connection that rm_conn_peek gave for `fd`; 0, which none has, when `fd` names
 * another one by now: then it may be free, or anybody's.
 */
uint32_t rm_conn_gen(const struct rm_conn *c, int fd);

/* Both of them, with one look for the place. */
static inline struct rm_conn *rm_conn_peek_gen(int fd, uint32_t *ret_gen)
{
	rm_fd_entry *e = rm_fd_slot(fd);
	uint32_t number = e ? atomic_load_explicit(e, memory_order_acquire) : RM_FD_NONE, gen;
	struct rm_conn *c;

	if (!rm_conn_is(number))
		return NULL;
	c = rm_conn_at(number);
	gen = atomic_load_explicit(&c->gen, memory_order_acquire);
	*ret_gen = atomic_load_explicit(e, memory_order_relaxed) == number ? gen : 0;
	return c;
}

/*
 * True when `fd` is still what it was for the connection of generation `gen`: it names it, or does no more only
 * since that one is left alone. False after a close that was seen. A hint, without the lock.
 */
bool rm_conn_still_there(const struct rm_conn *c, uint32_t gen, int fd);

/*
 * Bytes passed through `fd` while it changed hands, and nobody knows whose they were: a gap of the
 * connection that it names now, if there is one.
 */
void rm_conn_doubt(int fd);

/* A visit was refused, or would be: a gap, if bytes of the connection go by. */
void rm_conn_bypassed(struct rm_conn *c);

/*
 * rm_enter for bytes of a connection. Where it is refused they go by unseen, which is a gap: a signal
 * handler came in the middle of a visit, or this is a child of vfork.
 */
static inline bool rm_conn_enter(struct rm_conn *c, struct rm_scope *s)
{
	if (rm_begin(s))
		return true;
	rm_conn_bypassed(c);
	return false;
}

/*
 * Finds and locks the connection of a descriptor. Waits a bounded time for other threads. NULL when
 * there is none, it is muted, or the wait was in vain: then the connection has a gap.
 */
struct rm_conn *rm_conn_take(int fd);

/* Locks a connection seen before, if it still is the one of generation `gen`. NULL as above. */
struct rm_conn *rm_conn_retake(struct rm_conn *c, uint32_t gen, int fd);

/* Locks a connection that the caller holds a reference of. False: the wait was in vain, a gap. */
bool rm_conn_lock(struct rm_conn *c);
/* Unlocks it, and ends it when the last reference went meanwhile. */
void rm_conn_release(struct rm_conn *c);

/*
 * One reference more, lock held: also for a connection whose last descriptor another thread is closing,
 * which then ends later; and one less, lock not held, which may end the connection.
 */
void rm_conn_hold(struct rm_conn *c);
void rm_conn_drop(struct rm_conn *c);

/*
 * The process ends, and with it what is open on any connection. Other threads may still be at work:
 * each connection is locked for it.
 */
void rm_conn_end_all(void);

/*
 * Makes a connection for `fd`, replacing what stood there: one that was accepted just now, or one that was there before. Without
 * memory `fd` is left alone.
 */
void rm_conn_new(int fd, bool accepted);

/*
 * The name of a connection that no descriptor has: what a TLS session carries. 0 is none; one that ended
 * is dead, never another's.
 */
typedef uint64_t rm_conn_name;

/* Makes such a connection; its one reference goes with rm_conn_close. 0: no memory (counted). */
rm_conn_name rm_conn_open(enum rm_role role);
void rm_conn_close(rm_conn_name name);

/* As rm_conn_peek and rm_conn_take, by name. */
struct rm_conn *rm_conn_peek_name(rm_conn_name name);
struct rm_conn *rm_conn_take_name(rm_conn_name name);

/*
 * Makes `fd` known as what the program prints (enum rm_stream): a connection that is muted, so that all but
 * writing passes it by. Without memory it is left alone.
 */
void rm_conn_output(int fd, uint8_t stream);

/* `fd` is left alone from now on, if it is such a one. */
void rm_conn_output_ends(int fd);

/* Asks the kernel. Datagrams and packets that were cut would be lost: only streams are ours. */
bool rm_fd_is_stream(int fd);

/* True for an epoll instance that watches listeners or accepted connections. */
static inline bool rm_fd_is_loop(int epfd)
{
	return rm_fd_mark(epfd) == RM_FD_SERVED_EPOLL;
}

/* Gives the descriptor of a muted connection back to the fast path; releases the lock. */
void rm_conn_forget_fd(struct rm_conn *c, int fd);

/* Gives back what the protocol stashed, and what was kept of its records. Lock held. */
void rm_conn_unstash(struct rm_conn *c);

/* Connections in use, see rm_pool_live. */
uint32_t rm_conn_live(void);

#endif
