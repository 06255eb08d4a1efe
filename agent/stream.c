/*
 * Feeding, deciding, muting: the middle of the route of a buffer (docs/ARCHITECTURE.md).
 *
 * Runs in hooks with the connection locked. Which side this process plays is known for accepted
 * and connected sockets; for inherited, passed and paired ones the first bytes tell, since in every
 * protocol here the client speaks first.
 */
#include "agent/stream.h"

#include <sys/ioctl.h>

#include "agent/bound.h"
#include "agent/conn_pool.h"
#include "agent/context.h"
#include "agent/observe.h"
#include "agent/tls_hello.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"

void rm_visit_init(struct rm_visit *v, struct rm_conn *c, struct rm_thread *t, int fd)
{
	v->conn = c;
	v->thread = t;
	v->fd = fd;
	v->now_ns = 0;
	v->base = 0;
	v->insert_room = 0;
	v->scratch = 0;
	v->memo = NULL;
	v->memo_asked = false;
	v->next_proto = NULL;
	v->placed = 0;
	v->parent_known = false;
	v->discard = false;
	v->exits = v->closes = false;
	v->starved = false;
	v->full = false;
	v->line_used = false;
	v->edit_count = 0;
	v->sink.on = &rm_observe;
}

int rm_stream_dir(const struct rm_conn *c, bool sent)
{
	if (!c->role)
		return -1;
	return (c->role == RM_ROLE_CLIENT) == sent ? RM_DIR_REQUEST : RM_DIR_RESPONSE;
}

static const struct rm_proto *sniff(const void *p, size_t n)
{
	for (int i = 0; rm_protocols[i]; i++)
		if (rm_protocols[i]->sniff(p, n) != RM_SNIFF_NO)
			return rm_protocols[i];
	return NULL;
}

/* The protocol of a server that speaks first. */
static const struct rm_proto *greeted(const void *p, size_t n)
{
	for (int i = 0; rm_protocols[i]; i++)
		if (rm_protocols[i]->greets && rm_protocols[i]->greets(p, n))
			return rm_protocols[i];
	return NULL;
}

static bool open_proto(struct rm_conn *c, const struct rm_proto *proto)
{
	if (!proto || (proto->client_only && c->role != RM_ROLE_CLIENT) || !rm_conn_room(c, proto->state_bytes))
		return false;
	c->proto = proto;
	proto->open(c->state, (enum rm_role)c->role);
	return true;
}

/* Does an answer to somebody else's question wait to be read? */
static bool owes_answer(int fd)
{
	int waiting = 0;

	return rm_sys3(__NR_ioctl, fd, FIONREAD, &waiting) < 0 || waiting;
}

/* The protocol of a connection that was there before us goes on, where that is certain; where it may be one, that is counted. */
static bool join(struct rm_visit *v, const void *p, size_t n)
{
	struct rm_conn *c = v->conn;
	enum rm_sniff is = RM_SNIFF_NO;

	for (int i = 0; rm_protocols[i] && is == RM_SNIFF_NO; i++)
		if (rm_protocols[i]->join && open_proto(c, rm_protocols[i]))
			is = c->proto->join(c->state, p, n);
	if (is == RM_SNIFF_YES && !owes_answer(v->fd))
		return true;
	c->proto = NULL;
	if (is != RM_SNIFF_NO)
		rm_lost(v->thread, RM_LOST_MUTED);
	return false;
}

/* The first bytes of a connection choose its protocol, or mute it. */
static bool decide(struct rm_visit *v, enum rm_dir dir, const void *p, size_t n)
{
	struct rm_conn *c = v->conn;

	if (!open_proto(c, dir == RM_DIR_REQUEST ? sniff(p, n) : greeted(p, n)) &&
	    !(c->older && dir == RM_DIR_REQUEST && join(v, p, n)))
		return false;
	rm_debug(RM_LOG_CONN, "%s %d speaks %s, we are the %s", rm_visit_kind(v), rm_visit_number(v), c->proto->name,
		 c->role == RM_ROLE_CLIENT ? "client" : "server");
	return true;
}

bool rm_stream_choose(struct rm_conn *c, struct rm_str alpn)
{
	for (int i = 0; rm_protocols[i]; i++)
		if (rm_protocols[i]->alpn && rm_str_eq(alpn, rm_str_c(rm_protocols[i]->alpn)))
			return open_proto(c, rm_protocols[i]);
	return false;
}

/* Opens the protocol that the connection was handed over to, with the exchange that waits there. */
static bool change_proto(struct rm_visit *v)
{
	const char *name = v->next_proto;
	struct rm_conn *c = v->conn;

	v->next_proto = NULL;
	for (int i = 0; rm_protocols[i]; i++) {
		if (!rm_str_eq(rm_str_c(rm_protocols[i]->name), rm_str_c(name)))
			continue;
		rm_debug(RM_LOG_CONN, "%s %d goes on as %s", rm_visit_kind(v), rm_visit_number(v), name);
		return open_proto(c, rm_protocols[i]) && c->proto->adopt(c->state, &v->sink, v->handed_over);
	}
	return false;
}

