/*
 * Which request is this work for? The ladder of evidence, strongest first; below it there is no
 * parent, never a guess. Runtime adapters plug in through rm_adapter.
 */
#ifndef RM_AGENT_CONTEXT_H
#define RM_AGENT_CONTEXT_H

#include "agent/config.h"
#include "agent/conn.h"
#include "agent/exchange.h"

/* The evidence a parent was found by; recorded with REMORA_PARENT_SOURCE and counted. */
enum rm_source {
	RM_SOURCE_NONE,      /* nothing sure: a new trace */
	RM_SOURCE_HEADER,    /* the request carries the id of one of our live SERVER spans */
	RM_SOURCE_PROGRAM,   /* the request carries a context the program made itself */
	RM_SOURCE_CONNECT,   /* first request on a connection opened while serving a request */
	RM_SOURCE_ADAPTER,   /* a runtime adapter said so */
	RM_SOURCE_THREAD,    /* the gated thread rule */
	RM_SOURCE_PROCESS,   /* TRACEPARENT of the process */
	RM_SOURCE_COUNT,
};

/*
 * A runtime adapter. All calls run in hooks on the program's threads.
 * `probe`: is the runtime in this process? `install`: hook into it, app context, once.
 * `pull`: the context of the code that runs now, 0 for none; declines on threads it does not own.
 * `on_request`: a request head was read on this thread. `on_continue`: an outgoing descriptor of
 * that context became ready on an event-loop thread; 0: the loop woke up.
 */
struct rm_adapter {
	const char *name;
	bool (*probe)(void);
	int (*install)(void);
	rm_ctx (*pull)(void);
	void (*on_request)(rm_ctx ctx);
	void (*on_continue)(rm_ctx ctx);
};

/* Registers an installed adapter; at most one per process. Context: app. */
void rm_context_adapter(const struct rm_adapter *adapter);

/* Settings, borrowed for ever. Context: init. */
void rm_context_init(const struct rm_config *config);
const struct rm_config *rm_context_config(void);

/* A request head was read on this thread and became SERVER exchange `x` of connection `c`. */
void rm_context_opened(struct rm_thread *t, struct rm_conn *c, uint32_t x);

/* The first byte of a SERVER's response was sent by this thread. */
void rm_context_answered(struct rm_thread *t, const struct rm_exchange *e);

/* This thread took a new connection from a listener. */
void rm_context_accepted(struct rm_thread *t);

/*
 * The gated thread rule alone: the request this thread read and has not begun to answer, provided
 * that no thread of the process was ever seen to handle two at once. 0: none.
 */
rm_ctx rm_context_here(struct rm_thread *t);

/* What a parent is to a new CLIENT span. */
struct rm_parent {
	struct rm_spanctx ctx;       /* invalid: root */
	enum rm_source source;
	rm_ctx server;               /* the live SERVER exchange it is, or 0 */
	struct rm_str tracestate, baggage; /* of that: copy them, then ask rm_parent_lives */
	bool remote;                 /* lives in another process */
};

/*
 * Climbs the ladder for an outgoing request on `c` whose head carries `in` (invalid when it has no
 * context of its own).
 */
void rm_context_resolve(struct rm_thread *t, struct rm_conn *c, const struct rm_spanctx *in,
			struct rm_parent *ret);

/* False when another thread ended the parent meanwhile: its texts may have become another one's. */
bool rm_parent_lives(const struct rm_parent *p);

const char *rm_source_name(enum rm_source source);

#endif
