/*
 * See http3.h. A request is kept (local.h) under a word made of its connection's number and its stream, which no address is.
 * Who has to do with it takes it out: another thread may end the process meanwhile, and end what is kept.
 *
 * Calls of gRPC-Web are left alone: their status stands in the body, where nobody looks for it.
 * Spec: RFC 9114 section 4.
 */
#include "agent/http3.h"

#include "agent/context.h"
#include "agent/edit.h"
#include "agent/headroom.h"
#include "agent/identity.h"
#include "agent/local.h"
#include "agent/semconv.h"
#include "agent/semconv_rpc.h"
#include "base/clock.h"

#define KEY_MARK (UINT64_C(1) << 61) /* no user address has this bit, and no other key of local.h this one alone */
enum { STREAM_BITS = 53, STREAM_KINDS = 4 /* RFC 9000 section 2.1; a client's requests have 0 */ };
_Static_assert(RM_HTTP3_CONNS_MAX <= 1 << (61 - STREAM_BITS), "a connection's number is below the mark");

static struct rm_conn nowhere = { .secure = 1 }; /* no peer, no descriptor; read only */

static uint64_t key_of_conn(uint32_t conn)
{
	return KEY_MARK | (uint64_t)conn << STREAM_BITS;
}

/* NULL: no client has such a stream for a request. */
static const void *key_of(uint32_t conn, int64_t stream)
{
	uint64_t number = (uint64_t)stream / STREAM_KINDS;

	if (stream % STREAM_KINDS || number >> STREAM_BITS)
		return NULL;
	return (const void *)(uintptr_t)(key_of_conn(conn) | number);
}

/* 0: it is not followed. */
static rm_ctx take(uint32_t conn, int64_t stream)
{
	const void *key = key_of(conn, stream);
	uint64_t seen_ns;

	return key ? rm_local_take(key, &seen_ns) : 0;
}

/* The exchange of a name, if it is this process's own; a parent's copy is dropped. */
static struct rm_exchange *mine(rm_ctx ctx)
{
	struct rm_exchange *e = rm_ctx_exchange(ctx);

	if (!e || e->epoch == rm_epoch())
		return e;
	rm_exchange_drop((uint32_t)ctx);
	return NULL;
}

/* ---- requests ---- */

/* False: it is none. */
static bool read_head(const struct rm_http3_field *fields, uint32_t count, struct rm_field *room, struct rm_head *ret)
{
	uint32_t n = 0;

	*ret = (struct rm_head){ .version = RM_STR("3"), .scheme = RM_STR("https"), .fields = room };
	for (uint32_t i = 0; i < count; i++) {
		struct rm_str name = fields[i].name, value = fields[i].value;

		ret->text_bytes += (uint32_t)(name.n + value.n + 4);
		if (rm_str_eq(name, RM_STR(":method")))
			ret->method = value;
		else if (rm_str_eq(name, RM_STR(":path")))
			ret->target = value;
		else if (rm_str_eq(name, RM_STR(":authority")))
			ret->authority = value;
		else if (rm_str_eq(name, RM_STR(":scheme")))
			ret->scheme = value;
		else if (name.n && name.p[0] != ':')
			room[n++] = (struct rm_field){ name, value };
	}
	ret->field_count = n;
	if (!ret->target.n && rm_str_eq(ret->method, RM_STR("CONNECT")))
		ret->target = ret->authority;
	return ret->method.n && ret->target.n;
}

/* What the request is to carry; nothing where it would be too much for some server. */
static void inject(struct rm_thread *t, const struct rm_exchange *e, const struct rm_head *head,
		   const struct rm_fields *fields, bool forwarded, struct rm_strbuf *lines, bool *ret_replace)
{
	struct rm_str tracestate = rm_exchange_tracestate(e), none = { NULL, 0 };
	bool replace = forwarded && fields->carriers.count[RM_CARRIER_TRACEPARENT] == 1 && !rm_edit_may_be_signed(head);

	if (replace) {
		rm_inject(RM_PROP_TRACECONTEXT, &e->ctx, none, none, NULL, rm_put_line, lines);
		rm_inject_tracestate(tracestate, &fields->carriers, rm_put_line, lines);
	}
	rm_inject(rm_context_config()->propagators, &e->ctx, tracestate, rm_exchange_baggage(e), &fields->carriers, rm_put_line,
		  lines);
	if (!rm_headroom(head, rm_strbuf_view(lines))) {
		lines->n = 0;
		replace = false;
	}
	if (!lines->n || replace != forwarded)
		rm_lost(t, RM_LOST_INJECT);
	*ret_replace = replace;
}

