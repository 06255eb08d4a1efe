/*
 * From protocol events to exchanges: where requests get their identity, their parent, their span
 * record. What is changed in their heads is composed in agent/edit.c.
 *
 * Runs in hooks with the connection locked. States of an exchange: BEGUN (first byte) -> OPEN (head
 * read: identity, parent, sampling fixed) -> ANSWERED (response began) -> ended. Whatever goes
 * wrong on the way costs this span and nothing else.
 */
#include "agent/observe.h"

#include "agent/context.h"
#include "agent/edit.h"
#include "agent/outlet.h"
#include "agent/resend.h"
#include "agent/sampler.h"
#include "agent/semconv.h"
#include "agent/semconv_db.h"
#include "agent/stream.h"
#include "agent/tls_hello.h"
#include "base/clock.h"
#include "base/log.h"

enum { TRACESTATES_BYTES = RM_TRACESTATE_MAX_BYTES * 4 /* of several headers, before they are cut */ };

static uint64_t now(struct rm_visit *v)
{
	if (!v->now_ns)
		v->now_ns = rm_clock_mono_ns();
	return v->now_ns;
}

static rm_xid on_request(struct rm_sink *sink, void *visit)
{
	struct rm_visit *v = visit;

	return rm_exchange_begin(v->conn->role == RM_ROLE_CLIENT ? RM_KIND_CLIENT : RM_KIND_SERVER, now(v),
				 v->thread);
}

static void new_trace_id(struct rm_random *random, uint8_t ret[16])
{
	uint64_t high = rm_random_u64(random), low = rm_random_u64(random);

	memcpy(ret, &high, 8);
	memcpy(ret + 8, &low, 8);
}

void rm_observe_identify(struct rm_random *random, uint32_t x, struct rm_exchange *e)
{
	bool sampled;

	e->ctx.valid = true;
	e->ctx.sampled_known = true;
	e->ctx.debug = e->parent.debug;
	if (e->parent.valid) {
		memcpy(e->ctx.trace_id, e->parent.trace_id, 16);
		e->ctx.flags = e->parent.flags & RM_FLAG_RANDOM;
	} else {
		new_trace_id(random, e->ctx.trace_id);
		e->ctx.flags = RM_FLAG_RANDOM;
	}
	rm_exchange_span_id(x, random, e->ctx.span_id);
	sampled = rm_sampled(rm_context_config(), &e->parent, e->ctx.trace_id);
	e->ctx.flags |= sampled ? RM_FLAG_SAMPLED : 0;
}

/* ---- requests that come in ---- */

/* Keeps what the spans below this one are to send on; several baggage headers become one. */
static void carry(struct rm_exchange *e, struct rm_str tracestate, const struct rm_config *config,
		  const struct rm_carriers *carriers)
{
	rm_text room = carriers->count[RM_CARRIER_BAGGAGE] > 1 ? rm_text_get(RM_BAGGAGE_MAX_BYTES) : 0;
	struct rm_str baggage = { 0 };
	struct rm_strbuf joined;

	rm_strbuf_init(&joined, room ? rm_text_at(room) : NULL, room ? RM_BAGGAGE_MAX_BYTES : 0);
	if (config->propagators & RM_PROP_BAGGAGE)
		baggage = rm_extract_baggage(carriers, &joined);
	rm_exchange_carry(e, tracestate, baggage);
	rm_text_put(room);
}

static void on_server_head(struct rm_visit *v, uint32_t x, struct rm_exchange *e,
			   const struct rm_head *head, uint32_t blank_at)
{
	const struct rm_config *config = rm_context_config();
	struct rm_fields fields;
	struct rm_str tracestate;
	struct rm_strbuf b;
	rm_text state;

	rm_fields_read(head, &fields);
	state = fields.carriers.count[RM_CARRIER_TRACESTATE] ? rm_text_get(TRACESTATES_BYTES) : 0;
	rm_strbuf_init(&b, state ? rm_text_at(state) : NULL, state ? TRACESTATES_BYTES : 0);
	rm_extract(config->propagators, &fields.carriers, &e->parent, &b);
	e->parent_remote = e->parent.valid;
	tracestate = e->parent.valid ? rm_tracestate_fit(&b) : (struct rm_str){ 0 };
	rm_observe_identify(&v->thread->random, x, e);
	carry(e, tracestate, config, &fields.carriers);
	rm_text_put(state);
	atomic_store_explicit(&e->phase, RM_PHASE_OPEN, memory_order_release);
	rm_context_opened(v->thread, v->conn, x);
	rm_resend_forget(v->thread);
	if (e->ctx.flags & RM_FLAG_SAMPLED) {
		rm_semconv_request(e, config, v->conn, head, &fields, NULL);
		/* Joining the relay takes a while, and who has the answer may end this process at once. */
		rm_outlet_segment(&v->thread->ring);
	}
	if (config->ingress && !v->conn->peeked && !rm_edit_incoming(v, head, blank_at, &fields, &e->ctx))
		rm_lost(v->thread, RM_LOST_INGRESS);
}

