/*
 * See http3.h. The table has sets of places, of which connection and stream choose one. A place is taken by storing the
 * connection, by whoever finds it free; from then on only that connection's user touches it until it is free again, or
 * the process is over. Lock-free. What a parent of this process kept means nothing here (fork).
 *
 * Calls of gRPC-Web are left alone: their status stands in the body, where nobody looks for it.
 * Spec: RFC 9114 section 4.
 */
#include "agent/http3.h"

#include "agent/context.h"
#include "agent/edit.h"
#include "agent/headroom.h"
#include "agent/identity.h"
#include "agent/semconv.h"
#include "agent/semconv_rpc.h"
#include "base/clock.h"

enum { SETS = 128, WAYS = 8 };

struct place {
	_Atomic uintptr_t conn; /* 0: free */
	int64_t stream;
	_Atomic rm_ctx ctx;
};

static struct place table[SETS][WAYS];
static struct rm_conn nowhere = { .secure = 1 }; /* no peer, no descriptor; read only */

/* ---- the table ---- */

static struct place *set_of(uintptr_t conn, int64_t stream)
{
	return table[((conn ^ (uint64_t)stream << 32) * 0x9e3779b97f4a7c15ull) >> 57];
}
_Static_assert(SETS == 1 << (64 - 57), "the upper bits choose");

static struct place *find(const void *conn, int64_t stream)
{
	struct place *set = set_of((uintptr_t)conn, stream);

	for (int i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&set[i].conn, memory_order_acquire) == (uintptr_t)conn &&
		    set[i].stream == stream)
			return &set[i];
	return NULL;
}

/* False: no place is free. */
static bool keep(const void *conn, int64_t stream, rm_ctx ctx)
{
	struct place *set = set_of((uintptr_t)conn, stream);

	for (int i = 0; i < WAYS; i++) {
		uintptr_t none = 0;

		if (atomic_load_explicit(&set[i].conn, memory_order_relaxed) ||
		    !atomic_compare_exchange_strong(&set[i].conn, &none, (uintptr_t)conn))
			continue;
		set[i].stream = stream;
		atomic_store(&set[i].ctx, ctx);
		return true;
	}
	return false;
}

static rm_ctx take(struct place *p)
{
	rm_ctx ctx = p ? atomic_exchange(&p->ctx, 0) : 0;

	if (p)
		atomic_store_explicit(&p->conn, 0, memory_order_release);
	return ctx;
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

bool rm_http3_request(struct rm_thread *t, const void *conn, int64_t stream, const struct rm_http3_field *fields,
		      uint32_t count, struct rm_strbuf *lines, bool *ret_replace)
{
	rm_text room = count <= RM_HTTP3_FIELDS_MAX ? rm_text_get(RM_HTTP3_FIELDS_MAX * sizeof(struct rm_field)) : 0;
	struct rm_head head;
	uint32_t x = 0;

	*ret_replace = false;
	if (room && read_head(fields, count, (void *)rm_text_at(room), &head) && !rm_rpc_of(&head) && rm_fork_watch()) {
		x = rm_exchange_begin(RM_KIND_CLIENT, rm_clock_mono_ns(), t);
		if (x && !keep(conn, stream, rm_exchange_ctx(x))) {
			rm_lost(t, RM_LOST_EXCHANGE);
			rm_exchange_drop(x);
			x = 0;
		}
		if (x)
			begin(t, x, &head, lines, ret_replace);
	}
	rm_text_put(room);
	return x != 0;
}

void rm_http3_refused(const void *conn, int64_t stream)
{
	rm_ctx ctx = take(find(conn, stream));

	if (rm_ctx_exchange(ctx))
		rm_exchange_drop((uint32_t)ctx);
}

/* ---- responses ---- */

void rm_http3_status(struct rm_thread *t, const void *conn, int64_t stream, struct rm_str status)
{
	struct place *p = find(conn, stream);
	struct rm_exchange *e = p ? rm_ctx_exchange(atomic_load(&p->ctx)) : NULL;
	struct rm_head head = { .version = RM_STR("3") };
	uint64_t code;

	if (!e || e->epoch != rm_epoch() || !rm_str_u64(status, &code) || code < 200 || code > 999 ||
	    atomic_load_explicit(&e->phase, memory_order_relaxed) != RM_PHASE_OPEN)
		return;
	head.status = (int)code;
	atomic_store_explicit(&e->phase, RM_PHASE_ANSWERED, memory_order_release);
	if (e->record)
		rm_semconv_response(e, rm_context_config(), &head);
}

static void end(struct rm_thread *t, rm_ctx ctx, struct rm_str error)
{
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

void rm_http3_end(struct rm_thread *t, const void *conn, int64_t stream, struct rm_str error)
{
	end(t, take(find(conn, stream)), error);
}

/* Of one connection; NULL: of all. */
static void end_those(struct rm_thread *t, const void *conn, struct rm_str error)
{
	for (int i = 0; i < SETS * WAYS; i++) {
		struct place *p = &table[i / WAYS][i % WAYS];
		uintptr_t of = atomic_load_explicit(&p->conn, memory_order_acquire);

		if (of && (!conn || of == (uintptr_t)conn))
			end(t, take(p), error);
	}
}

void rm_http3_closed(struct rm_thread *t, const void *conn)
{
	end_those(t, conn, RM_STR("connection_closed"));
}

void rm_http3_end_all(struct rm_thread *t)
{
	end_those(t, NULL, RM_STR("process_exit"));
}