static void begin(struct rm_thread *t, uint32_t x, const struct rm_head *head, struct rm_strbuf *lines, bool *ret_replace)
{
	const struct rm_config *config = rm_context_config();
	struct rm_exchange *e = rm_exchange_at(x);
	struct rm_strbuf no_state;
	struct rm_fields fields;
	struct rm_parent parent;
	struct rm_spanctx in;

	rm_fields_read(head, &fields);
	rm_strbuf_init(&no_state, NULL, 0);
	rm_extract(config->propagators, &fields.carriers, &in, &no_state);
	rm_context_resolve(t, &nowhere, &in, &parent);
	rm_identity_adopt(t, x, e, &parent, head);
	if (e->ctx.flags & RM_FLAG_SAMPLED)
		rm_semconv_request(e, config, &nowhere, head, &fields, rm_context_shown_source(&parent));
	if (parent.source != RM_SOURCE_PROGRAM)
		inject(t, e, head, &fields, parent.source == RM_SOURCE_HEADER, lines, ret_replace);
}

/* False: it cannot be followed, so it is to carry nothing. */
static bool follow(struct rm_thread *t, const void *key, const struct rm_head *head, struct rm_strbuf *lines, bool *ret_replace)
{
	uint32_t x = rm_exchange_begin(RM_KIND_CLIENT, rm_clock_mono_ns(), t);

	if (!x)
		return false;
	begin(t, x, head, lines, ret_replace);
	if (rm_local_keep(t, key, rm_exchange_ctx(x), 0))
		return true;
	lines->n = 0;
	*ret_replace = false;
	return false;
}

bool rm_http3_request(struct rm_thread *t, uint32_t conn, int64_t stream, const struct rm_http3_field *fields, uint32_t count,
		      struct rm_strbuf *lines, bool *ret_replace)
{
	rm_text room = count <= RM_HTTP3_FIELDS_MAX ? rm_text_get(RM_HTTP3_FIELDS_MAX * sizeof(struct rm_field)) : 0;
	const void *key = key_of(conn, stream);
	struct rm_head head;
	bool ret;

	*ret_replace = false;
	ret = key && room && read_head(fields, count, (void *)rm_text_at(room), &head) && !rm_rpc_of(&head) && rm_fork_watch() &&
	      follow(t, key, &head, lines, ret_replace);
	rm_text_put(room);
	return ret;
}

void rm_http3_refused(uint32_t conn, int64_t stream)
{
	rm_ctx ctx = take(conn, stream);

	if (rm_ctx_exchange(ctx))
		rm_exchange_drop((uint32_t)ctx);
}

/* ---- responses ---- */

static void answered(struct rm_exchange *e, int status)
{
	struct rm_head head = { .version = RM_STR("3"), .status = status };

	if (atomic_load_explicit(&e->phase, memory_order_relaxed) != RM_PHASE_OPEN)
		return;
	atomic_store_explicit(&e->phase, RM_PHASE_ANSWERED, memory_order_release);
	if (e->record)
		rm_semconv_response(e, rm_context_config(), &head);
}

void rm_http3_status(struct rm_thread *t, uint32_t conn, int64_t stream, struct rm_str status)
{
	struct rm_exchange *e;
	uint64_t code;
	rm_ctx ctx;

	if (!rm_str_u64(status, &code) || code < 200 || code > 999)
		return;
	ctx = take(conn, stream);
	e = mine(ctx);
	if (!e)
		return;
	answered(e, (int)code);
	rm_local_keep(t, key_of(conn, stream), ctx, 0);
}

void rm_http3_end(struct rm_thread *t, uint32_t conn, int64_t stream, struct rm_str error)
{
	rm_ctx ctx = take(conn, stream);
	struct rm_exchange *e = mine(ctx);
	uint64_t now_ns = rm_clock_mono_ns();

	if (!e)
		return;
	if (!error.n && atomic_load_explicit(&e->phase, memory_order_relaxed) != RM_PHASE_ANSWERED)
		error = RM_STR("protocol_error");
	if (error.n && e->record)
		rm_semconv_broken(e, error, now_ns);
	rm_exchange_end((uint32_t)ctx, now_ns, t);
}

void rm_http3_closed(struct rm_thread *t, uint32_t conn)
{
	struct rm_local_range range = { ~((UINT64_C(1) << STREAM_BITS) - 1), key_of_conn(conn), UINT64_MAX };

	rm_local_cut_off(t, &range, RM_STR("connection_closed"));
}