/* ---- requests that go out ---- */

static void inject(struct rm_visit *v, const struct rm_exchange *e, const struct rm_head *head,
		   uint32_t blank_at, const struct rm_fields *fields, bool replace)
{
	const struct rm_carried what = {
		.ctx = &e->ctx,
		.tracestate = rm_exchange_tracestate(e),
		.baggage = rm_exchange_baggage(e),
		.fields = fields,
		.replace = replace,
	};

	if (rm_edit_outgoing(v, head, blank_at, &what))
		return;
	rm_debug(RM_LOG_TRACE, "%s %d: the request goes out without all of our context", rm_visit_kind(v),
		 rm_visit_number(v));
	rm_lost(v->thread, RM_LOST_INJECT);
}

/* Fixes what a CLIENT span belongs to, and who it is; `in` is the context that its head has already. */
static void place(struct rm_visit *v, uint32_t x, struct rm_exchange *e, const struct rm_spanctx *in,
		  struct rm_parent *ret)
{
	rm_context_resolve(v->thread, v->conn, in, ret);
	e->parent = ret->ctx;
	e->parent_remote = ret->remote;
	rm_observe_identify(&v->thread->random, x, e);
	rm_exchange_carry(e, ret->tracestate, ret->baggage);
	if (!rm_parent_lives(ret))
		rm_exchange_carry_nothing(e);
	atomic_store_explicit(&e->phase, RM_PHASE_OPEN, memory_order_release);
}

static const char *shown_source(const struct rm_config *config, const struct rm_parent *parent)
{
	return config->parent_source ? rm_source_name(parent->source) : NULL;
}

static void on_client_head(struct rm_visit *v, uint32_t x, struct rm_exchange *e,
			   const struct rm_head *head, uint32_t blank_at)
{
	const struct rm_config *config = rm_context_config();
	struct rm_fields fields;
	struct rm_parent parent;
	struct rm_spanctx in;
	struct rm_strbuf no_state; /* what the program wrote there goes out as it is */

	rm_fields_read(head, &fields);
	rm_strbuf_init(&no_state, NULL, 0);
	rm_extract(config->propagators, &fields.carriers, &in, &no_state);
	place(v, x, e, &in, &parent);
	if (e->ctx.flags & RM_FLAG_SAMPLED)
		rm_semconv_request(e, config, v->conn, head, &fields, shown_source(config, &parent));
	if (!head->gateway)
		rm_resend_request(v->thread, x, e, head);
	/* A live span of ours in the header came from us: the next hop shall see this CLIENT span. */
	if (parent.source != RM_SOURCE_PROGRAM)
		inject(v, e, head, blank_at, &fields,
		       parent.source == RM_SOURCE_HEADER && fields.carriers.count[RM_CARRIER_TRACEPARENT] == 1);
}

static void log_span(const struct rm_visit *v, const struct rm_exchange *e)
{
	char ids[RM_TRACEPARENT_BYTES];
	struct rm_str shown = { ids, sizeof(ids) };

	rm_traceparent_format(&e->ctx, ids);
	rm_debug(RM_LOG_TRACE, "%s %d: %s span %S, parent %s", rm_visit_kind(v), rm_visit_number(v),
		 e->kind == RM_KIND_SERVER ? "SERVER" : "CLIENT", &shown,
		 !e->parent.valid ? "none" : e->parent_remote ? "remote" : "here");
}

static bool on_request_head(struct rm_sink *sink, rm_xid x, const struct rm_head *head, uint32_t blank_at)
{
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_exchange *e;

	if (!x) {
		v->conn->first_sent = 1;
		return true;
	}
	e = rm_exchange_at(x);
	rm_peer_ask(&v->conn->peer, v->fd);
	if (e->kind == RM_KIND_SERVER)
		on_server_head(v, x, e, head, blank_at);
	else
		on_client_head(v, x, e, head, blank_at);
	v->conn->first_sent = 1;
	if (rm_log_topics()) {
		rm_debug(RM_LOG_HTTP1, "%s %d: %S request", rm_visit_kind(v), rm_visit_number(v), &head->method);
		log_span(v, e);
	}
	/* One head makes two edits at most. */
	v->full = v->edit_count + 2 > RM_TX_EDITS;
	return !v->full;
}

static void on_operation(struct rm_sink *sink, rm_xid x, const struct rm_operation *op)
{
	static const struct rm_spanctx none;
	struct rm_visit *v = (struct rm_visit *)sink;
	const struct rm_config *config = rm_context_config();
	struct rm_exchange *e = x ? rm_exchange_at(x) : NULL;
	struct rm_parent parent;

	if (e) {
		rm_peer_ask(&v->conn->peer, v->fd);
		place(v, x, e, &none, &parent);
		e->operation = true;
		if (e->ctx.flags & RM_FLAG_SAMPLED)
			rm_semconv_operation(e, config, &v->conn->peer, op, shown_source(config, &parent));
		if (rm_log_topics())
			log_span(v, e);
	}
	v->conn->first_sent = 1;
}

