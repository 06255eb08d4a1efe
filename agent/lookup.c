/*
 * See lookup.h. A look-up under way is kept with those of SQLite (agent/local.h), under its thread's number, so that one which
 * the end of the process finds under way is told of, too.
 *
 * A thread remembers how deep in its stack its look-up is: a module that libc asks (NSS) may come by our hooks again, from
 * further down. A call from above is a new one, and so is any behind a jump (longjmp): the old one was left, as an alarm's handler
 * does. When that was nobody knows, so it has no span, and is counted. A jump that stayed within it costs that span only if
 * a module looks up names behind it, too. One whose thread was cancelled is found by a later look-up of any thread.
 *
 * One that another thread makes for this one (getaddrinfo_a) is kept under the address of what it was asked with.
 */
#include "agent/lookup.h"

#include "agent/alive.h"
#include "agent/context.h"
#include "agent/dns.h"
#include "agent/local.h"
#include "agent/text.h"
#include "base/clock.h"
#include "base/fmt_addr.h"
#include "base/sys.h"

enum {
	FRAME_SHIFT = 2,                 /* the lowest two bits are marks: frames are aligned to 16 */
	CLASS_IN = 1,
	DEEP = 1, JUMPED = 2, MARKS = 3, /* in what a thread remembers: set; and there was a jump since */
	SWEEP_EVERY = 16,                /* look-ups */
};

#define KEY_MARK (UINT64_C(1) << 62) /* no user address has this bit, and no key of a datagram only this one */
#define KEY_MASK (UINT64_C(3) << 62)

/* ---- what is no look-up ---- */

static bool is_digit(char c, bool hex)
{
	char low = (char)(c | 0x20);

	return (c >= '0' && c <= '9') || (hex && low >= 'a' && low <= 'f');
}

/* A number as inet_aton takes it: decimal, octal, or hexadecimal behind 0x. */
static bool is_number(struct rm_str part)
{
	bool hex = part.n > 2 && part.p[0] == '0' && (part.p[1] | 0x20) == 'x';

	for (size_t i = hex ? 2 : 0; i < part.n; i++)
		if (!is_digit(part.p[i], hex))
			return false;
	return part.n;
}

static bool is_address(struct rm_str name)
{
	struct rm_str rest = name;
	int parts = 0;

	if (memchr(name.p, ':', name.n))
		return true;
	if (name.p[name.n - 1] == '.')
		return false;
	for (; rest.n; parts++)
		if (!is_number(rm_str_cut(&rest, '.')))
			return false;
	return parts <= 4;
}

/* As many bytes as a name may have, and one more. */
static struct rm_str bounded(const char *name)
{
	struct rm_str s = { name, 0 };

	while (s.n <= RM_LOOKUP_NAME_BYTES && name[s.n])
		s.n++;
	return s;
}

static bool is_localhost(struct rm_str name)
{
	static const struct rm_str localhost = { "localhost", 9 };
	struct rm_str end;

	if (name.p[name.n - 1] == '.')
		name.n--;
	if (name.n < localhost.n)
		return false;
	end = (struct rm_str){ name.p + name.n - localhost.n, localhost.n };
	return rm_str_ieq(end, localhost) && (end.p == name.p || end.p[-1] == '.');
}

bool rm_lookup_is_local(const char *name)
{
	struct rm_str s = name ? bounded(name) : (struct rm_str){ 0 };

	return !s.n || is_address(s) || is_localhost(s);
}

/* ---- calls in calls ---- */

/* The lower 32 bits of an address tell neighbours apart. Never 0. */
static uint32_t depth_of(const void *frame)
{
	return ((uint32_t)((uintptr_t)frame >> FRAME_SHIFT) & ~(uint32_t)MARKS) | DEEP;
}

/* True for a call from within another look-up of this thread. */
static bool is_inner(const struct rm_thread *t, const void *frame)
{
	return t->lookup && !(t->lookup & JUMPED) && (int32_t)(depth_of(frame) - t->lookup) < 0;
}

bool rm_lookup_goes_on(const struct rm_thread *t)
{
	return is_inner(t, __builtin_frame_address(0));
}

void rm_lookup_jumps(void)
{
	struct rm_thread *t = rm_active() && rm_sys_thread_is_libcs() ? rm_thread_self() : NULL;

	if (t && t->lookup)
		t->lookup |= JUMPED;
}

static const void *key_of(const struct rm_thread *t)
{
	uint32_t tid = rm_alive_self();

	return tid ? (const void *)(uintptr_t)(KEY_MARK | tid) : (const void *)&t->lookup;
}

/* What was kept there and is not this: an earlier one that was left. */
static void forget_left(struct rm_thread *t, const void *key)
{
	uint64_t seen_ns;

	rm_local_drop(t, rm_local_take(key, &seen_ns));
}

