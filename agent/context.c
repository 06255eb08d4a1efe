/*
 * The ladder and the gate of the thread rule.
 *
 * A thread "has a request open" from the moment it read the request's head until the response
 * begins. Outgoing work of that thread belongs to it - if threads handle one request at a time. The
 * gate closes for the whole process, for good, at the first sign that they do not:
 *   - a thread reads a request while the one it read before, on another connection or another stream
 *     of one, is not done;
 *   - a thread with an open request goes (back) to wait in a server's event loop, or accepts;
 *   - a request is answered by another thread than the one that read it.
 * Of requests pipelined on one connection nobody knows which one the thread is at: it has none open.
 *
 * On a connection of many streams a thread writes what others have put there, too, before they ever touched it: there
 * nothing of threads is believed, what adapters say of them included, once
 *   - there is a second thread: one that reads requests, or that is started while the thread serves none;
 *   - a thread uses such a connection that another one opened;
 * but within a call of a library that has the connection to itself.
 * Measured with this gate: no wrong parent in any runtime (docs/CONTEXT.md); without it up to
 * 99.9 % wrong on event loops.
 */
#include "agent/context.h"

#include "agent/answered.h"
#include "agent/resend.h"
#include "agent/unwritten.h"
#include "base/log.h"

static const struct rm_config *config;
static _Atomic(const struct rm_adapter *) adapter;
static atomic_bool gate_closed;
static atomic_bool streams_joint; /* several threads may have to do with one connection of many streams */
static atomic_bool answered_elsewhere; /* some thread read what another one had asked for */
static _Atomic(const struct rm_thread *) reader; /* the first one that read a request */
static atomic_bool served; /* the process read a request: its TRACEPARENT explains nothing any more */
static _Atomic uint64_t source_count[RM_SOURCE_COUNT];

static const char source_names[RM_SOURCE_COUNT][12] = {
	[RM_SOURCE_NONE] = "none",         [RM_SOURCE_HEADER] = "header",   [RM_SOURCE_PROGRAM] = "program",
	[RM_SOURCE_BOUND] = "bound",       [RM_SOURCE_ATTACHED] = "attached", [RM_SOURCE_HANDOFF] = "handoff",
	[RM_SOURCE_THREAD] = "thread",     [RM_SOURCE_CONNECT] = "connect", [RM_SOURCE_PROCESS] = "process",
	[RM_SOURCE_MESSAGE] = "message",
};

const char *rm_context_shown_source(const struct rm_parent *parent)
{
	return config->parent_source ? source_names[parent->source] : NULL;
}

void rm_context_init(const struct rm_config *c)
{
	config = c;
}

const struct rm_config *rm_context_config(void)
{
	return config;
}

void rm_context_use(const struct rm_adapter *a)
{
	const struct rm_adapter *none = NULL;

	atomic_compare_exchange_strong(&adapter, &none, a);
}

uint64_t rm_context_count(enum rm_source source)
{
	return atomic_load_explicit(&source_count[source], memory_order_relaxed);
}

void rm_context_report(void)
{
	char line[256];
	struct rm_strbuf b;

	rm_strbuf_init(&b, line, sizeof(line));
	for (int i = 0; i < RM_SOURCE_COUNT; i++) {
		if (!rm_context_count((enum rm_source)i))
			continue;
		rm_strbuf_char(&b, ' ');
		rm_strbuf_c(&b, source_names[i]);
		rm_strbuf_char(&b, ' ');
		rm_strbuf_u64(&b, rm_context_count((enum rm_source)i));
	}
	if (b.n) {
		struct rm_str shown = rm_strbuf_view(&b);

		rm_debug(RM_LOG_TRACE, "parents of requests that went out:%S", &shown);
	}
}

static void close_gate(const char *why)
{
	if (!atomic_exchange(&gate_closed, true))
		rm_debug(RM_LOG_TRACE, "thread rule off: %s", why);
}

static void join_streams(const char *why)
{
	if (!atomic_exchange(&streams_joint, true))
		rm_debug(RM_LOG_TRACE, "thread rule off for connections of many streams: %s", why);
}

