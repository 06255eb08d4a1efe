/*
 * The descriptor table, and the connections that it names.
 *
 * Owns: two levels of table, mapped as descriptors appear; the connections' locks. Runs in
 * hooks, also inside signal handlers: the only lock is a connection's try-lock with a bounded wait,
 * and a lock left behind by a thread that does not exist in a forked child is recognised by its
 * epoch. Must never: make a system call on the way of bytes.
 *
 * A number read from the table may be stale when it is used: rm_conn_take locks first and then
 * looks at the table again; only a connection still named there is the right one.
 */
#include "agent/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/bound.h"
#include "agent/conn_pool.h"
#include "agent/context.h"
#include "agent/datagram.h"
#include "agent/output.h"
#include "agent/stream.h"
#include "agent/tls_hello.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sys.h"

enum { LOCK_WAIT_NS = 50000000 };

_Atomic(rm_fd_entry *) rm_fd_root[RM_FD_MAX >> RM_FD_LEAF_BITS];
static _Atomic int fd_high = -1; /* the largest descriptor ever entered */

/* As rm_fd_slot(), and makes the place; NULL when the descriptor is too large or memory is short. */
static rm_fd_entry *make_slot(int fd)
{
	rm_fd_entry *leaf, *none = NULL;

	if (rm_fd_slot(fd) || (unsigned)fd >= RM_FD_MAX)
		return rm_fd_slot(fd);
	leaf = rm_memory_get(RM_FD_LEAF * sizeof(rm_fd_entry));
	if (leaf && !atomic_compare_exchange_strong(&rm_fd_root[fd >> RM_FD_LEAF_BITS], &none, leaf))
		rm_memory_put(leaf, RM_FD_LEAF * sizeof(rm_fd_entry)); /* another thread was faster */
	return rm_fd_slot(fd);
}

bool rm_fd_is_served(int fd)
{
	uint32_t number = rm_fd_mark(fd);
	struct rm_conn *c;

	if (number == RM_FD_LISTENER || number == RM_FD_SERVED_MUTE)
		return true;
	if (!rm_conn_is(number))
		return false;
	c = rm_conn_at(number);
	return c->accepted || c->role == RM_ROLE_SERVER;
}

uint32_t rm_conn_gen(const struct rm_conn *c, int fd)
{
	uint32_t gen = atomic_load_explicit(&c->gen, memory_order_acquire);

	return rm_conn_peek(fd) == c ? gen : 0;
}

/* What was left alone and forgotten may have ended, but is not in use again. */
RM_GLANCE bool rm_conn_still_there(const struct rm_conn *c, uint32_t gen, int fd)
{
	uint32_t now = rm_fd_mark(fd), later = atomic_load_explicit(&c->gen, memory_order_acquire) - gen;

	if (rm_conn_is(now))
		return rm_conn_at(now) == c && later == 0;
	return later <= 1 && c->muted && now == (c->accepted ? RM_FD_SERVED_MUTE : RM_FD_NONE);
}

void rm_conn_doubt(int fd)
{
	struct rm_conn *c = rm_conn_peek(fd);

	if (c)
		atomic_store(&c->gap, 1);
}

static inline uint32_t this_process(void) { return rm_epoch() + 1; }

/* What a fork left locked is half done: nothing of it is looked at again, nor given back. Lock held. */
static void abandon(struct rm_conn *c)
{
	c->dead = 1;
	c->pending_count = 0;
	c->retry = 0;
	c->taken = 0;
	memset(c->stash, 0, sizeof(c->stash));
}

/* False: nobody refers to it any more, or the wait was in vain. It is long only where a gap would be the first. */
static inline bool lock(struct rm_conn *c)
{
	enum rm_locked locked = rm_life_try(&c->life, this_process());

	if (!locked)
		locked = rm_life_wait(&c->life, this_process(), c->gap ? 0 : LOCK_WAIT_NS);
	if (locked == RM_LOCKED_LEFT)
		abandon(c);
	return locked;
}

/*
 * A fork came in the middle of an edited call, whose thread exists in the parent only: what it was
 * changing is not looked at any more, and its reference is gone. Lock held.
 */
static void forget_edit(struct rm_conn *c)
{
	/* Read once: the call of a thread of this process may be over at any moment, without the lock. */
	uint32_t busy = atomic_load_explicit(&c->tx_busy, memory_order_acquire);

	if (!busy || busy == this_process())
		return;
	c->pending_count = 0;
	c->retry = 0;
	c->taken = 0;
	atomic_store(&c->tx_busy, 0);
	atomic_store(&c->gap, 1);
	rm_life_let(&c->life);
}

