/* What adapters may ask the agent, see adapter_api.h. Each call is a short visit; nothing here owns state. */
#include "agent/adapter_api.h"

#include <string.h>

#include "agent/bound.h"
#include "agent/context.h"
#include "agent/stream.h"
#include "agent/tls_hello.h"

_Static_assert((int)RM_CTX_TEXT_BYTES == RM_TRACEPARENT_BYTES, "one form of text");

rm_ctx rm_ctx_current(void)
{
	struct rm_scope s;
	rm_ctx ret;

	if (!rm_enter(&s))
		return 0;
	ret = rm_context_current(s.thread, NULL);
	rm_leave(&s);
	return ret;
}

bool rm_ctx_lives(rm_ctx ctx)
{
	return ctx != RM_CTX_NOBODY && rm_ctx_exchange(ctx) != NULL;
}

rm_ctx rm_ctx_attach(rm_ctx ctx, enum rm_source how)
{
	struct rm_scope s;
	rm_ctx before;

	if (!rm_enter(&s))
		return 0;
	before = s.thread->attached;
	s.thread->attached = ctx;
	s.thread->attached_how = (uint8_t)how;
	rm_leave(&s);
	return before;
}

/* The connection's exchange, if it is one that this process serves. Lock held. */
static rm_ctx served(struct rm_conn *c, struct rm_thread *t, int fd, uint32_t stream)
{
	struct rm_visit v;
	rm_xid x;
	rm_ctx ctx;

	if (c->role != RM_ROLE_SERVER || !c->proto || c->dead || !c->proto->under_way)
		return 0;
	rm_visit_init(&v, c, t, fd);
	x = c->proto->under_way(c->state, stream, &v.sink);
	ctx = x ? rm_exchange_ctx(x) : 0;
	return rm_ctx_exchange(ctx) ? ctx : 0;
}

rm_ctx rm_ctx_of_request(int fd, uint32_t stream)
{
	struct rm_conn *c;
	struct rm_scope s;
	rm_ctx ret = 0;

	if (!rm_fd_tracked(fd) || !rm_enter(&s))
		return 0;
	c = rm_conn_take(fd);
	if (c) {
		ret = served(c, s.thread, fd, stream);
		rm_conn_release(c);
	}
	rm_leave(&s);
	return ret;
}

void rm_ctx_follow(int fd)
{
	struct rm_conn *c;
	struct rm_scope s;

	if (!rm_fd_tracked(fd) || !rm_enter(&s))
		return;
	c = rm_conn_take(fd);
	if (c) {
		c->followed = c->accepted;
		rm_conn_release(c);
	}
	rm_leave(&s);
}

/* The client's connection on a descriptor, or what a TLS session over it carries; locked, or NULL. */
static struct rm_conn *take_client(int fd)
{
	struct rm_conn *c = rm_fd_tracked(fd) ? rm_conn_take(fd) : NULL;

	if (!c)
		c = rm_conn_take_name(rm_tls_session_of(fd));
	if (!c || (c->role == RM_ROLE_CLIENT && !c->dead && (!c->proto || c->proto->client_only)))
		return c;
	rm_conn_release(c);
	return NULL;
}

bool rm_ctx_bind(int fd, uint64_t at, rm_ctx ctx)
{
	struct rm_conn *c;
	struct rm_scope s;
	bool ret = false;

	if (!rm_enter(&s))
		return false;
	c = take_client(fd);
	if (c) {
		ret = rm_bound_put(c, at, ctx);
		rm_conn_release(c);
	}
	rm_leave(&s);
	return ret;
}

uint64_t rm_ctx_written(int fd)
{
	struct rm_conn *c;
	struct rm_scope s;
	uint64_t ret = UINT64_MAX;

	if (!rm_enter(&s))
		return ret;
	c = take_client(fd);
	if (c) {
		ret = rm_conn_busy(c) ? UINT64_MAX : c->sent - c->ahead;
		rm_conn_release(c);
	}
	rm_leave(&s);
	return ret;
}

bool rm_ctx_to_traceparent(rm_ctx ctx, char ret[RM_CTX_TEXT_BYTES])
{
	const struct rm_config *config = rm_context_config();
	struct rm_exchange *e = ctx == RM_CTX_NOBODY ? NULL : rm_ctx_exchange(ctx);
	struct rm_spanctx id;

	if (!rm_active() || !e || !rm_exchange_serves(e) || !(config->propagators & RM_PROP_TRACECONTEXT))
		return false;
	id = e->ctx;
	__sync_synchronize(); /* the copy was made before the look that says whose it is */
	if (!rm_ctx_exchange(ctx))
		return false;
	rm_traceparent_format(&id, ret);
	return true;
}

rm_ctx rm_ctx_from_traceparent(const char *p, size_t n)
{
	struct rm_spanctx id;
	uint32_t x;
	rm_ctx ctx;

	if (!rm_active() || !rm_traceparent_parse((struct rm_str){ p, n }, &id))
		return 0;
	x = rm_exchange_by_id(&id);
	ctx = x ? rm_exchange_ctx(x) : 0;
	/* Between the two it may have become another one. */
	return ctx && rm_exchange_by_id(&id) == x && rm_ctx_lives(ctx) ? ctx : 0;
}

bool rm_ctx_wanted(const char *name)
{
	return rm_active() && rm_config_adapts(rm_context_config()->adapters, rm_str_c(name));
}

bool rm_ctx_prints(void)
{
	return rm_active() && rm_outputs_watched();
}

void rm_ctx_use(const struct rm_adapter *adapter)
{
	rm_context_use(adapter);
}