void rm_context_connected(struct rm_thread *t, struct rm_conn *c)
{
	c->connected_by = rm_context_here(t);
	c->connected_on = t;
	c->by_call = rm_resend_in_call(t);
}

void rm_context_shared(struct rm_conn *c)
{
	c->shared = 1;
	if (c->proto->multiplexes)
		join_streams("a thread used one that another one opened");
}

static void read_by(const struct rm_thread *t)
{
	const struct rm_thread *first = NULL;

	if (!atomic_compare_exchange_strong(&reader, &first, t) && first != t)
		join_streams("several threads read requests");
}

void rm_context_opened(struct rm_thread *t, struct rm_conn *c, uint32_t x)
{
	const struct rm_adapter *a = atomic_load_explicit(&adapter, memory_order_relaxed);
	uint32_t conn = atomic_load(&c->gen); /* tells connections apart together with the address */
	rm_ctx ctx = rm_exchange_ctx(x);

	rm_answered_begin();
	atomic_store_explicit(&served, true, memory_order_relaxed);
	if (!atomic_load_explicit(&streams_joint, memory_order_relaxed))
		read_by(t);
	t->pipelined = rm_ctx_exchange(t->open) != NULL;
	if (t->pipelined && (c->proto->multiplexes || t->open_conn != (conn ^ (uint32_t)(uintptr_t)c)))
		close_gate("a thread read a request while another one was not done");
	rm_exchange_at(x)->reader = t;
	t->open = ctx;
	t->open_conn = conn ^ (uint32_t)(uintptr_t)c;
	if (a && a->on_request)
		a->on_request(ctx);
}

void rm_context_answer(const struct rm_thread *t, const struct rm_conn *c)
{
	if (c->asked_on == t || c->proto->multiplexes || c->proto->client_only)
		return;
	if (!atomic_exchange(&answered_elsewhere, true))
		rm_debug(RM_LOG_TRACE, "thread rule off for connections that threads share: an answer is read by another one than asked");
}

bool rm_context_tell(uint32_t x, int fd)
{
	const struct rm_adapter *a = atomic_load_explicit(&adapter, memory_order_relaxed);

	return a && a->tell && a->tell(rm_exchange_ctx(x), fd);
}

bool rm_loop_matters(void)
{
	return rm_thread_self()->open != 0;
}

/* True while the request the thread read last has no answer yet. */
static bool is_open(const struct rm_thread *t)
{
	struct rm_exchange *e = t->open ? rm_ctx_exchange(t->open) : NULL;

	return e && atomic_load_explicit(&e->phase, memory_order_relaxed) == RM_PHASE_OPEN;
}

void rm_thread_starts(void)
{
	if (!is_open(rm_thread_self()) && !atomic_load_explicit(&streams_joint, memory_order_relaxed))
		join_streams("there is another thread");
}

void rm_loop_wait(int epfd)
{
	struct rm_thread *t = rm_thread_self();

	t->waits++;
	if (t->open && (epfd < 0 || rm_fd_is_loop(epfd)) && is_open(t))
		close_gate("a thread with an open request waits in a server's event loop");
}

void rm_many_wait(void)
{
	rm_thread_self()->waits++;
}

void rm_context_accepted(struct rm_thread *t)
{
	if (is_open(t))
		close_gate("a thread with an open request accepts a connection");
}

void rm_context_answered(struct rm_thread *t, uint32_t x)
{
	const struct rm_exchange *e = rm_exchange_at(x);

	if (e->epoch != rm_epoch())
		return;
	rm_answered_mark(x, (uint32_t)(rm_exchange_ctx(x) >> 32));
	if (e->reader != t)
		close_gate("a request is answered by another thread than read it");
}

/* As below, of this process or of the one that it was forked off. */
static rm_ctx open_here(struct rm_thread *t)
{
	if (atomic_load_explicit(&gate_closed, memory_order_relaxed) || t->pipelined || !is_open(t))
		return 0;
	return t->open;
}

static bool is_ours(rm_ctx ctx)
{
	return ctx && rm_exchange_at((uint32_t)ctx)->epoch == rm_epoch();
}

rm_ctx rm_context_here(struct rm_thread *t)
{
	rm_ctx here = open_here(t);

	/* A forked child may be one that works for all: nobody sees what it reads from pipes. */
	return is_ours(here) ? here : 0;
}