void rm_conn_unstash(struct rm_conn *c)
{
	for (int i = 0; i < RM_CONN_TEXTS; i++)
		rm_text_put(c->stash[i]);
	memset(c->stash, 0, sizeof(c->stash));
}

/* Ends what is open on it and gives the memory back. Lock held, no reference left. */
static void end(struct rm_conn *c)
{
	uint32_t number = c->number;

	rm_stream_closed(c, false);
	atomic_fetch_add(&c->gen, 1);
	for (int i = 0; i < c->pending_count; i++)
		rm_text_put(c->pending[i].text);
	rm_text_put(c->retry);
	c->pending_count = 0;
	c->retry = 0;
	rm_conn_unstash(c);
	rm_bound_clear(c);
	rm_life_end(&c->life);
	rm_conn_put(number);
}

void rm_conn_release(struct rm_conn *c)
{
	if (!rm_life_unlock(&c->life))
		end(c);
}

__attribute__((cold)) void rm_conn_bypassed(struct rm_conn *c)
{
	if (rm_is_bypassed())
		atomic_store(&c->gap, 1);
}

bool rm_conn_lock(struct rm_conn *c)
{
	if (lock(c))
		return true;
	atomic_store(&c->gap, 1);
	return false;
}

/* A gap ends what the protocol knows, as soon as no edit is half way. Lock held. */
static void mind_gap(struct rm_conn *c, int fd)
{
	forget_edit(c);
	if ((c->gap || c->dead) && !c->muted && !rm_conn_midway(c))
		rm_stream_gap(c, fd);
}

/* After locking: the connection, if it is the one that was meant (`it`) and not muted; else released. */
static struct rm_conn *looked_for(struct rm_conn *c, int fd, bool it)
{
	if (it)
		mind_gap(c, fd);
	if (it && !c->muted)
		return c;
	rm_conn_release(c);
	return NULL;
}

/* False: looked_for would find nothing to mind. Lock held. */
static inline bool is_odd(const struct rm_conn *c)
{
	return c->muted | c->dead | c->gap || atomic_load_explicit(&c->tx_busy, memory_order_acquire);
}

struct rm_conn *rm_conn_take(int fd)
{
	uint32_t number = rm_fd_mark(fd);
	struct rm_conn *c;

	if (!rm_conn_is(number))
		return NULL;
	c = rm_conn_at(number);
	if (!lock(c)) {
		if (rm_fd_mark(fd) == number)
			atomic_store(&c->gap, 1);
		return NULL;
	}
	return looked_for(c, fd, rm_fd_mark(fd) == number);
}

struct rm_conn *rm_conn_retake(struct rm_conn *c, uint32_t gen, int fd)
{
	if (atomic_load_explicit(&c->gen, memory_order_relaxed) != gen)
		return NULL;
	if (!lock(c)) {
		if (atomic_load(&c->gen) == gen)
			atomic_store(&c->gap, 1);
		return NULL;
	}
	if (atomic_load_explicit(&c->gen, memory_order_relaxed) == gen && !is_odd(c))
		return c;
	return looked_for(c, fd, atomic_load(&c->gen) == gen);
}

struct rm_conn *rm_conn_peek_name(rm_conn_name name)
{
	struct rm_conn *c = name ? rm_conn_at((uint32_t)name) : NULL;

	return c && atomic_load_explicit(&c->gen, memory_order_relaxed) == name >> 32 ? c : NULL;
}

struct rm_conn *rm_conn_take_name(rm_conn_name name)
{
	struct rm_conn *c = rm_conn_peek_name(name);

	return c && !c->muted ? rm_conn_retake(c, (uint32_t)(name >> 32), -1) : NULL;
}

void rm_conn_hold(struct rm_conn *c)
{
	rm_life_hold(&c->life);
}

void rm_conn_drop(struct rm_conn *c)
{
	uint32_t busy = atomic_load_explicit(&c->tx_busy, memory_order_relaxed);
	enum rm_locked locked;

	if (busy && busy != this_process() && lock(c)) {
		forget_edit(c);
		rm_conn_release(c);
	}
	locked = rm_life_drop(&c->life, this_process());
	if (locked == RM_LOCKED_LEFT)
		abandon(c);
	if (locked)
		end(c);
}

static void raise_high(int fd)
{
	int high = atomic_load_explicit(&fd_high, memory_order_relaxed);

	while (high < fd && !atomic_compare_exchange_weak(&fd_high, &high, fd))
		;
}