static void on_request_end(struct rm_sink *sink, rm_xid x, uint64_t body_bytes)
{
	if (x)
		rm_exchange_at(x)->request_body_bytes = body_bytes;
}

/* ---- responses ---- */

static void on_response(struct rm_sink *sink, rm_xid x)
{
	struct rm_exchange *e;

	if (!x)
		return;
	e = rm_exchange_at(x);
	if (atomic_load_explicit(&e->phase, memory_order_relaxed) != RM_PHASE_OPEN)
		return;
	atomic_store_explicit(&e->phase, RM_PHASE_ANSWERED, memory_order_release);
	if (e->kind == RM_KIND_SERVER)
		rm_context_answered(((struct rm_visit *)sink)->thread, x);
}

static void on_response_head(struct rm_sink *sink, rm_xid x, const struct rm_head *head)
{
	const struct rm_visit *v = (const struct rm_visit *)sink;
	struct rm_exchange *e;

	if (!x)
		return;
	e = rm_exchange_at(x);
	rm_debug(RM_LOG_HTTP1, "%s %d: response %d", rm_visit_kind(v), rm_visit_number(v), head->status);
	if (e->kind == RM_KIND_CLIENT)
		rm_resend_response(v->thread, x, e, head);
	if (e->record)
		rm_semconv_response(e, rm_context_config(), head);
}

static void on_outcome(struct rm_sink *sink, rm_xid x, const struct rm_outcome *outcome)
{
	if (x && rm_exchange_at(x)->record)
		rm_semconv_outcome(rm_exchange_at(x), outcome);
}

static void on_response_trailers(struct rm_sink *sink, rm_xid x, const struct rm_head *head)
{
	if (x && rm_exchange_at(x)->record)
		rm_semconv_trailers(rm_exchange_at(x), head);
}

static void on_response_end(struct rm_sink *sink, rm_xid x, uint64_t body_bytes)
{
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_exchange *e;

	if (!x)
		return;
	e = rm_exchange_at(x);
	if (e->record && !e->operation)
		rm_semconv_bodies(e, body_bytes, now(v));
	rm_exchange_end(x, now(v), v->thread);
}

static void on_broken(struct rm_sink *sink, rm_xid x, struct rm_str error)
{
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_exchange *e;

	if (!x)
		return;
	e = rm_exchange_at(x);
	if (v->discard || error.n == 0 || atomic_load(&e->phase) < RM_PHASE_OPEN) {
		if (v->discard && e->record && e->epoch == rm_epoch())
			rm_lost(v->thread, RM_LOST_MUTED);
		else if (v->starved && atomic_load(&e->phase) < RM_PHASE_OPEN)
			rm_lost(v->thread, RM_LOST_EXCHANGE);
		rm_exchange_drop(x);
		return;
	}
	if (e->record)
		rm_semconv_broken(e, v->exits ? RM_STR("process_exit") : error, now(v));
	rm_exchange_end(x, now(v), v->thread);
}

static void on_hand_over(struct rm_sink *sink, rm_xid x, const char *proto)
{
	struct rm_visit *v = (struct rm_visit *)sink;

	v->next_proto = proto;
	v->handed_over = x;
}

/* ---- memory of protocols ---- */

static char *on_stash(struct rm_sink *sink, enum rm_stash which, uint32_t bytes)
{
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_conn *c = v->conn;
	rm_text old = c->stash[which], grown;

	if (old && rm_text_cap(old) >= bytes)
		return rm_text_at(old);
	grown = rm_text_get(bytes);
	v->starved = !grown;
	if (!grown)
		return NULL;
	if (old) {
		memcpy(rm_text_at(grown), rm_text_at(old), rm_text_cap(old));
		rm_text_put(old);
	}
	c->stash[which] = grown;
	return rm_text_at(grown);
}

static void on_unstash(struct rm_sink *sink, enum rm_stash which)
{
	struct rm_conn *c = ((struct rm_visit *)sink)->conn;

	rm_text_put(c->stash[which]);
	c->stash[which] = 0;
}

static void *on_scratch(struct rm_sink *sink, uint32_t bytes)
{
	struct rm_visit *v = (struct rm_visit *)sink;

	if (!v->scratch)
		v->scratch = rm_text_get(bytes);
	v->starved = !v->scratch;
	return v->scratch ? rm_text_at(v->scratch) : NULL;
}

static void on_secured(struct rm_sink *sink, const uint8_t random[RM_TLS_RANDOM_BYTES])
{
	rm_tls_hello((struct rm_visit *)sink, random);
}

const struct rm_sink_calls rm_observe = {
	.request = on_request,
	.request_head = on_request_head,
	.operation = on_operation,
	.request_end = on_request_end,
	.response = on_response,
	.response_head = on_response_head,
	.outcome = on_outcome,
	.response_trailers = on_response_trailers,
	.response_end = on_response_end,
	.broken = on_broken,
	.hand_over = on_hand_over,
	.stash = on_stash,
	.unstash = on_unstash,
	.scratch = on_scratch,
	.secured = on_secured,
};
