/*
 * A message of syslog's is a record of its own: no line has to be found in it, and its severity is in the call. It is
 * formatted by the hook in memory that is lent here, and becomes a record before libc sends it, as that may wait for the
 * daemon. With LOG_PERROR libc prints it, too; of what stdio prints meanwhile to standard error nothing becomes a record.
 *
 * openlog keeps the ident's address, not its text, and so does this: what it says when a message is sent counts.
 * Runs in hooks. Must never: run code of the program's inside a visit, as formatting may.
 * Spec: syslog(3); OpenTelemetry, logs/data-model-appendix.md, RFC5424 Syslog.
 */
#include "agent/syslogged.h"

#include <stdatomic.h>
#include <string.h>
#include <syslog.h>

#include "agent/alive.h"
#include "agent/context.h"
#include "agent/log_record.h"
#include "agent/outlet.h"
#include "agent/text.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/segment.h"

enum {
	IDENT_MAX_BYTES = 64,
	HELD_MAX = 64,	/* calls under way that are told of, and ... */
	HELD_MANY = 8,	/* ... so many that threads may be gone */
	MESSAGE_MAX_BYTES = RM_RECORD_MAX_BYTES - RM_LOG_RECORD_EXTRA_BYTES, /* of a record; libc sends what it likes */
};

static struct {
	bool watched;
	struct rm_log_limits limits;
	_Atomic(const char *) ident; /* the program's */
	_Atomic int facility;	     /* of messages that name none */
	_Atomic uint64_t unseen;     /* messages */
} sys = { .facility = LOG_USER };

void rm_syslog_init(const struct rm_env *env)
{
	struct rm_str rest = rm_env_str(env, RM_ENV_REMORA_LOG_SOURCES), item;

	sys.watched = false;
	while (rm_outlet_takes(RM_SIGNAL_LOGS) && rm_env_item(&rest, &item))
		sys.watched |= rm_str_ieq(item, RM_STR("syslog"));
	rm_log_limits(&sys.limits, env);
}

bool rm_syslog_watched(void)
{
	return sys.watched;
}

void rm_syslog_opened(const char *ident, int facility)
{
	if (ident)
		atomic_store(&sys.ident, ident);
	if (facility != 0 && !(facility & ~LOG_FACMASK))
		atomic_store(&sys.facility, facility);
}

void rm_syslog_closed(void)
{
	atomic_store(&sys.ident, NULL);
}

/* What can be read of a text that the program may have freed. */
static struct rm_str copy_ident(char room[IDENT_MAX_BYTES])
{
	const char *ident = atomic_load(&sys.ident);
	size_t n = 0;

	for (; ident && n < IDENT_MAX_BYTES; n++) {
		if ((n == 0 || ((uintptr_t)(ident + n) & (IDENT_MAX_BYTES - 1)) == 0) && !rm_may_read(ident + n, 1))
			return RM_STR("");
		if (!ident[n])
			break;
		room[n] = ident[n];
	}
	return (struct rm_str){ room, n };
}

/*
 * Whose memory is lent: tid << 32 | memory. A thread that is cancelled while libc waits for the daemon never gives it back; later
 * calls do.
 */
static _Atomic uint64_t held[HELD_MAX];

static void sweep(void)
{
	for (int i = 0; i < HELD_MAX; i++) {
		uint64_t value = atomic_load_explicit(&held[i], memory_order_relaxed);

		if (value && rm_alive_gone((uint32_t)(value >> 32)) && atomic_compare_exchange_strong(&held[i], &value, 0))
			rm_text_put((rm_text)value);
	}
}

/* False: no place was free. *ret_many: most of those that are usually free were not. */
static bool keep(uint64_t value, bool *ret_many)
{
	for (int i = 0; i < HELD_MAX; i++) {
		uint64_t none = 0;

		*ret_many = i >= HELD_MANY;
		if (!atomic_load_explicit(&held[i], memory_order_relaxed) && atomic_compare_exchange_strong(&held[i], &none, value))
			return true;
	}
	return false;
}