/* Puts `number` and the reference it stands for into the table. */
static void enter(int fd, uint32_t number)
{
	rm_fd_entry *e = number != RM_FD_NONE ? make_slot(fd) : rm_fd_slot(fd);
	uint32_t old;

	old = e ? atomic_exchange(e, number) : number;
	if (e)
		raise_high(fd);
	if (rm_conn_is(old))
		rm_conn_drop(rm_conn_at(old));
	else if (old == RM_FD_DNS && number != RM_FD_DNS)
		rm_datagram_closed(fd);
}

void rm_fd_set_mark(int fd, uint32_t mark)
{
	enter(fd, mark);
}

/* A connection that no descriptor names yet. 0: no memory, which is counted, or forks would go unnoticed. */
static uint32_t make(enum rm_role role)
{
	struct rm_conn *c;

	if (!rm_fork_watch())
		return 0;
	rm_log_say_kept();
	c = rm_conn_get();
	if (!c) {
		rm_lost(rm_thread_self(), RM_LOST_EXCHANGE);
		return 0;
	}
	memset(&c->muted, 0, sizeof(*c) - offsetof(struct rm_conn, muted));
	if (!atomic_load(&c->gen))
		atomic_store(&c->gen, 1);
	c->accepted = role == RM_ROLE_SERVER;
	c->role = (uint8_t)role;
	c->older = !role;
	rm_life_begin(&c->life);
	return c->number;
}

/* The same for a descriptor that the table has a place for; NULL where it has none. */
static struct rm_conn *make_for(int fd, enum rm_role role)
{
	uint32_t number = make_slot(fd) ? make(role) : 0;

	return number ? rm_conn_at(number) : NULL;
}

void rm_conn_new(int fd, bool accepted)
{
	struct rm_conn *c = make_for(fd, accepted ? RM_ROLE_SERVER : 0);

	enter(fd, c ? c->number : accepted ? RM_FD_SERVED_MUTE : RM_FD_NONE);
}

void rm_conn_output(int fd, uint8_t stream)
{
	struct rm_conn *c = make_for(fd, 0);

	if (!c)
		return;
	c->muted = 1;
	c->output = stream;
	enter(fd, c->number);
}

void rm_conn_output_ends(int fd)
{
	const struct rm_conn *c = rm_conn_peek(fd);

	if (c && c->output)
		enter(fd, RM_FD_NONE);
}

rm_conn_name rm_conn_open(enum rm_role role)
{
	uint32_t number = make(role);
	struct rm_conn *c = number ? rm_conn_at(number) : NULL;

	if (c)
		c->secure = 1;
	return c ? (uint64_t)atomic_load(&c->gen) << 32 | number : 0;
}

void rm_conn_close(rm_conn_name name)
{
	struct rm_conn *c = rm_conn_peek_name(name);

	if (c)
		rm_conn_drop(c);
}

void rm_conn_forget_fd(struct rm_conn *c, int fd)
{
	rm_fd_entry *e = rm_fd_slot(fd);
	uint32_t number = c->number;

	/* Other descriptors of it find a muted connection, and give it up in their turn. */
	if (e && atomic_compare_exchange_strong(e, &number, c->accepted ? RM_FD_SERVED_MUTE : RM_FD_NONE))
		rm_life_let(&c->life);
	rm_conn_release(c);
}

void rm_conn_end_all(void)
{
	uint32_t last = atomic_load(&rm_conns.next);

	for (uint32_t number = 1; number <= last; number++) {
		struct rm_conn *c = rm_conn_at(number);

		if (!lock(c))
			continue;
		rm_stream_closed(c, true);
		rm_conn_release(c);
	}
}