/* What was lent for the time of one feed(). */
static inline void give_back(struct rm_visit *v)
{
	if (v->scratch)
		rm_text_put(v->scratch);
	if (v->memo)
		rm_memo_put(v->thread);
	v->scratch = 0;
	v->memo = NULL;
	v->memo_asked = false;
}

/* Feeds the protocol once. Returns what it consumed, or RM_FEED_MUTE. */
static inline int64_t feed_once(struct rm_visit *v, enum rm_dir dir, const uint8_t *p, size_t n)
{
	struct rm_conn *c = v->conn;
	int64_t used;

	v->parent_known = false;
	used = c->proto->feed(c->state, dir, p, n, &v->sink, v);
	give_back(v);
	if (used < 0)
		rm_stream_mute(v);
	else
		v->base += (uint64_t)used;
	return used < 0 ? RM_FEED_MUTE : used;
}

/* The same of what adapters announce, up to where the next announcement begins, and through changes of the protocol. */
static __attribute__((noinline)) int64_t feed_parts(struct rm_visit *v, enum rm_dir dir, const uint8_t *bytes, size_t n)
{
	struct rm_conn *c = v->conn;
	bool announced = dir == RM_DIR_REQUEST && c->proto->client_only;
	size_t at = 0, part;
	int64_t used;

	do {
		if (v->next_proto && !change_proto(v)) {
			v->sink.on->broken(&v->sink, v->handed_over, RM_STR(""));
			rm_stream_mute(v);
			return RM_FEED_MUTE;
		}
		part = announced && !v->next_proto ? rm_bound_next(c, n - at) : n - at;
		used = feed_once(v, dir, bytes + at, part);
		if (used < 0)
			return used;
		at += (size_t)used;
		c->sent += announced ? (uint64_t)used : 0;
	} while (v->next_proto || (announced && (size_t)used == part && at < n));
	return (int64_t)at;
}

int64_t rm_stream_feed(struct rm_visit *v, enum rm_dir dir, const void *p, size_t n)
{
	struct rm_conn *c = v->conn;
	int64_t used, more;

	if (n == 0)
		return 0;
	if (c->dead)
		return RM_FEED_MUTE;
	if (!c->proto && !decide(v, dir, p, n)) {
		rm_stream_mute(v);
		return RM_FEED_MUTE;
	}
	if (c->role == RM_ROLE_CLIENT && !c->shared && c->connected_on != v->thread)
		rm_context_shared(c);
	if (dir == RM_DIR_REQUEST && c->proto->client_only)
		return feed_parts(v, dir, p, n);
	used = feed_once(v, dir, p, n);
	if (used < 0 || !v->next_proto)
		return used;
	more = feed_parts(v, dir, (const uint8_t *)p + used, n - (size_t)used);
	return more < 0 ? more : used + more;
}

void rm_stream_mute(struct rm_visit *v)
{
	struct rm_conn *c = v->conn;

	c->muted = !rm_conn_midway(c);
	if (c->dead)
		return;
	c->dead = 1;
	rm_tls_discover();
	rm_debug(RM_LOG_CONN, "%s %d: left alone (%s%s)", rm_visit_kind(v), rm_visit_number(v),
		 !c->proto ? "no protocol that we know" : c->proto->left ? "" : "not understood as ",
		 !c->proto ? "" : c->proto->left ? c->proto->left : c->proto->name);
	if (!c->proto)
		return;
	v->discard = true;
	c->proto->end(c->state, RM_DIR_RESPONSE, true, &v->sink, v);
	rm_conn_unstash(c);
}

void rm_stream_gap(struct rm_conn *c, int fd)
{
	struct rm_visit v;

	rm_visit_init(&v, c, rm_thread_self(), fd);
	rm_debug(RM_LOG_CONN, "%s %d: bytes went by unseen", rm_visit_kind(&v), rm_visit_number(&v));
	rm_stream_mute(&v);
}

void rm_stream_end(struct rm_visit *v, enum rm_dir dir, bool reset)
{
	struct rm_conn *c = v->conn;

	c->peer_ended |= rm_stream_dir(c, false) == (int)dir && !v->closes;
	if (c->proto && !c->dead)
		c->proto->end(c->state, dir, reset, &v->sink, v);
}

void rm_stream_closed(struct rm_conn *c, bool exits)
{
	struct rm_visit v;

	if (!c->proto || c->dead)
		return;
	rm_visit_init(&v, c, rm_thread_self(), -1);
	v.discard = c->gap;
	v.exits = exits;
	v.closes = !exits;
	rm_stream_end(&v, RM_DIR_RESPONSE, false);
}

rm_text rm_stream_text(struct rm_str text)
{
	rm_text t = rm_text_get(text.n);

	if (t)
		memcpy(rm_text_at(t), text.p, text.n);
	return t;
}
