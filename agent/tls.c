/*
 * Sessions of TLS libraries, and the bytes that programs read from them or that go out as they are.
 * Writes that are edited are in tls_tx.c.
 *
 * Owns nothing: a session's plaintext is a connection of the pool in conn.c, and goes the same way as
 * that of a socket. Runs in the program's calls of its library; never while the library works, so
 * that whatever happens in there (waiting, fibers, cancellation) finds no lock of ours taken.
 */
#include "agent/tls.h"

#include <errno.h>

#include "agent/context.h"
#include "agent/insert.h"
#include "agent/outlet.h"
#include "agent/tls_hello.h"
#include "base/log.h"

enum { INGRESS_MIN_ROOM = 256 };

/* The protocol agreed on, if any: without one the first bytes tell. False: one that nobody here knows. */
static bool choose(struct rm_conn *c, const struct rm_tls_session *session)
{
	struct rm_str alpn = { session->alpn, session->alpn_bytes };

	/* What gRPC in C++ calls HTTP/2 before it came to be a standard, and later still prefers. */
	if (rm_str_eq(alpn, RM_STR("grpc-exp")))
		alpn = RM_STR("h2");
	return !alpn.n || rm_str_eq(alpn, RM_STR("http/1.0")) || rm_stream_choose(c, alpn);
}

static rm_tls open_entered(const struct rm_tls_session *session, struct rm_thread *t)
{
	rm_tls name = rm_conn_open(session->server ? RM_ROLE_SERVER : RM_ROLE_CLIENT);
	struct rm_conn *c = rm_conn_take_name(name);
	struct rm_visit v;
	bool claimed;

	if (!c)
		return 0;
	claimed = session->random && rm_tls_claim(name, c, session->random);
	if (!claimed && session->fd >= 0)
		rm_peer_ask(&c->peer, session->fd);
	c->peer.asked = true;
	rm_debug(RM_LOG_CONN, "TLS session, we are the %s, its socket is %s", session->server ? "server" : "client",
		 claimed ? "known by its ClientHello" : session->fd >= 0 ? "known by its descriptor" : "not known");
	if (!choose(c, session)) {
		rm_visit_init(&v, c, t, -1);
		rm_stream_mute(&v);
	}
	rm_conn_release(c);
	return name;
}

rm_tls rm_tls_open(const struct rm_tls_session *session)
{
	struct rm_scope s;
	rm_tls name;

	if (!rm_enter(&s))
		return 0;
	name = open_entered(session, s.thread);
	rm_leave(&s);
	return name;
}

void rm_tls_close(rm_tls session)
{
	struct rm_scope s;

	if (!session || !rm_enter(&s))
		return;
	rm_conn_close(session);
	rm_leave(&s);
}

RM_GLANCE bool rm_tls_watched(rm_tls session)
{
	struct rm_conn *c = rm_conn_peek_name(session);

	return c && !c->muted;
}

void rm_tls_leave_alone(rm_tls session)
{
	struct rm_conn *c;
	struct rm_scope s;
	struct rm_visit v;

	if (!rm_tls_watched(session) || !rm_enter(&s))
		return;
	c = rm_conn_take_name(session);
	if (c) {
		rm_visit_init(&v, c, s.thread, -1);
		rm_stream_mute(&v);
		rm_conn_release(c);
	}
	rm_leave(&s);
}

/* The connection of a session, locked, in a visit of its own; NULL: not to be looked at. */
static struct rm_conn *visit(rm_tls session, struct rm_scope *s, struct rm_visit *ret)
{
	struct rm_conn *c = rm_tls_watched(session) ? rm_conn_peek_name(session) : NULL;

	if (!c || !rm_conn_enter(c, s))
		return NULL;
	c = rm_conn_take_name(session);
	if (!c)
		rm_leave(s);
	else
		rm_visit_init(ret, c, s->thread, -1);
	return c;
}

static void leave(struct rm_conn *c, struct rm_scope *s)
{
	rm_conn_release(c);
	rm_leave(s);
}

/* Servers whose threads do nothing but read and write pass no other place where the worker could be started. */
static __attribute__((noinline)) void between_requests(void)
{
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	rm_outlet_safe_point();
	rm_leave(&s);
}

RM_GLANCE size_t rm_tls_reserve(rm_tls session, bool server, size_t room)
{
	struct rm_conn *c = rm_conn_peek_name(session);
	const struct rm_proto *proto;

	if (!server || room < INGRESS_MIN_ROOM || !rm_may_enter() || !rm_context_config()->ingress)
		return 0;
	if (rm_outlet_wants_worker())
		between_requests();
	if (!session)
		return RM_INGRESS_RESERVE;
	if (!c || c->muted || c->peeked)
		return 0;
	proto = __atomic_load_n(&c->proto, __ATOMIC_RELAXED);
	return !proto || rm_proto_at_head(proto, c->state) ? RM_INGRESS_RESERVE : 0;
}

RM_GLANCE size_t rm_tls_reserve_late(rm_tls session)
{
	const struct rm_conn *c = rm_conn_peek_name(session);

	return session && c ? rm_tls_reserve(session, c->role == RM_ROLE_SERVER, INGRESS_MIN_ROOM) : 0;
}

size_t rm_tls_received(rm_tls session, void *buf, size_t room, size_t n, size_t reserve)
{
	struct iovec iov = { buf, room };
	struct rm_conn *c;
	struct rm_scope s;
	struct rm_visit v;
	size_t grown;

	c = visit(session, &s, &v);
	if (!c)
		return n;
	do {
		v.full = false;
		v.insert_room = reserve && room > n ? rm_insert_room(&iov, 1, n, room) : 0;
		rm_stream_feed(&v, (enum rm_dir)rm_stream_dir(c, false), (char *)buf + v.base, n - v.base);
		grown = rm_insert_apply(&v, &iov, 1, n);
		v.base += grown;
		n += grown;
	} while (v.full);
	leave(c, &s);
	return n;
}

void rm_tls_peeked(rm_tls session)
{
	struct rm_conn *c;
	struct rm_scope s;
	struct rm_visit v;

	c = visit(session, &s, &v);
	if (!c)
		return;
	c->peeked = 1;
	leave(c, &s);
}

void rm_tls_ended(rm_tls session, bool sent, bool broken)
{
	struct rm_conn *c;
	struct rm_scope s;
	struct rm_visit v;

	c = visit(session, &s, &v);
	if (!c)
		return;
	rm_stream_end(&v, (enum rm_dir)rm_stream_dir(c, sent), broken);
	leave(c, &s);
}

/* ---- bytes out, as they were ---- */

void rm_tls_sent(rm_tls session, const void *p, size_t n)
{
	struct rm_conn *c;
	struct rm_scope s;
	struct rm_visit v;

	c = n ? visit(session, &s, &v) : NULL;
	if (!c)
		return;
	while (v.base < n && rm_stream_feed(&v, (enum rm_dir)rm_stream_dir(c, true), (const char *)p + v.base,
					    n - v.base) >= 0)
		rm_insert_drop(&v);
	rm_insert_drop(&v);
	leave(c, &s);
}

void rm_tls_sent_unseen(rm_tls session, size_t n)
{
	struct rm_conn *c;
	struct rm_scope s;
	struct rm_visit v;

	c = n ? visit(session, &s, &v) : NULL;
	if (!c)
		return;
	if (!c->proto || c->dead || rm_conn_busy(c) || c->ahead ||
	    c->proto->skip(c->state, (enum rm_dir)rm_stream_dir(c, true), n, &v.sink, &v) < 0)
		rm_stream_mute(&v);
	leave(c, &s);
}
