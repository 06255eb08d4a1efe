/*
 * See lookup.h. A look-up under way is kept with those of SQLite (agent/local.h), under the address of its thread's block,
 * so that one which the end of the process finds under way is told of, too.
 *
 * A thread remembers how deep in its stack its look-up is: a module that libc asks (NSS) may come by our hooks again, from
 * further down. A call from above is a new one: the old one was left by longjmp, as an alarm's handler does, or its thread
 * was cancelled. When that was nobody knows, so it has no span, and is counted.
 */
#include "agent/lookup.h"

#include "agent/context.h"
#include "agent/dns.h"
#include "agent/local.h"
#include "base/fmt_addr.h"

enum { FRAME_SHIFT = 4 };

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

/* In units of a frame's alignment, of which the lower 32 bits tell neighbours apart. Never 0. */
static uint32_t depth_of(const void *frame)
{
	return (uint32_t)((uintptr_t)frame >> FRAME_SHIFT) | 1;
}

/* True for a call from within another look-up of this thread. */
static bool is_inner(const struct rm_thread *t, const void *frame)
{
	return t->lookup && (int32_t)(depth_of(frame) - t->lookup) < 0;
}

bool rm_lookup_goes_on(const struct rm_thread *t)
{
	return is_inner(t, __builtin_frame_address(0));
}

/* What an earlier look-up of this thread left behind. */
static void forget_left(struct rm_thread *t)
{
	uint64_t seen_ns;
	rm_ctx ctx = rm_local_take(&t->lookup, &seen_ns);

	if (!ctx)
		return;
	if (!rm_ctx_exchange(ctx))
		return;
	if (rm_exchange_at((uint32_t)ctx)->epoch == rm_epoch())
		rm_lost(t, RM_LOST_EXCHANGE);
	rm_exchange_drop((uint32_t)ctx);
}

/* ---- spans ---- */

/* Whatever the thread works for, this is for `whose`. */
static rm_ctx begin_for(struct rm_thread *t, const struct rm_dns_asked *asked, rm_ctx whose)
{
	rm_ctx before = t->attached, ret;
	uint8_t how = t->attached_how;

	t->attached = whose;
	t->attached_how = RM_SOURCE_HANDOFF;
	ret = rm_dns_begin(t, asked, &t->lookup);
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
		forget_left(s.thread);
		s.thread->lookup = depth_of(l);
		l->outermost = true;
		if (asked)
			l->ctx = whose ? begin_for(s.thread, asked, whose) : rm_dns_begin(s.thread, asked, &s.thread->lookup);
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

void rm_lookup_pass(struct rm_lookup *l)
{
	begin(l, NULL, 0);
}

/* True if the exchange is still this call's and this process's; the thread looks nothing up any more. */
static bool is_taken(struct rm_thread *t, const struct rm_lookup *l)
{
	rm_ctx ctx;

	t->lookup = 0;
	return l->ctx && rm_dns_take(&t->lookup, &ctx) && ctx == l->ctx;
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

void rm_lookup_drop(struct rm_lookup *l)
{
	struct rm_scope s;

	if (!l->outermost || !rm_enter(&s))
		return;
	if (is_taken(s.thread, l))
		rm_exchange_drop((uint32_t)l->ctx);
	rm_leave(&s);
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
