/*
 * A table of sessions by their address: a session stands in one of a few places behind the one that its
 * address gives, so that looking for one that is not there ends soon, and nothing is ever moved.
 *
 * Owns the table, mapped at the first session. A session is entered under a lock of bounded wait, since
 * its two first calls may come at once. Once a session was not entered, for want of a place or of the
 * lock, none is any more: it would be looked at from the middle on, where anything may stand. All
 * else is done by the session's own threads, which nobody can take its place from while they use it.
 * Context: app.
 */
#include "agent/tls_map.h"

#include <stdatomic.h>

#include "agent/exchange.h"
#include "agent/thread.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/patience.h"

enum { PLACES = 1 << 16, NEAR = 16, LOCK_WAIT_NS = 50000000 };

struct place {
	_Atomic uintptr_t session; /* 0: free */
	_Atomic uint64_t tag;
	_Atomic rm_tls name;
	_Atomic uint32_t held;
	_Atomic bool server;
};

static _Atomic(struct place *) table;
static _Atomic uint32_t lock; /* the holder's rm_epoch() + 1 */
static _Atomic bool full;

static uint32_t home_of(const void *session)
{
	return (uint32_t)(((uint64_t)(uintptr_t)session * 0x9e3779b97f4a7c15u) >> 48);
}

/* The place that holds `session`, or with 0 the first free one, near the session's own. */
static struct place *look(const void *session, uintptr_t wanted)
{
	struct place *all = atomic_load_explicit(&table, memory_order_acquire);
	uint32_t home = home_of(session);

	for (uint32_t i = 0; all && i < NEAR; i++) {
		struct place *p = &all[(home + i) % PLACES];

		if (atomic_load_explicit(&p->session, memory_order_acquire) == wanted)
			return p;
	}
	return NULL;
}

static struct place *place_of(const void *session)
{
	return session ? look(session, (uintptr_t)session) : NULL;
}

static struct rm_tls_known known_of(struct place *p)
{
	return (struct rm_tls_known){ atomic_load_explicit(&p->name, memory_order_relaxed),
				      atomic_load_explicit(&p->server, memory_order_relaxed) };
}

bool rm_tls_find(const void *session, uint64_t tag, struct rm_tls_known *ret)
{
	struct place *p = place_of(session);

	if (!p)
		return false;
	if (atomic_load_explicit(&p->tag, memory_order_relaxed) != tag) {
		rm_tls_forget(session);
		return false;
	}
	*ret = known_of(p);
	return true;
}

/* Whose holder was waited for in vain is not waited for again: a thread may have been cancelled with it. */
static bool take_lock(void)
{
	static _Atomic uint32_t left_in; /* the process */
	uint32_t mine = rm_epoch() + 1, seen;
	uint64_t until_ns = 0;

	do {
		seen = 0;
		/* Else held by a thread of the process we were forked from: what it entered is whole or not there. */
		if (atomic_compare_exchange_strong(&lock, &seen, mine) ||
		    (seen != mine && atomic_compare_exchange_strong(&lock, &seen, mine))) {
			atomic_store(&left_in, 0);
			return true;
		}
	} while (rm_patience(&until_ns, atomic_load(&left_in) == mine ? 0 : LOCK_WAIT_NS));
	atomic_store(&left_in, mine);
	return false;
}

static bool make_table(void)
{
	struct place *all = rm_memory_get(PLACES * sizeof(*all));

	atomic_store_explicit(&table, all, memory_order_release);
	return all != NULL;
}

/* Lock held. */
static struct place *enter_locked(const void *session, uint64_t tag, const struct rm_tls_session *details)
{
	struct place *p = place_of(session);

	if (p)
		return p;
	if (!atomic_load(&table) && !make_table())
		return NULL;
	p = look(session, 0);
	if (!p)
		return NULL;
	atomic_store(&p->tag, tag);
	atomic_store(&p->name, details ? rm_tls_open(details) : 0);
	atomic_store(&p->server, details && details->server);
	atomic_store(&p->held, 0);
	atomic_store_explicit(&p->session, (uintptr_t)session, memory_order_release);
	return p;
}

static void count_full(void)
{
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	rm_lost(s.thread, RM_LOST_EXCHANGE);
	rm_debug(RM_LOG_CONN, "too many TLS sessions at once: new ones are not watched any more");
	rm_leave(&s);
}

bool rm_tls_enter(const void *session, uint64_t tag, const struct rm_tls_session *details, struct rm_tls_known *ret)
{
	bool locked = !atomic_load_explicit(&full, memory_order_relaxed) && take_lock();
	struct place *p = locked ? enter_locked(session, tag, details) : NULL;

	if (locked)
		atomic_store_explicit(&lock, 0, memory_order_release);
	if (p)
		*ret = known_of(p);
	else if (!atomic_exchange(&full, true))
		count_full();
	return p != NULL;
}

void rm_tls_enter_unwatched(const void *session, uint64_t tag)
{
	struct rm_tls_known unused;

	rm_tls_enter(session, tag, NULL, &unused);
}

void rm_tls_retag(const void *session, uint64_t tag)
{
	struct place *p = place_of(session);

	if (p)
		atomic_store_explicit(&p->tag, tag, memory_order_relaxed);
}

void rm_tls_forget(const void *session)
{
	struct place *p = place_of(session);
	rm_tls name;

	if (!p)
		return;
	name = atomic_load_explicit(&p->name, memory_order_relaxed);
	atomic_store_explicit(&p->session, 0, memory_order_release);
	rm_tls_close(name);
}

size_t rm_tls_held(const void *session, size_t more)
{
	struct place *p = place_of(session);

	return p ? atomic_fetch_add_explicit(&p->held, (uint32_t)more, memory_order_relaxed) + more : 0;
}

void rm_tls_held_sent(const void *session)
{
	struct place *p = place_of(session);

	if (p)
		atomic_store_explicit(&p->held, 0, memory_order_relaxed);
}