static int socket_option(int fd, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	return rm_sys5(__NR_getsockopt, fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

bool rm_fd_is_stream(int fd)
{
	return socket_option(fd, SO_TYPE) == SOCK_STREAM;
}

/* ---- what the hooks tell of descriptors ---- */

void rm_fd_socket(struct rm_scope *s, int fd, int domain, int type)
{
	bool internet = domain == AF_INET || domain == AF_INET6;
	bool stream = (type & 0xf) == SOCK_STREAM && (internet || domain == AF_UNIX);
	bool asks = internet && (type & 0xf) == SOCK_DGRAM && rm_context_config()->dns != RM_DNS_NONE;

	if (stream || asks || rm_fd_mark(fd) != RM_FD_NONE)
		enter(fd, stream ? RM_FD_STREAM : asks ? RM_FD_DGRAM : RM_FD_NONE);
}

void rm_fd_listen(struct rm_scope *s, int fd)
{
	if (!rm_fd_is_stream(fd))
		return;
	enter(fd, RM_FD_LISTENER);
	rm_output_serves(true);
}

void rm_fd_accept(struct rm_scope *s, int listener, int fd)
{
	/* A listener that was there before us is asked once. */
	if (rm_fd_mark(listener) != RM_FD_LISTENER) {
		if (!rm_fd_is_stream(fd)) {
			rm_fd_close(s, fd);
			return;
		}
		enter(listener, RM_FD_LISTENER);
	}
	rm_output_serves(false);
	rm_tls_expect();
	rm_conn_new(fd, true);
	rm_context_accepted(s->thread);
}

void rm_fd_connect(struct rm_scope *s, int fd, const struct sockaddr *to, socklen_t len, int result, int error, uint64_t begun_ns)
{
	struct rm_conn *c;

	if (rm_conn_is(rm_fd_mark(fd)) && (result == 0 || error == EISCONN))
		rm_fd_connected(s, fd);
	else if ((rm_fd_mark(fd) == RM_FD_DGRAM || rm_fd_mark(fd) == RM_FD_DNS) && result == 0)
		rm_datagram_connected(fd, to, len);
	if (rm_fd_mark(fd) != RM_FD_STREAM || (result < 0 && error != EINPROGRESS && error != EINTR))
		return;
	rm_tls_expect();
	c = make_for(fd, RM_ROLE_CLIENT);
	if (!c) {
		enter(fd, RM_FD_NONE);
		return;
	}
	if (to && len > sizeof(to->sa_family))
		rm_peer_set(&c->peer, to, len);
	c->setup.connect_ns = begun_ns;
	if (begun_ns && result == 0)
		c->setup.connected_ns = rm_clock_mono_ns();
	rm_context_connected(s->thread, c);
	enter(fd, c->number);
}

/* One reference more for the connection that `fd` names: it must still do so afterwards. */
static bool share(int fd, uint32_t number)
{
	struct rm_conn *c = rm_conn_at(number);

	if (!rm_life_share(&c->life))
		return false;
	if (rm_fd_mark(fd) == number)
		return true;
	rm_conn_drop(c);
	return false;
}

void rm_fd_dup(struct rm_scope *s, int from, int to)
{
	uint32_t number = rm_fd_mark(from);

	if (from == to)
		return;
	if (rm_conn_is(number) && !share(from, number))
		number = RM_FD_NONE; /* given up, or closed, at this very moment */
	if (number != RM_FD_NONE || rm_fd_mark(to) != RM_FD_NONE)
		enter(to, number);
	if (to == RM_STREAM_STDOUT || to == RM_STREAM_STDERR)
		rm_output_moved(to);
}

void rm_fd_received(struct rm_scope *s, int fd)
{
	int domain = socket_option(fd, SO_DOMAIN);
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	if (!rm_fd_is_stream(fd) ||
	    (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX))
		rm_fd_close(s, fd);
	else if (socket_option(fd, SO_ACCEPTCONN) == 1)
		enter(fd, RM_FD_LISTENER);
	else if (rm_sys3(__NR_getpeername, fd, &peer, &len) == 0)
		rm_conn_new(fd, false); /* its first bytes tell whose side this is */
	else
		enter(fd, RM_FD_STREAM);
}

void rm_fd_close(struct rm_scope *s, int fd)
{
	if (rm_fd_mark(fd) != RM_FD_NONE)
		enter(fd, RM_FD_NONE);
}

/* Half a connection ends: what this process sends (SHUT_WR), what it reads (SHUT_RD), or both. */
void rm_fd_shutdown(struct rm_scope *s, int fd, int how)
{
	struct rm_conn *c = rm_conn_take(fd);
	struct rm_visit v;

	if (!c)
		return;
	if (c->role) {
		rm_visit_init(&v, c, s->thread, fd);
		if (how != SHUT_RD)
			rm_stream_end(&v, (enum rm_dir)rm_stream_dir(c, true), false);
		if (how != SHUT_WR)
			rm_stream_end(&v, (enum rm_dir)rm_stream_dir(c, false), false);
	}
	rm_conn_release(c);
}

void rm_fd_close_range(struct rm_scope *s, unsigned first, unsigned last)
{
	int high = atomic_load(&fd_high);

	if (high < 0)
		return;
	for (unsigned fd = first; fd <= last && fd <= (unsigned)high; fd++)
		rm_fd_close(s, (int)fd);
}

void rm_fd_epoll_add(int epfd, int fd)
{
	struct rm_scope s;

	/* Whatever stood there had a close that nobody saw: the call succeeded, so it is an epoll instance. */
	if (rm_fd_mark(epfd) != RM_FD_SERVED_EPOLL && rm_fd_is_served(fd) && rm_enter(&s)) {
		enter(epfd, RM_FD_SERVED_EPOLL);
		rm_leave(&s);
	}
}