/*
 * What the adapter says of the code that the thread runs: it has attached it, or is asked. 0: nothing, RM_CTX_NOBODY: nobody's.
 */
static rm_ctx said_of(const struct rm_thread *t, bool alone, enum rm_source *ret_how)
{
	const struct rm_adapter *a = atomic_load_explicit(&adapter, memory_order_relaxed);

	if (!t->attached && a && a->runs)
		return a->runs(alone, ret_how);
	*ret_how = (enum rm_source)t->attached_how;
	return t->attached && a && a->holds && !a->holds() ? RM_CTX_NOBODY : t->attached;
}

/* The same of one that is served still; 0: none. */
static rm_ctx if_live(rm_ctx ctx)
{
	return ctx != RM_CTX_NOBODY && rm_ctx_exchange(ctx) ? ctx : 0;
}

/* True where an adapter has spoken. */
static bool is_said(const struct rm_thread *t)
{
	enum rm_source how;

	return said_of(t, false, &how) != 0;
}

rm_ctx rm_context_current(struct rm_thread *t, enum rm_source *ret_source)
{
	enum rm_source how = RM_SOURCE_ATTACHED;
	rm_ctx ctx = said_of(t, false, &how);

	if (ret_source)
		*ret_source = ctx ? how : RM_SOURCE_THREAD;
	return ctx ? if_live(ctx) : rm_context_here(t);
}

/* Makes a live SERVER exchange the parent. False when it has ended meanwhile. */
static bool take_server(rm_ctx ctx, enum rm_source source, struct rm_parent *ret)
{
	struct rm_exchange *e = rm_ctx_exchange(ctx);

	if (!e)
		return false;
	*ret = (struct rm_parent){ .ctx = e->ctx, .source = source, .server = ctx,
				   .tracestate = rm_exchange_tracestate(e), .baggage = rm_exchange_baggage(e) };
	return rm_parent_lives(ret);
}

bool rm_parent_lives(const struct rm_parent *p)
{
	__sync_synchronize(); /* what was read of it was read before this look */
	return !p->server || rm_ctx_exchange(p->server);
}

bool rm_parent_came_with(const struct rm_parent *p, const struct rm_spanctx *in)
{
	const struct rm_exchange *server = p->server ? rm_ctx_exchange(p->server) : NULL;
	struct rm_spanctx came;

	if (!server)
		return false;
	came = server->parent;
	if (!in->valid)
		return in->trace_only && memcmp(in->trace_id, p->ctx.trace_id, 16) == 0;
	return memcmp(in->span_id, p->ctx.span_id, 8) == 0 ||
	       (came.valid && memcmp(in->span_id, came.span_id, 8) == 0 && rm_parent_lives(p));
}

/* The request carries a context: ours (rung 1), forwarded unchanged, or the program's own. */
static void find_carried(rm_ctx here, const struct rm_spanctx *in, struct rm_parent *ret)
{
	uint32_t x = rm_exchange_by_id(in);
	struct rm_exchange *e = rm_ctx_exchange(here);

	/* Between the two looks the exchange may have become another one. */
	if (x && take_server(rm_exchange_ctx(x), RM_SOURCE_HEADER, ret) &&
	    memcmp(ret->ctx.span_id, in->span_id, 8) == 0)
		return;
	if (e && e->parent.valid && memcmp(e->parent.trace_id, in->trace_id, 16) == 0 &&
	    memcmp(e->parent.span_id, in->span_id, 8) == 0 && take_server(here, RM_SOURCE_HEADER, ret))
		return;
	if (!take_server(rm_unwritten_find(in), RM_SOURCE_HEADER, ret))
		*ret = (struct rm_parent){ .ctx = *in, .source = RM_SOURCE_PROGRAM };
}

static bool resolve_header(struct rm_thread *t, const struct rm_spanctx *in, struct rm_parent *ret)
{
	const struct rm_adapter *a = atomic_load_explicit(&adapter, memory_order_relaxed);

	find_carried(rm_context_current(t, NULL), in, ret);
	if (ret->source == RM_SOURCE_HEADER && a && a->carried)
		a->carried();
	return true;
}

