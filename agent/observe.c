/*
 * From protocol events to exchanges: where requests get their identity, their parent, their span
 * record. What is changed in their heads is composed in agent/edit.c.
 *
 * Runs in hooks with the connection locked. States of an exchange: BEGUN (first byte) -> OPEN (head
 * read: identity, parent, sampling fixed) -> ANSWERED (response began) -> ended. Whatever goes
 * wrong on the way costs this span and nothing else.
 */
#include "agent/observe.h"

#include "agent/alike.h"
#include "agent/context.h"
#include "agent/crash_facts.h"
#include "agent/dns.h"
#include "agent/edit.h"
#include "agent/identity.h"
#include "agent/lend.h"
#include "agent/lookup.h"
#include "agent/messages.h"
#include "agent/outlet.h"
#include "agent/resend.h"
#include "agent/semconv.h"
#include "agent/semconv_api.h"
#include "agent/semconv_db.h"
#include "agent/semconv_messaging.h"
#include "agent/setup.h"
#include "agent/slow.h"
#include "agent/stream.h"
#include "agent/unwritten.h"
#include "base/clock.h"
#include "base/log.h"

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

static void name_rule(struct rm_exchange *e, struct rm_str rule)
{
	if (e->record && rule.n)
		rm_builder_str(&e->builder, RM_KEY_AWS_XRAY_SAMPLING_RULE_NAME, rule);
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

/*
 * True when the code that serves the request is told whose it is by its runtime, so that no header needs to: programs that
 * forward one which came with it forward ours.
 */
static bool is_told(const struct rm_visit *v, uint32_t x, const struct rm_head *head, const struct rm_fields *fields)
{
	if (!v->conn->followed || head->gateway || head->block || !head->alone || !rm_context_tell(x, v->fd))
		return false;
	return !fields->carriers.count[RM_CARRIER_TRACEPARENT] && rm_context_config()->propagators & RM_PROP_TRACECONTEXT;
}

/* The record of a request, which may be like one before. `shown`: how its parent was found, if that is to be said. */
static void describe(struct rm_visit *v, struct rm_exchange *e, const struct rm_head *head, const struct rm_fields *fields,
		     struct rm_repeat *again, const char *shown)
{
	const struct rm_config *config = rm_context_config();

	if (again && !shown && rm_repeat_request(again, e, config, v->conn, head))
		return;
	rm_semconv_request(e, config, v->conn, head, fields, shown);
	if (again && !shown)
		rm_repeat_keep(again, e, config, v->conn, head);
}

/* Who the span of a request is that came with trace context. */
static __attribute__((noinline)) struct rm_str receive(struct rm_visit *v, uint32_t x, struct rm_exchange *e,
						       const struct rm_head *head, const struct rm_carriers *carriers)
{
	const struct rm_config *config = rm_context_config();
	rm_text state = carriers->count[RM_CARRIER_TRACESTATE] ? rm_text_get(RM_TRACESTATES_BYTES) : 0;
	struct rm_str tracestate, rule;
	struct rm_strbuf b;

	rm_strbuf_init(&b, state ? rm_text_at(state) : NULL, state ? RM_TRACESTATES_BYTES : 0);
	rm_extract(config->propagators, carriers, &e->parent, &b);
	e->parent_remote = e->parent.valid;
	v->conn->asked |= e->parent.asks;
	tracestate = e->parent.valid ? rm_tracestate_fit(&b) : (struct rm_str){ 0 };
	rule = rm_identity_fix(v->thread, x, e, head);
	carry(e, tracestate, config, carriers);
	rm_text_put(state);
	return rule;
}

/* The same of one that came without. */
static struct rm_str begin_trace(struct rm_visit *v, uint32_t x, struct rm_exchange *e, const struct rm_head *head)
{
	struct rm_str rule = rm_identity_fix(v->thread, x, e, head);

	if (e->threshold)
		rm_exchange_carry(e, (struct rm_str){ NULL, 0 }, (struct rm_str){ NULL, 0 });
	return rule;
}

static void on_server_head(struct rm_visit *v, uint32_t x, struct rm_exchange *e,
			   const struct rm_head *head, uint32_t blank_at)
{
	const struct rm_config *config = rm_context_config();
	struct rm_repeat *again = rm_repeat_of(v->memo, head);
	struct rm_fields own;
	const struct rm_fields *fields = again ? &again->fields : &own;
	struct rm_str rule;

	if (!again)
		rm_fields_read(head, &own);
	rule = fields->carriers.seen ? receive(v, x, e, head, &fields->carriers) : begin_trace(v, x, e, head);
	atomic_store_explicit(&e->phase, RM_PHASE_OPEN, memory_order_release);
	rm_context_opened(v->thread, v->conn, x);
	rm_resend_forget(v->thread);
	if (e->ctx.flags & RM_FLAG_SAMPLED) {
		describe(v, e, head, fields, again, NULL);
		name_rule(e, rule);
		/* Joining the relay takes a while, and who has the answer may end this process at once. */
		rm_outlet_segment(&v->thread->ring);
	}
	if (is_told(v, x, head, fields) || !config->ingress || v->conn->peeked)
		return;
	if (!rm_edit_incoming(v, head, blank_at, fields, &e->ctx)) {
		rm_lost(v->thread, RM_LOST_INGRESS);
		if (e->parent.valid)
			rm_unwritten_note(x);
	}
}

/* ---- requests that go out ---- */

/* True when the request has the X-Amzn-Trace-Id that came with the one that it is for. Others are the program's own, and stay. */
static bool forwards_xray(const struct rm_fields *fields, const struct rm_parent *parent)
{
	struct rm_spanctx in;

	if (fields->carriers.count[RM_CARRIER_XRAY] != 1 || !(rm_context_config()->propagators & RM_PROP_XRAY))
		return false;
	rm_xray_parse(fields->xray->value, &in);
	return rm_parent_came_with(parent, &in);
}

static void inject(struct rm_visit *v, const struct rm_exchange *e, const struct rm_head *head,
		   uint32_t blank_at, const struct rm_fields *fields, const struct rm_parent *parent)
{
	const struct rm_carried what = {
		.ctx = &e->ctx,
		.tracestate = rm_exchange_tracestate(e),
		.baggage = rm_exchange_baggage(e),
		.fields = fields,
		.replace = parent->source == RM_SOURCE_HEADER && fields->carriers.count[RM_CARRIER_TRACEPARENT] == 1,
		.replace_xray = forwards_xray(fields, parent),
	};

	if (rm_edit_outgoing(v, head, blank_at, &what))
		return;
	rm_debug(RM_LOG_TRACE, "%s %d: the request goes out without all of our context", rm_visit_kind(v),
		 rm_visit_number(v));
	rm_lost(v->thread, RM_LOST_INJECT);
}

/* Fixes what a span of ours belongs to, and who it is; `in` is the context that its head has already. */
static struct rm_str place(struct rm_visit *v, uint32_t x, struct rm_exchange *e, const struct rm_spanctx *in,
			   const struct rm_head *head, struct rm_parent *ret)
{
	rm_context_resolve(v->thread, v->conn, in, ret);
	return rm_identity_adopt(v->thread, x, e, ret, head);
}

static void on_client_head(struct rm_visit *v, uint32_t x, struct rm_exchange *e,
			   const struct rm_head *head, uint32_t blank_at)
{
	struct rm_repeat *again = rm_repeat_of(v->memo, head);
	struct rm_fields own;
	const struct rm_fields *fields = again ? &again->fields : &own;
	struct rm_parent parent;
	struct rm_spanctx in;
	struct rm_strbuf no_state; /* what the program wrote there goes out as it is */
	struct rm_str rule;

	v->conn->asked_on = v->thread;
	if (!again)
		rm_fields_read(head, &own);
	rm_strbuf_init(&no_state, NULL, 0);
	rm_extract(rm_context_config()->propagators, &fields->carriers, &in, &no_state);
	rule = place(v, x, e, &in, head, &parent);
	if (e->ctx.flags & RM_FLAG_SAMPLED) {
		describe(v, e, head, fields, again, rm_context_shown_source(&parent));
		name_rule(e, rule);
	}
	rm_setup_tell(v->conn, v->thread, x);
	if (!head->gateway)
		rm_resend_request(v->thread, x, e, head);
	/* A live span of ours in the header came from us: the next hop shall see this CLIENT span. */
	if (parent.source != RM_SOURCE_PROGRAM)
		inject(v, e, head, blank_at, fields, &parent);
}

void rm_observe_log(const struct rm_visit *v, const struct rm_exchange *e)
{
	static const char kinds[][sizeof("INTERNAL")] = { "", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER" };
	char ids[RM_TRACEPARENT_BYTES];
	struct rm_str shown = { ids, sizeof(ids) };

	rm_traceparent_format(&e->ctx, ids);
	rm_debug(RM_LOG_TRACE, "%s %d: %s span %S, parent %s", rm_visit_kind(v), rm_visit_number(v),
		 kinds[e->kind], &shown,
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
		rm_observe_log(v, e);
	}
	/* One head makes two edits at most: a value that is replaced, and lines; with X-Ray two values. */
	v->full = v->edit_count + (rm_context_config()->propagators & RM_PROP_XRAY ? 3 : 2) > RM_TX_EDITS;
	return !v->full;
}

static bool on_shows(struct rm_sink *sink, rm_xid x)
{
	static const struct rm_spanctx none;
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_parent parent;

	if (!x)
		return false;
	if (v->placed != x) {
		place(v, x, rm_exchange_at(x), &none, NULL, &parent);
		v->placed = x;
		v->placed_by = rm_context_shown_source(&parent);
	}
	return rm_exchange_at(x)->ctx.flags & RM_FLAG_SAMPLED;
}

static void on_operation(struct rm_sink *sink, rm_xid x, const struct rm_operation *op)
{
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_exchange *e = x ? rm_exchange_at(x) : NULL;
	struct rm_operation told = *op;

	if (e) {
		if (v->conn->system)
			told.system = rm_str_c(v->conn->system);
		rm_peer_ask(&v->conn->peer, v->fd);
		e->operation = true;
		if (on_shows(sink, x))
			rm_semconv_operation(e, rm_context_config(), &v->conn->peer, &told, v->placed_by);
		if (op->same)
			rm_alike_told(e, op->same, v->placed_by);
		rm_setup_tell(v->conn, v->thread, x);
		v->placed = 0; /* names are used again */
		if (rm_log_topics())
			rm_observe_log(v, e);
	}
	v->conn->first_sent = 1;
}

/* What is not certain stays as it is, and is no loss: the log of a server is all that a comment is for. */
static bool on_query(struct rm_sink *sink, rm_xid x, const struct rm_envelope *envelope, uint32_t end_at)
{
	struct rm_visit *v = (struct rm_visit *)sink;

	(void)end_at;
	if (x && rm_context_config()->sqlcommenter)
		rm_edit_query(v, envelope, rm_exchange_at(x));
	v->full = v->edit_count == RM_TX_EDITS;
	return !v->full;
}

/* As agent/dns.c has it of datagrams: one that belongs to nothing may have no span. */
static void on_question(struct rm_sink *sink, rm_xid x, const struct rm_dns_message *m)
{
	const struct rm_config *config = rm_context_config();
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_exchange *e = x ? rm_exchange_at(x) : NULL;

	v->conn->first_sent = 1;
	if (!e || config->dns == RM_DNS_NONE || rm_lookup_goes_on(v->thread))
		return;
	rm_peer_ask(&v->conn->peer, v->fd);
	e->operation = true;
	if (rm_dns_place(v->thread, x, m, &v->conn->peer))
		rm_setup_tell(v->conn, v->thread, x);
	if (rm_log_topics())
		rm_observe_log(v, e);
}

static void on_answered(struct rm_sink *sink, rm_xid x, struct rm_str text, struct rm_dns_message *m)
{
	struct rm_exchange *e = x ? rm_exchange_at(x) : NULL;

	(void)sink;
	if (e && e->record)
		rm_dns_answered(e, (const uint8_t *)text.p, text.n, m);
}

static bool on_reads_request(struct rm_sink *sink, rm_xid x)
{
	(void)sink;
	return x && rm_semconv_reads_request(rm_exchange_at(x));
}

static bool on_request_content(struct rm_sink *sink, rm_xid x, const char *p, uint64_t n)
{
	(void)sink;
	return x && rm_semconv_request_content(rm_exchange_at(x), p, n);
}

static void on_request_end(struct rm_sink *sink, rm_xid x, uint64_t body_bytes)
{
	struct rm_exchange *e = x ? rm_exchange_at(x) : NULL;

	if (!e)
		return;
	e->request_body_bytes = body_bytes;
	rm_semconv_api_request_over(e);
}

/* ---- responses ---- */

static void on_response(struct rm_sink *sink, rm_xid x)
{
	const struct rm_visit *v = (const struct rm_visit *)sink;
	struct rm_exchange *e;

	if (!x)
		return;
	e = rm_exchange_at(x);
	if (atomic_load_explicit(&e->phase, memory_order_relaxed) != RM_PHASE_OPEN)
		return;
	atomic_store_explicit(&e->phase, RM_PHASE_ANSWERED, memory_order_release);
	if (e->kind == RM_KIND_SERVER)
		rm_context_answered(v->thread, x);
	else
		rm_context_answer(v->thread, v->conn);
}

static bool on_response_head(struct rm_sink *sink, rm_xid x, const struct rm_head *head)
{
	const struct rm_visit *v = (const struct rm_visit *)sink;
	struct rm_exchange *e;

	if (!x)
		return false;
	e = rm_exchange_at(x);
	if (rm_log_topics())
		rm_debug(RM_LOG_HTTP1, "%s %d: response %d", rm_visit_kind(v), rm_visit_number(v), head->status);
	if (e->kind == RM_KIND_CLIENT)
		rm_resend_response(v->thread, x, e, head);
	return e->record && rm_semconv_response(e, rm_context_config(), head);
}

static void on_response_content(struct rm_sink *sink, rm_xid x, const char *p, uint64_t n)
{
	rm_semconv_content(rm_exchange_at(x), p, n);
}

static void on_outcome(struct rm_sink *sink, rm_xid x, const struct rm_outcome *outcome)
{
	struct rm_exchange *e = x ? rm_exchange_at(x) : NULL;

	if (e && e->alike)
		rm_alike_part((struct rm_visit *)sink, e);
	if (!e || !e->record)
		return;
	if (e->kind == RM_KIND_CLIENT) {
		rm_semconv_outcome(e, outcome);
		if (outcome->same && e->same)
			rm_alike_keep(((struct rm_visit *)sink)->conn, e, outcome->same);
	} else {
		rm_semconv_message_outcome(e, outcome);
	}
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
	rm_slow_end(e, now(v), v->thread);
	rm_exchange_end(x, now(v), v->thread);
}

/*
 * A call that its client gave up: a server sees it leave, and gRPC-Web over HTTP/1 has no other way to say so than
 * to close the connection.
 */
static bool is_given_up(const struct rm_visit *v, const struct rm_exchange *e, struct rm_str error)
{
	if (e->kind == RM_KIND_SERVER)
		return v->conn->peer_ended || rm_str_eq(error, RM_STR("connection_reset"));
	return e->rpc == RM_RPC_WEB && v->closes;
}

static void on_broken(struct rm_sink *sink, rm_xid x, struct rm_str error)
{
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_exchange *e;

	if (!x)
		return;
	e = rm_exchange_at(x);
	if (e->alike)
		rm_alike_part(v, e);
	if (v->discard || error.n == 0 || atomic_load(&e->phase) < RM_PHASE_OPEN) {
		if (v->discard && e->record && e->epoch == rm_epoch())
			rm_lost(v->thread, RM_LOST_MUTED);
		else if (v->starved && atomic_load(&e->phase) < RM_PHASE_OPEN)
			rm_lost(v->thread, RM_LOST_EXCHANGE);
		rm_exchange_drop(x);
		return;
	}
	if (v->exits)
		error = rm_crash_error(rm_exchange_ctx(x));
	else if (e->rpc && is_given_up(v, e, error))
		error = RM_STR("cancel");
	if (e->kind == RM_KIND_CLIENT)
		rm_resend_broken(v->thread, x);
	if (e->record)
		rm_semconv_broken(e, error, now(v));
	if (!v->exits)
		rm_slow_end(e, now(v), v->thread);
	rm_exchange_end(x, now(v), v->thread);
}

static void on_hand_over(struct rm_sink *sink, rm_xid x, const char *proto)
{
	struct rm_visit *v = (struct rm_visit *)sink;

	v->next_proto = proto;
	v->handed_over = x;
}

static void on_system(struct rm_sink *sink, const char *name)
{
	((struct rm_visit *)sink)->conn->system = name;
}

const struct rm_sink_calls rm_observe = {
	.request = on_request,
	.request_head = on_request_head,
	.shows = on_shows,
	.operation = on_operation,
	.again = rm_alike_again,
	.as_before = rm_alike_as_before,
	.query = on_query,
	.message = rm_message_seen,
	.batched = rm_message_batched,
	.question = on_question,
	.answered = on_answered,
	.reads_request = on_reads_request,
	.request_content = on_request_content,
	.request_end = on_request_end,
	.response = on_response,
	.response_head = on_response_head,
	.response_content = on_response_content,
	.outcome = on_outcome,
	.response_trailers = on_response_trailers,
	.response_end = on_response_end,
	.broken = on_broken,
	.hand_over = on_hand_over,
	.system = on_system,
	.set_greeting = rm_lend_set_greeting,
	.greeting = rm_lend_greeting,
	.stash = rm_lend_stash,
	.unstash = rm_lend_unstash,
	.scratch = rm_lend_scratch,
	.memo = rm_lend_memo,
	.secured = rm_lend_secured,
	.handshaken = rm_lend_handshaken,
	.untold = rm_lend_untold,
	.set_topic = rm_lend_set_topic,
	.topic = rm_lend_topic,
};