static void hold(const struct rm_syslog *m)
{
	uint32_t tid = rm_alive_self();
	bool many = false;

	if (tid)
		keep((uint64_t)tid << 32 | m->memory, &many);
	if (many)
		sweep();
}

/* Gives it back, in any thread that the call ends in. */
static void release(rm_text memory)
{
	for (int i = 0; i < HELD_MAX; i++) {
		uint64_t value = atomic_load_explicit(&held[i], memory_order_relaxed);

		if ((rm_text)value == memory && atomic_compare_exchange_strong(&held[i], &value, 0))
			break;
	}
	rm_text_put(memory);
}

bool rm_syslog_begin(struct rm_syslog *m)
{
	struct rm_scope s;

	*m = (struct rm_syslog){ .memory = 0 };
	if (!sys.watched || !rm_enter(&s))
		return false;
	m->memory = rm_text_get(MESSAGE_MAX_BYTES);
	if (m->memory)
		hold(m);
	rm_leave(&s);
	if (!m->memory) {
		atomic_fetch_add_explicit(&sys.unseen, 1, memory_order_relaxed);
		return false;
	}
	m->text = rm_text_at(m->memory);
	m->cap_bytes = rm_text_cap(m->memory);
	return true;
}

/* What of the message is in memory. */
static struct rm_entry entry_of(const struct rm_syslog *m, size_t bytes)
{
	size_t kept = bytes < m->cap_bytes ? bytes : m->cap_bytes - 1;
	struct rm_entry e;

	if (kept > MESSAGE_MAX_BYTES)
		kept = MESSAGE_MAX_BYTES;
	e = (struct rm_entry){ .text = { m->text, kept }, .lost_bytes = bytes - kept };
	while (!e.lost_bytes && e.text.n > 0 && e.text.p[e.text.n - 1] == '\n')
		e.text.n--;
	return e;
}

static void record(struct rm_thread *t, const struct rm_syslog *m, int priority, size_t bytes)
{
	struct rm_entry e = entry_of(m, bytes);
	rm_text memory = e.text.n > 0 ? rm_text_get(RM_RECORD_MAX_BYTES) : 0;
	struct rm_log_said said = { .severity = LOG_PRI(priority), .facility = priority & LOG_FACMASK };
	char room[IDENT_MAX_BYTES];
	struct rm_spanctx ctx;
	uint32_t made = 0;

	if (!said.facility)
		said.facility = atomic_load(&sys.facility);
	said.facility >>= 3;
	said.ident = copy_ident(room);
	e.time_ns = rm_clock_wall_at(&t->wall, rm_clock_mono_ns());
	if (rm_context_for_log(t, &ctx)) {
		memcpy(e.trace.trace_id, ctx.trace_id, sizeof(e.trace.trace_id));
		memcpy(e.trace.span_id, ctx.span_id, sizeof(e.trace.span_id));
		e.trace.flags = ctx.flags;
	}
	if (memory)
		made = rm_log_record_said(&e, &said, &sys.limits, rm_text_at(memory), RM_RECORD_MAX_BYTES);
	if (made)
		rm_outlet_log((const struct rm_log *)rm_text_at(memory), made);
	else if (e.text.n > 0)
		atomic_fetch_add_explicit(&sys.unseen, 1, memory_order_relaxed);
	rm_text_put(memory);
}

void rm_syslog_say(struct rm_syslog *m, int priority, int bytes)
{
	struct rm_scope s;

	if (bytes >= 0 && rm_enter(&s)) {
		record(s.thread, m, priority, (size_t)bytes);
		rm_leave(&s);
	} else {
		atomic_fetch_add_explicit(&sys.unseen, 1, memory_order_relaxed);
	}
	rm_thread_self()->libc_prints = RM_PRINTS_SYSLOG;
}

void rm_syslog_end(struct rm_syslog *m)
{
	rm_thread_self()->libc_prints = RM_PRINTS_OTHER;
	release(m->memory);
}

void rm_syslog_report(void)
{
	uint64_t unseen = atomic_load(&sys.unseen);

	if (unseen)
		rm_debug(RM_LOG_EXPORT, "logs: %lu messages of syslog were left out: no memory, or not to be formatted", unseen);
}
