/*
 * All that runtime adapters (adapters/) and the agent know of each other: contexts, and what an adapter
 * is. A context names a request that this process serves; one that has ended is dead, never another's.
 *
 * Three ways to tell whom an outgoing request belongs to, surest first. *In-band*: the adapter puts the
 * text of the context into the request as its traceparent; the agent puts the CLIENT span in its place.
 * *Bound*: rm_ctx_bind names the bytes. *Attached*: the thread runs code of that context now.
 * Functions may be called from anywhere outside of hooks unless said otherwise; they keep errno, take no
 * lock but a connection's own, and do not allocate. Context: any, also in signal handlers.
 */
#ifndef RM_AGENT_ADAPTER_API_H
#define RM_AGENT_ADAPTER_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Names a live exchange: generation << 32 | index. 0 is none; an old one is dead, never wrong. */
typedef uint64_t rm_ctx;

/* To attach where it is known that no request is being served: what is weaker is not asked then. */
#define RM_CTX_NOBODY UINT64_MAX

enum { RM_CTX_TEXT_BYTES = 55 }; /* of a traceparent, without NUL */

/* The evidence a parent was found by; recorded with REMORA_PARENT_SOURCE and counted. */
enum rm_source {
	RM_SOURCE_NONE,      /* nothing sure: a new trace */
	RM_SOURCE_HEADER,    /* the request carries the id of one of our live SERVER spans */
	RM_SOURCE_PROGRAM,   /* the request carries a context the program made itself */
	RM_SOURCE_BOUND,     /* an adapter bound its bytes */
	RM_SOURCE_ATTACHED,  /* an adapter attached it to the thread */
	RM_SOURCE_HANDOFF,   /* it was handed over with the work, from one thread to another */
	RM_SOURCE_THREAD,    /* the gated thread rule */
	RM_SOURCE_CONNECT,   /* first request on a connection opened while serving a request */
	RM_SOURCE_PROCESS,   /* TRACEPARENT of the process */
	RM_SOURCE_MESSAGE,   /* the message that was received carries it */
	RM_SOURCE_COUNT,
};

/* ---- what an adapter may ask ---- */

/*
 * The context of the calling thread: what is attached to it, else what the gated thread rule says; 0
 * for none. What is returned is to be kept (captured) by value.
 */
rm_ctx rm_ctx_current(void);

/* True while the request is being served. */
bool rm_ctx_lives(rm_ctx ctx);

/*
 * The calling thread runs code of `ctx` from now on; `how` is RM_SOURCE_ATTACHED or, when another thread
 * captured it for this one, RM_SOURCE_HANDOFF. Returns what was attached before, which the end of the
 * scope attaches again: 0 for nothing.
 */
rm_ctx rm_ctx_attach(rm_ctx ctx, enum rm_source how);

/*
 * The request that is being served on an accepted descriptor: of HTTP/2 the one of `stream`, of HTTP/1
 * (whose stream is 0) the only one. 0 for none, for several, and for what goes through TLS.
 */
rm_ctx rm_ctx_of_request(int fd, uint32_t stream);

/*
 * The requests of that accepted connection go to a runtime that the adapter follows: from the next one on its `tell` is
 * called. Not for what goes through TLS.
 */
void rm_ctx_follow(int fd);

/*
 * What the program sends on `fd` from byte `at` on, counted from the connection's first one (inside TLS:
 * of what TLS carries), belongs to `ctx`, until another call says otherwise: 0 is nobody that is
 * known. It takes back what was said of later bytes. For protocols that can carry no context: databases. The caller knows
 * the number of each byte before the kernel, or the TLS library, gets it; whoever writes what was not announced says 0
 * before. False: no such connection is watched, that byte has passed, or there is no room.
 */
bool rm_ctx_bind(int fd, uint64_t at, rm_ctx ctx);

/* How many bytes the kernel, or the TLS library, took from the program on such a connection. UINT64_MAX: not known. */
uint64_t rm_ctx_written(int fd);

/*
 * A thread of a pool is about to call getaddrinfo for that name, and no service, on behalf of `ctx`. Returns flags to put
 * to those of the call, by which it is known; they change nothing of what it does. 0: put none. Context: app.
 */
int rm_ctx_mark_lookup(const char *name, rm_ctx ctx);