/* What the thread sends on `c` is that of a library's call, which has the connection to itself. */
static bool is_within_call(const struct rm_thread *t, const struct rm_conn *c)
{
	return c->by_call && rm_resend_in_call(t);
}

/* False where the thread may write for others: then who runs in it says nothing of what it sends. */
static bool writes_its_own(const struct rm_thread *t, const struct rm_conn *c)
{
	if (!c->proto || !c->proto->multiplexes || is_within_call(t, c))
		return true;
	return !c->shared && !atomic_load_explicit(&streams_joint, memory_order_relaxed) &&
	       !atomic_load_explicit(&gate_closed, memory_order_relaxed);
}

/* False where threads send what others have asked for, as clients do whose answers another thread reads. */
static bool asks_its_own(const struct rm_thread *t, const struct rm_conn *c)
{
	return !atomic_load_explicit(&answered_elsewhere, memory_order_relaxed) || !c->proto || c->proto->client_only ||
	       !c->shared || is_within_call(t, c);
}

/* What only threads and processes tell: asked where no adapter has spoken. */
static bool resolve_thread(struct rm_thread *t, struct rm_conn *c, struct rm_parent *ret)
{
	rm_ctx here = rm_context_here(t);

	if (!asks_its_own(t, c))
		return false;
	if (here && take_server(here, RM_SOURCE_THREAD, ret))
		return true;
	/* Another thread may have been given the connection for something else. */
	return !c->first_sent && !c->shared && is_ours(c->connected_by) &&
	       !atomic_load_explicit(&gate_closed, memory_order_relaxed) &&
	       take_server(c->connected_by, RM_SOURCE_CONNECT, ret);
}

/* What the process was started for, as long as it serves nobody else. */
static bool take_process(struct rm_parent *ret)
{
	if (!config->parent.valid || atomic_load_explicit(&served, memory_order_relaxed))
		return false;
	*ret = (struct rm_parent){ .ctx = config->parent, .source = RM_SOURCE_PROCESS, .remote = true,
				   .tracestate = config->parent_tracestate, .baggage = config->parent_baggage };
	return true;
}

static bool resolve_ladder(struct rm_thread *t, struct rm_conn *c, const struct rm_spanctx *in,
			   struct rm_parent *ret)
{
	enum rm_source how = RM_SOURCE_ATTACHED;
	rm_ctx ctx;

	if (in->valid)
		return resolve_header(t, in, ret);
	if (c->bound)
		return c->bound != RM_CTX_NOBODY && take_server(c->bound, RM_SOURCE_BOUND, ret);
	ctx = said_of(t, c->proto && !c->proto->multiplexes && !c->proto->client_only, &how);
	if (ctx)
		return ctx != RM_CTX_NOBODY && writes_its_own(t, c) && take_server(ctx, how, ret);
	if (writes_its_own(t, c) && resolve_thread(t, c, ret))
		return true;
	return take_process(ret);
}

/* What was found, or that nothing was. */
static void settle(bool found, struct rm_parent *ret)
{
	if (!found)
		*ret = (struct rm_parent){ .source = RM_SOURCE_NONE };
	atomic_fetch_add_explicit(&source_count[ret->source], 1, memory_order_relaxed);
}

void rm_context_resolve(struct rm_thread *t, struct rm_conn *c, const struct rm_spanctx *in,
			struct rm_parent *ret)
{
	settle(resolve_ladder(t, c, in, ret), ret);
}

void rm_context_resolved(const struct rm_parent *parent)
{
	atomic_fetch_add_explicit(&source_count[parent->source], 1, memory_order_relaxed);
}

bool rm_context_for_log(struct rm_thread *t, struct rm_spanctx *ret)
{
	rm_ctx ctx = rm_context_current(t, NULL);
	struct rm_parent parent;

	if (ctx ? !take_server(ctx, RM_SOURCE_THREAD, &parent) : is_said(t) || !take_process(&parent))
		return false;
	*ret = parent.ctx;
	return true;
}