/* What threads left that are no more. Whoever leaves something has made a look-up, so that it cannot become much. */
static void sweep(struct rm_thread *t)
{
	static _Atomic uint32_t begun;

	if (atomic_fetch_add_explicit(&begun, 1, memory_order_relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1)
		rm_local_sweep(t, KEY_MASK, KEY_MARK, rm_alive_gone);
}

/* ---- spans ---- */

/* Whatever the thread works for, this is for `whose`. */
static rm_ctx begin_for(struct rm_thread *t, const struct rm_dns_asked *asked, const void *key, rm_ctx whose)
{
	rm_ctx before = t->attached, ret;
	uint8_t how = t->attached_how;

	t->attached = whose;
	t->attached_how = RM_SOURCE_HANDOFF;
	ret = rm_dns_begin(t, asked, key);
	t->attached = before;
	t->attached_how = how;
	return ret;
}

/* `asked` NULL: no span, but no look-up inside of it either. */
static void begin(struct rm_lookup *l, const struct rm_dns_asked *asked, rm_ctx whose)
{
	struct rm_scope s;

	*l = (struct rm_lookup){ 0 };
	if (!rm_enter(&s))
		return;
	if (!is_inner(s.thread, l)) {
		sweep(s.thread);
		l->key = key_of(s.thread);
		forget_left(s.thread, l->key);
		s.thread->lookup = depth_of(l);
		l->outermost = true;
		if (asked)
			l->ctx = whose ? begin_for(s.thread, asked, l->key, whose) : rm_dns_begin(s.thread, asked, l->key);
	}
	rm_leave(&s);
}

void rm_lookup_begin(struct rm_lookup *l, const char *name)
{
	rm_lookup_begin_for(l, name, 0);
}

void rm_lookup_begin_for(struct rm_lookup *l, const char *name, rm_ctx whose)
{
	struct rm_dns_asked asked = { 0 };

	if (!rm_lookup_is_local(name)) {
		asked.name = bounded(name);
		asked.name.n -= asked.name.n > RM_LOOKUP_NAME_BYTES;
	}
	begin(l, asked.name.n ? &asked : NULL, whose);
}

/* An address of this machine alone, as text: as little a look-up as "localhost". */
static bool is_loopback(struct rm_str address)
{
	return rm_str_begins(address, RM_STR("127.")) || rm_str_eq(address, RM_STR("::1"));
}

void rm_lookup_begin_reverse(struct rm_lookup *l, const struct sockaddr *address, size_t len)
{
	struct rm_dns_asked asked = { .reverse = true };
	char room[64];
	struct rm_strbuf text;
	uint16_t port;

	rm_strbuf_init(&text, room, sizeof(room));
	if (rm_may_read(address, len) && address->sa_family != AF_UNIX && rm_fmt_sockaddr(&text, address, len, &port))
		asked.name = rm_strbuf_view(&text);
	begin(l, asked.name.n && !is_loopback(asked.name) ? &asked : NULL, 0);
}

void rm_lookup_begin_question(struct rm_lookup *l, const char *name, int class, int type)
{
	const char *known = rm_dns_type_name((uint16_t)type);
	struct rm_dns_asked asked = { .type = known ? rm_str_c(known) : RM_STR("") };

	if (name && class == CLASS_IN) {
		asked.name = bounded(name);
		asked.name.n -= asked.name.n > RM_LOOKUP_NAME_BYTES;
		asked.name.n -= asked.name.n > 1 && asked.name.p[asked.name.n - 1] == '.';
		asked.name = asked.name.n ? asked.name : RM_STR(".");
	}
	begin(l, asked.name.n ? &asked : NULL, 0);
}

void rm_lookup_begin_joined(struct rm_lookup *l, const char *name, const char *domain, int class, int type)
{
	char room[RM_LOOKUP_NAME_BYTES + 1];
	struct rm_str first = name ? bounded(name) : (struct rm_str){ 0 };
	struct rm_strbuf both;

	rm_strbuf_init(&both, room, sizeof(room) - 1);
	rm_strbuf_str(&both, first);
	if (domain) {
		rm_strbuf_char(&both, '.');
		rm_strbuf_str(&both, bounded(domain));
	}
	room[both.n] = '\0';
	rm_lookup_begin_question(l, name && !both.truncated ? room : NULL, class, type);
}

void rm_lookup_begin_message(struct rm_lookup *l, const uint8_t *p, size_t n)
{
	rm_text room = rm_may_enter() && rm_may_read(p, n) ? rm_text_get(RM_DNS_NAME_BYTES) : 0;
	struct rm_dns_asked asked = { 0 };
	struct rm_dns_message m;
	struct rm_strbuf name;
	const char *known;

	rm_strbuf_init(&name, room ? rm_text_at(room) : NULL, room ? RM_DNS_NAME_BYTES : 0);
	if (room && rm_dns_read(p, n, &name, &m) && !m.response) {
		known = rm_dns_type_name(m.type);
		asked.name = m.name;
		asked.type = known ? rm_str_c(known) : RM_STR("");
	}
	begin(l, asked.name.n ? &asked : NULL, 0);
	rm_text_put(room);
}

void rm_lookup_pass(struct rm_lookup *l)
{
	begin(l, NULL, 0);
}

/* True if the exchange is still this call's and this process's; the thread looks nothing up any more. */
static bool is_taken(struct rm_thread *t, const struct rm_lookup *l)
{
	rm_ctx ctx;

	t->lookup = 0;
	return l->ctx && rm_dns_take(l->key, &ctx) && ctx == l->ctx;
}

void rm_lookup_end(struct rm_lookup *l, struct rm_str error, const struct rm_answers *answers)
{
	struct rm_scope s;

	if (!l->outermost || !rm_enter(&s))
		return;
	if (is_taken(s.thread, l))
		rm_dns_end(s.thread, l->ctx, error, answers ? answers->value : NULL, answers ? answers->count : 0);
	rm_leave(&s);
}

/* What the answer says goes into the span, if it is one. */
static void read_answer(rm_ctx ctx, const uint8_t *p, size_t n)
{
	rm_text room = rm_text_get(RM_DNS_NAME_BYTES);
	struct rm_dns_message m;
	struct rm_strbuf name;

	rm_strbuf_init(&name, room ? rm_text_at(room) : NULL, room ? RM_DNS_NAME_BYTES : 0);
	if (room && rm_dns_read(p, n, &name, &m) && m.response)
		rm_dns_answered(rm_exchange_at((uint32_t)ctx), p, n, &m);
	rm_text_put(room);
}

void rm_lookup_end_message(struct rm_lookup *l, const uint8_t *p, size_t n)
{
	struct rm_scope s;

	if (!l->outermost || !rm_enter(&s))
		return;
	if (is_taken(s.thread, l)) {
		read_answer(l->ctx, p, n);
		rm_exchange_end((uint32_t)l->ctx, rm_clock_mono_ns(), s.thread);
	}
	rm_leave(&s);
}

void rm_lookup_drop(struct rm_lookup *l)
{
	struct rm_scope s;

	if (!l->outermost || !rm_enter(&s))
		return;
	if (is_taken(s.thread, l))
		rm_exchange_drop((uint32_t)l->ctx);
	rm_leave(&s);
}

/* ---- by another thread ---- */

void rm_lookup_order(const void *key, const char *name)
{
	struct rm_dns_asked asked = { 0 };
	struct rm_scope s;

	if (rm_lookup_is_local(name) || !rm_enter(&s))
		return;
	asked.name = bounded(name);
	asked.name.n -= asked.name.n > RM_LOOKUP_NAME_BYTES;
	forget_left(s.thread, key);
	rm_dns_begin(s.thread, &asked, key);
	rm_leave(&s);
}

bool rm_lookup_is_ordered(const void *key)
{
	return rm_may_enter() && rm_local_seen(key, 0);
}

void rm_lookup_deliver(const void *key, struct rm_str error, const struct rm_answers *answers)
{
	struct rm_scope s;
	rm_ctx ctx;

	if (!rm_enter(&s))
		return;
	if (rm_dns_take(key, &ctx))
		rm_dns_end(s.thread, ctx, error, answers->value, answers->count);
	rm_leave(&s);
}

/* It has no span; `lost`: it should have one. */
static void take_back(const void *key, bool lost)
{
	struct rm_scope s;
	rm_ctx ctx;

	if (!rm_enter(&s))
		return;
	if (rm_dns_take(key, &ctx)) {
		rm_exchange_drop((uint32_t)ctx);
		if (lost)
			rm_lost(s.thread, RM_LOST_EXCHANGE);
	}
	rm_leave(&s);
}

void rm_lookup_withdraw(const void *key)
{
	take_back(key, false);
}

void rm_lookup_lose(const void *key)
{
	take_back(key, true);
}

/* ---- answers ---- */

void rm_answers_init(struct rm_answers *a)
{
	a->count = 0;
	rm_strbuf_init(&a->text, a->room, sizeof(a->room));
}

/* What was written behind `from` becomes an answer, unless it is one already. */
static void settle(struct rm_answers *a, size_t from)
{
	struct rm_str value = { a->room + from, a->text.n - from };

	if (a->text.truncated)
		value.n = 0;
	for (uint32_t i = 0; i < a->count; i++)
		if (rm_str_eq(a->value[i], value)) {
			a->text.n = from;
			return;
		}
	if (value.n)
		a->value[a->count++] = value;
}

void rm_answers_address(struct rm_answers *a, const struct sockaddr *address, size_t len)
{
	size_t from = a->text.n;
	uint16_t port;

	if (a->count == RM_LOOKUP_ANSWERS || address->sa_family == AF_UNIX || !rm_fmt_sockaddr(&a->text, address, len, &port))
		return;
	settle(a, from);
}

void rm_answers_text(struct rm_answers *a, struct rm_str name)
{
	size_t from = a->text.n;

	if (a->count == RM_LOOKUP_ANSWERS)
		return;
	rm_strbuf_str(&a->text, name);
	settle(a, from);
}

void rm_answers_name(struct rm_answers *a, const char *name)
{
	if (name)
		rm_answers_text(a, bounded(name));
}

bool rm_lookup_is_address(const char *name)
{
	struct rm_str s = bounded(name);

	return s.n && is_address(s);
}
