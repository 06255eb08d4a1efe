/*
 * Which request is this work for? The ladder of evidence, strongest first; below it there is no
 * parent, never a guess. What adapters may do is in agent/adapter_api.h.
 */
#ifndef RM_AGENT_CONTEXT_H
#define RM_AGENT_CONTEXT_H

#include "agent/adapter_api.h"
#include "agent/config.h"
#include "agent/conn.h"
#include "agent/exchange.h"

/* Settings, borrowed for ever. Context: init. */
void rm_context_init(const struct rm_config *config);
const struct rm_config *rm_context_config(void);

/* A request head was read on this thread and became SERVER exchange `x` of connection `c`. */
void rm_context_opened(struct rm_thread *t, struct rm_conn *c, uint32_t x);

/* As `tell` of an adapter (adapter_api.h). Where none is asked, false. */
bool rm_context_tell(uint32_t x, int fd);

/* The first byte of SERVER exchange `x`'s response was sent by this thread. */
void rm_context_answered(struct rm_thread *t, uint32_t x);

/* This thread read the first byte of an answer on a client's connection (locked). */
void rm_context_answer(const struct rm_thread *t, const struct rm_conn *c);

/* This thread connects a client's connection, which nobody else has yet. */
void rm_context_connected(struct rm_thread *t, struct rm_conn *c);

/* Another thread than the one that connected a client's connection (locked) uses it, or nobody knows which one that was. */
void rm_context_shared(struct rm_conn *c);

/* This thread took a new connection from a listener. */
void rm_context_accepted(struct rm_thread *t);

/*
 * The gated thread rule alone: the request this thread read and has not begun to answer, provided
 * that no thread of the process was ever seen to handle two at once. 0: none, also in a child that was forked
 * since.
 */
rm_ctx rm_context_here(struct rm_thread *t);

/*
 * What is attached to the thread (0 when that has ended), else the thread rule's request; which of them
 * goes to `ret_source` (may be NULL).
 */
rm_ctx rm_context_current(struct rm_thread *t, enum rm_source *ret_source);

/* See rm_ctx_use. */
void rm_context_use(const struct rm_adapter *adapter);

/* What a parent is to a new CLIENT span. */
struct rm_parent {
	struct rm_spanctx ctx;       /* invalid: root */
	enum rm_source source;
	rm_ctx server;               /* the live SERVER exchange it is, or 0 */
	struct rm_str tracestate, baggage; /* of that: copy them, then ask rm_parent_lives */
	bool remote;                 /* lives in another process */
};

/*
 * Whom a line belongs to that this thread prints: what is attached to the thread, or the thread rule's request,
 * else what the process was started for. False: nobody knows. Counts nothing.
 */
bool rm_context_for_log(struct rm_thread *t, struct rm_spanctx *ret);

/*
 * Climbs the ladder for an outgoing request on `c` (locked), whose head carries `in` (invalid when it has no
 * context of its own).
 */
void rm_context_resolve(struct rm_thread *t, struct rm_conn *c, const struct rm_spanctx *in,
			struct rm_parent *ret);

/* Counts what was found once more: the next request is for the same. */
void rm_context_resolved(const struct rm_parent *parent);

/* The same for work that no connection carries. */
void rm_context_resolve_here(struct rm_thread *t, struct rm_parent *ret);

/* The same, if there is one, or `any` is true. False: nothing was found, and nothing counted. */
bool rm_context_find_here(struct rm_thread *t, bool any, struct rm_parent *ret);

/*
 * The parent of a message that is sent on `c` (locked), as above. Clients of brokers send what many have given them: one loop,
 * or whoever happens to flush, writes it. So what adapters say of the thread is not believed, but of a message's own bytes, and of threads only
 * that of one which opened the connection itself, and which no other one ever used.
 */
void rm_context_resolve_sent(struct rm_thread *t, struct rm_conn *c, const struct rm_spanctx *in, struct rm_parent *ret);

/*
 * That of a message that was received: what it carries (`in`), else what the process was started for. Whatever the thread is
 * at work on has nothing to do with what a broker sends.
 */
void rm_context_resolve_received(const struct rm_spanctx *in, struct rm_parent *ret);

/* False when another thread ended the parent meanwhile: its texts may have become another one's. */
bool rm_parent_lives(const struct rm_parent *p);

/*
 * True when `in` names the parent, or is what its request came in with: the context, or a trace without a span.
 */
bool rm_parent_came_with(const struct rm_parent *p, const struct rm_spanctx *in);

/* The evidence by its name, where spans are to say it (REMORA_PARENT_SOURCE); else NULL. */
const char *rm_context_shown_source(const struct rm_parent *parent);

/* Logs how often each rung gave a parent (REMORA_DEBUG=trace). */
void rm_context_report(void);

/* How often it did. Context: any. */
uint64_t rm_context_count(enum rm_source source);

#endif