/* See context.h: whose code this is says nothing of whose message it is. */
static bool resolve_message(struct rm_thread *t, struct rm_conn *c, const struct rm_spanctx *in, struct rm_parent *ret)
{
	if (in->valid)
		return resolve_header(t, in, ret);
	if (c->bound)
		return c->bound != RM_CTX_NOBODY && take_server(c->bound, RM_SOURCE_BOUND, ret);
	if (is_said(t))
		return false;
	return (!c->shared && resolve_thread(t, c, ret)) || take_process(ret);
}

void rm_context_resolve_sent(struct rm_thread *t, struct rm_conn *c, const struct rm_spanctx *in, struct rm_parent *ret)
{
	settle(resolve_message(t, c, in, ret), ret);
}

void rm_context_resolve_received(const struct rm_spanctx *in, struct rm_parent *ret)
{
	if (in->valid)
		*ret = (struct rm_parent){ .ctx = *in, .source = RM_SOURCE_MESSAGE, .remote = true };
	settle(in->valid || take_process(ret), ret);
}

bool rm_context_find_here(struct rm_thread *t, bool any, struct rm_parent *ret)
{
	static const struct rm_spanctx none;
	static struct rm_conn nowhere; /* neither bound nor connected for anybody; read only */
	bool found = resolve_ladder(t, &nowhere, &none, ret);

	if (found || any)
		settle(found, ret);
	return found || any;
}

void rm_context_resolve_here(struct rm_thread *t, struct rm_parent *ret)
{
	rm_context_find_here(t, true, ret);
}

/* ---- children ---- */

static char *append_var(struct rm_strbuf *b, const char *name, struct rm_str value)
{
	char *start = b->p + b->n;

	rm_strbuf_c(b, name);
	rm_strbuf_str(b, value);
	rm_strbuf_char(b, '\0');
	return b->truncated ? NULL : start;
}

/*
 * Whom a program belongs to that is started now. A forked child that becomes one belongs to the request that its
 * parent forked it for; a child of its own, or one that it spawns, may be for another.
 */
static rm_ctx starter(struct rm_thread *t, bool becomes)
{
	rm_ctx ctx = rm_context_current(t, NULL), open;

	if (ctx || is_said(t) || !becomes)
		return ctx;
	open = open_here(t);
	return open && rm_answered_by_parent(rm_exchange_at((uint32_t)open)->epoch) ? open : 0;
}

bool rm_child_env(struct rm_child_env *room, bool becomes)
{
	struct rm_parent parent = { 0 };
	struct rm_scope s;
	char traceparent[RM_TRACEPARENT_BYTES], xray_text[RM_XRAY_BYTES];
	struct rm_strbuf b, xray;
	int n = 0;

	if (!rm_active() || !config || !(config->propagators & (RM_PROP_TRACECONTEXT | RM_PROP_XRAY)))
		return false;
	if (rm_enter(&s)) /* a visit notices a fork */
		rm_leave(&s);
	if (!take_server(starter(rm_thread_self(), becomes), RM_SOURCE_THREAD, &parent))
		return false;
	rm_strbuf_init(&b, room->text, sizeof(room->text));
	rm_strbuf_init(&xray, xray_text, sizeof(xray_text));
	if (config->propagators & RM_PROP_TRACECONTEXT) {
		rm_traceparent_format(&parent.ctx, traceparent);
		room->vars[n++] = append_var(&b, "TRACEPARENT=", (struct rm_str){ traceparent, sizeof(traceparent) });
	}
	/* An empty one replaces what the process itself was started with. */
	if (config->propagators & RM_PROP_TRACECONTEXT && (parent.tracestate.n || config->parent_tracestate.n))
		room->vars[n++] = append_var(&b, "TRACESTATE=", parent.tracestate);
	if (config->propagators & RM_PROP_XRAY) {
		rm_xray_format(&parent.ctx, &xray);
		room->vars[n++] = append_var(&b, "X_AMZN_TRACE_ID=", rm_strbuf_view(&xray));
	}
	if ((parent.baggage.n || config->parent_baggage.n) && (config->propagators & RM_PROP_BAGGAGE))
		room->vars[n++] = append_var(&b, "BAGGAGE=", parent.baggage);
	room->vars[n] = NULL;
	return !b.truncated && rm_parent_lives(&parent);
}