/* The call with those flags will not be made. */
void rm_ctx_unmark_lookup(const char *name, int flags);

/* The text of a live context, without NUL. False: it is dead, or this process is to send none. */
bool rm_ctx_to_traceparent(rm_ctx ctx, char ret[RM_CTX_TEXT_BYTES]);

/* The live context whose text this is, 0 when it is none of this process's. */
rm_ctx rm_ctx_from_traceparent(const char *p, size_t n);

/* What a program takes off a queue to do. All of it may be empty, and is copied. */
struct rm_task {
	struct rm_str system;      /* of queues: "celery" */
	struct rm_str name;        /* of the function that does it; without it the span is called after the queue */
	struct rm_str queue, id;
	struct rm_str traceparent; /* that it came with */
};

/*
 * A task begins: a context until it ends, to be attached, put into requests or bound as those of requests. Who begins it ends
 * it, in the same process. 0: there is no room, or this process is to send no context. Context: app.
 */
rm_ctx rm_ctx_begin_task(const struct rm_task *task);

/* Something of that type went wrong in it. What is no task, or is over, is left alone. Context: app. */
void rm_ctx_fail_task(rm_ctx ctx, struct rm_str type);

/* It is over. As above. */
void rm_ctx_end_task(rm_ctx ctx);

/* True unless REMORA_ADAPTERS leaves the adapter of that name out, or nothing is traced here. */
bool rm_ctx_wanted(const char *name);

/* True where what the program prints becomes log records, which have the context of the thread that prints. */
bool rm_ctx_prints(void);

/* ---- what an adapter is ---- */

/* How it went to move into a runtime. */
enum rm_arrival {
	RM_ARRIVAL_ABSENT, /* it is not here: to be tried again when another object was loaded */
	RM_ARRIVAL_LATER,  /* it is here, but not ready: to be tried again at the next safe point */
	RM_ARRIVAL_DONE,   /* done for good, or given up for good */
};

struct rm_adapter {
	const char *name; /* as REMORA_ADAPTERS knows it */
	/*
	 * A safe point: moves into the runtime if it is there. Context: app, outside of the agent; perhaps in
	 * several threads at once.
	 */
	enum rm_arrival (*arrive)(void);
	/*
	 * The program accepted a connection from an address, be it of its own machine, on this thread: it is
	 * a server. NULL: not told. True: to be told of the next one, too. Context: as above, in the call that accepted.
	 */
	bool (*serve)(void);
	/*
	 * This thread is about to send the ClientHello of a TLS connection, whoever encrypts there. NULL: not told. True: to be
	 * told of the next one, too. Context: as above, in the call that writes.
	 */
	bool (*secure)(void);
	/* The head of a request was read on this thread, NULL: not told. Context: hook, a connection locked. */
	void (*on_request)(rm_ctx ctx);
	/*
	 * After that, of a connection that is followed (rm_ctx_follow), while no other request of HTTP/1 is under way there and none
	 * came with this one. True: the code that serves it will know its context, and needs no header for that. NULL: it
	 * does not. Context: as above.
	 */
	bool (*tell)(rm_ctx ctx, int fd);
	/*
	 * A request goes out on this thread whose head carries the context of one that is served, whoever put it there. NULL: not
	 * told. Context: as above.
	 */
	void (*carried)(void);
	/*
	 * False: the thread does not run what its context was attached for any more, as when a runtime left out the event
	 * of a change; then it is nobody's. NULL: it always does. Asked on threads that have one attached, the runtime's lock
	 * held or not; must not wait. Context: hook, a connection locked.
	 */
	bool (*holds)(void);
	/*
	 * Whom the code works for that this thread runs, for runtimes that are asked and attach nothing: 0 where it runs none
	 * of theirs, then weaker evidence is asked; RM_CTX_NOBODY: nobody, or nobody knows. `alone`: for the head of a request
	 * that goes out on a connection which carries one at a time; it is told once. NULL: what is attached says it. Must not
	 * wait. Context: hook, a connection locked.
	 */
	rm_ctx (*runs)(bool alone, enum rm_source *ret_how);
};

/*
 * Has `on_request`, `tell`, `carried`, `holds` and `runs` called from now on: of one adapter in a process, the first that asks.
 * Context: app.
 */
void rm_ctx_use(const struct rm_adapter *adapter);

#endif
