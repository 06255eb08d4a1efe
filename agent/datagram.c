/*
 * See datagram.h. A question is kept under a word made of its descriptor, its number and a hash of what is asked, which no
 * address is; so nothing of a socket is remembered but a mark in the table of descriptors. An answer that does not fit a
 * question is passed over: anybody can send one.
 */
#include "agent/datagram.h"

#include <netinet/in.h>
#include <string.h>

#include "agent/conn.h"
#include "agent/context.h"
#include "agent/dns.h"
#include "agent/local.h"
#include "agent/lookup.h"
#include "base/clock.h"
#include "protocols/dns_message.h"

enum { PORT = 53, FD_BITS = 22, HASH_BITS = 25 };

#define KEY_MARK (UINT64_C(1) << 63) /* no user address has this bit */
#define KEY_FD_SHIFT (16 + HASH_BITS)
#define KEY_FD_MASK (((UINT64_C(1) << FD_BITS) - 1) << KEY_FD_SHIFT)
#define NO_ANSWER RM_STR("no_answer")

#define GIVEN_UP_NS UINT64_C(30000000000) /* after so long nobody waits any more */
#define SWEEP_NS UINT64_C(5000000000)

static _Atomic uint64_t swept_ns;

static uint64_t key_of(int fd, const struct rm_dns_message *m)
{
	return KEY_MARK | (uint64_t)(unsigned)fd << KEY_FD_SHIFT | (uint64_t)m->id << HASH_BITS | (m->hash & ((1u << HASH_BITS) - 1));
}

bool rm_datagram_watched(int fd)
{
	return rm_fd_mark(fd) == RM_FD_DNS;
}

bool rm_datagram_may(int fd)
{
	uint32_t mark = rm_fd_mark(fd);

	return mark == RM_FD_DNS || mark == RM_FD_DGRAM;
}

/* The family says how much there is. */
static bool is_resolver(const struct sockaddr *to, socklen_t len)
{
	if (to->sa_family == AF_INET && len >= sizeof(struct sockaddr_in))
		return ntohs(((const struct sockaddr_in *)to)->sin_port) == PORT;
	return to->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6) &&
	       ntohs(((const struct sockaddr_in6 *)to)->sin6_port) == PORT;
}

bool rm_datagram_to(int fd, const struct sockaddr *to, socklen_t len)
{
	uint32_t mark = rm_fd_mark(fd);
	struct rm_scope s;

	if (mark == RM_FD_DNS)
		return true;
	if (mark != RM_FD_DGRAM || !to || len < sizeof(struct sockaddr_in) || !rm_may_read(to, len) || !is_resolver(to, len) ||
	    !rm_enter(&s))
		return false;
	rm_fd_set_mark(fd, RM_FD_DNS);
	rm_leave(&s);
	return true;
}

void rm_datagram_connected(int fd, const struct sockaddr *to, socklen_t len)
{
	if (to && len >= sizeof(to->sa_family))
		rm_fd_set_mark(fd, is_resolver(to, len) ? RM_FD_DNS : RM_FD_DGRAM);
}

void rm_datagram_closed(int fd)
{
	struct rm_local_range range = { KEY_MARK | KEY_FD_MASK, KEY_MARK | (uint64_t)(unsigned)fd << KEY_FD_SHIFT, UINT64_MAX };

	rm_local_cut_off(rm_thread_self(), &range, NO_ANSWER);
}

/* Sockets that stay open keep what was never answered: the table is not to fill with it. */
static void sweep(struct rm_thread *t)
{
	uint64_t now_ns = rm_clock_mono_ns(), last_ns = atomic_load_explicit(&swept_ns, memory_order_relaxed);
	struct rm_local_range range = { KEY_MARK, KEY_MARK, now_ns - GIVEN_UP_NS };

	if (now_ns - last_ns > SWEEP_NS && now_ns > GIVEN_UP_NS && atomic_compare_exchange_strong(&swept_ns, &last_ns, now_ns))
		rm_local_cut_off(t, &range, NO_ANSWER);
}

static uint64_t begin(struct rm_thread *t, int fd, const uint8_t *p, size_t n, const struct sockaddr *to, socklen_t len, char *name)
{
	struct rm_dns_asked asked = { 0 };
	struct rm_peer peer = { 0 };
	struct rm_dns_message m;
	struct rm_strbuf room;
	const char *type;
	uint64_t key;

	rm_strbuf_init(&room, name, RM_DNS_NAME_BYTES);
	if (!rm_dns_read(p, n, &room, &m) || m.response)
		return 0;
	key = key_of(fd, &m);
	if (rm_local_seen((const void *)(uintptr_t)key, 0))
		return 0;
	if (to && len > sizeof(to->sa_family) && rm_may_read(to, len))
		rm_peer_set(&peer, to, len);
	rm_peer_ask(&peer, fd);
	type = rm_dns_type_name(m.type);
	asked.name = m.name;
	asked.type = type ? rm_str_c(type) : RM_STR("");
	asked.peer = &peer;
	sweep(t);
	return rm_dns_begin(t, &asked, (const void *)(uintptr_t)key) ? key : 0;
}

uint64_t rm_datagram_sends(int fd, const struct iovec *iov, int count, const struct sockaddr *to, socklen_t len)
{
	uint64_t key = 0;
	struct rm_scope s;
	rm_text room;

	/* Nobody writes a question in pieces, but for the length that TCP has before it. */
	if (count < 1 || iov->iov_len < RM_DNS_HEAD_BYTES || iov->iov_len > UINT16_MAX || rm_context_config()->dns == RM_DNS_NONE ||
	    !rm_may_read(iov->iov_base, iov->iov_len) || !rm_enter(&s))
		return 0;
	room = rm_lookup_goes_on(s.thread) ? 0 : rm_text_get(RM_DNS_NAME_BYTES);
	if (room)
		key = begin(s.thread, fd, iov->iov_base, iov->iov_len, to, len, rm_text_at(room));
	rm_text_put(room);
	rm_leave(&s);
	return key;
}

void rm_datagram_unsent(uint64_t question)
{
	struct rm_scope s;
	rm_ctx ctx;

	if (!question || !rm_enter(&s))
		return;
	if (rm_dns_take((const void *)(uintptr_t)question, &ctx))
		rm_exchange_drop((uint32_t)ctx);
	rm_leave(&s);
}

static void answer(struct rm_thread *t, int fd, const uint8_t *p, size_t n, char *name)
{
	struct rm_dns_message m;
	struct rm_strbuf room;
	struct rm_exchange *e;
	rm_ctx ctx;

	rm_strbuf_init(&room, name, RM_DNS_NAME_BYTES);
	if (!rm_dns_read(p, n, &room, &m) || !m.response)
		return;
	e = rm_dns_take((const void *)(uintptr_t)key_of(fd, &m), &ctx);
	if (!e)
		return;
	rm_dns_answered(e, p, n, &m);
	rm_exchange_end((uint32_t)ctx, rm_clock_mono_ns(), t);
}

void rm_datagram_received(int fd, const struct iovec *iov, int count, ssize_t n)
{
	size_t bytes = n > 0 && count > 0 ? (size_t)n : 0;
	struct rm_scope s;
	rm_text room;

	if (!bytes || !rm_enter(&s))
		return;
	bytes = bytes < iov->iov_len ? bytes : iov->iov_len;
	room = rm_text_get(RM_DNS_NAME_BYTES);
	if (room)
		answer(s.thread, fd, iov->iov_base, bytes, rm_text_at(room));
	rm_text_put(room);
	rm_leave(&s);
}
