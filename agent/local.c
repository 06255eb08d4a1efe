/*
 * See local.h. The table has sets of places, of which the address chooses one. A place is taken by storing the
 * address, by whoever finds it free. A statement of SQLite has one user until then, or until the process is over; what became
 * of a look-up several threads may learn at once, of which one gets it. Lock-free: runs in hooks on any thread. What a parent of
 * this process kept means nothing here (fork).
 */
#include "agent/local.h"

#include "agent/context.h"
#include "agent/identity.h"
#include "agent/semconv.h"
#include "agent/semconv_db.h"
#include "agent/slow.h"
#include "protocols/sqltext.h"

enum { SETS = 128, WAYS = 8 };

struct shown {
	char query[RM_LOCAL_TEXT_BYTES + 1];
	char summary[RM_SQL_SUMMARY_BYTES];
};

struct place {
	_Atomic uintptr_t key; /* 0: free */
	_Atomic uint64_t ctx;
	_Atomic uint64_t seen_ns;
};

static struct place table[SETS][WAYS];

bool rm_local_wanted(void)
{
	return rm_may_enter() && rm_context_config();
}

/* The record; `room` may be NULL, then nothing of the text is shown. */
static void describe(struct rm_exchange *e, struct rm_str text, struct rm_str space, struct shown *room, const char *source)
{
	struct rm_operation op = { .system = RM_STR("sqlite"), .space = space };
	struct rm_sql sql = { 0 };

	text.n = text.n < RM_LOCAL_TEXT_BYTES ? text.n : RM_LOCAL_TEXT_BYTES;
	if (room)
		rm_sql_read(RM_SQL_SQLITE, text, room->query, room->summary, &sql);
	op.name = sql.operation;
	op.collection = sql.collection;
	op.summary = sql.summary;
	op.query = sql.query;
	op.batch = sql.statements > 1 ? sql.statements : 0;
	rm_semconv_operation(e, rm_context_config(), NULL, &op, source);
}

rm_ctx rm_local_begin(struct rm_thread *t, struct rm_str text, struct rm_str space, uint64_t start_ns)
{
	struct rm_exchange *e;
	struct rm_parent parent;
	rm_text room;
	uint32_t x;

	if (!rm_fork_watch())
		return 0;
	x = rm_exchange_begin(RM_KIND_CLIENT, start_ns, t);
	if (!x)
		return 0;
	e = rm_exchange_at(x);
	rm_context_resolve_here(t, &parent);
	e->parent = parent.ctx;
	e->parent_remote = parent.remote;
	e->operation = true;
	rm_identity_fix(t, x, e, NULL);
	rm_exchange_carry(e, (struct rm_str){ NULL, 0 }, (struct rm_str){ NULL, 0 });
	atomic_store_explicit(&e->phase, RM_PHASE_OPEN, memory_order_release);
	if (e->ctx.flags & RM_FLAG_SAMPLED) {
		room = text.n ? rm_text_get(sizeof(struct shown)) : 0;
		describe(e, text, space, room ? (void *)rm_text_at(room) : NULL,
			 rm_context_shown_source(&parent));
		rm_text_put(room);
	}
	return rm_exchange_ctx(x);
}

static void end(struct rm_thread *t, rm_ctx ctx, struct rm_str error, struct rm_str space, uint64_t end_ns, bool is_now)
{
	struct rm_outcome outcome = { .failed = error.n, .status = error, .space = space };
	struct rm_exchange *e = rm_ctx_exchange(ctx);

	if (!e)
		return;
	/* Of a process that forked, and has its own. */
	if (e->epoch != rm_epoch()) {
		rm_exchange_drop((uint32_t)ctx);
		return;
	}
	if (e->record)
		rm_semconv_outcome(e, &outcome);
	if (is_now)
		rm_slow_end(e, end_ns, t);
	rm_exchange_end((uint32_t)ctx, end_ns, t);
}

void rm_local_end(struct rm_thread *t, rm_ctx ctx, struct rm_str error, struct rm_str space, uint64_t end_ns)
{
	end(t, ctx, error, space, end_ns, true);
}

static struct place *set_of(uintptr_t key)
{
	return table[(key * 0x9e3779b97f4a7c15ull) >> 57];
}
_Static_assert(SETS == 1 << (64 - 57), "the upper bits choose");

static struct place *find(const void *key)
{
	struct place *set = set_of((uintptr_t)key);

	for (int i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&set[i].key, memory_order_acquire) == (uintptr_t)key)
			return &set[i];
	return NULL;
}

bool rm_local_keep(struct rm_thread *t, const void *key, rm_ctx ctx, uint64_t seen_ns)
{
	struct place *set = set_of((uintptr_t)key);

	for (int i = 0; i < WAYS; i++) {
		uintptr_t none = 0;

		if (atomic_load_explicit(&set[i].key, memory_order_relaxed) ||
		    !atomic_compare_exchange_strong(&set[i].key, &none, (uintptr_t)key))
			continue;
		atomic_store(&set[i].seen_ns, seen_ns);
		atomic_store(&set[i].ctx, ctx);
		return true;
	}
	rm_lost(t, RM_LOST_EXCHANGE);
	if (rm_ctx_exchange(ctx))
		rm_exchange_drop((uint32_t)ctx);
	return false;
}

bool rm_local_seen(const void *key, uint64_t seen_ns)
{
	struct place *p = find(key);

	if (p)
		atomic_store_explicit(&p->seen_ns, seen_ns, memory_order_relaxed);
	return p;
}

/*
 * 0: there is nothing, or another thread was faster. A place is free only once its context was taken, so the one that was read
 * belongs to the key that is there behind it, or it cannot be taken any more.
 */
static rm_ctx take(struct place *p, uintptr_t key, uint64_t *ret_seen_ns)
{
	uint64_t ctx = atomic_load(&p->ctx);

	*ret_seen_ns = atomic_load(&p->seen_ns);
	if (!ctx || atomic_load(&p->key) != key || !atomic_compare_exchange_strong(&p->ctx, &ctx, 0))
		return 0;
	atomic_store_explicit(&p->key, 0, memory_order_release);
	return ctx;
}

rm_ctx rm_local_take(const void *key, uint64_t *ret_seen_ns)
{
	struct place *set = set_of((uintptr_t)key);
	rm_ctx ret = 0;

	for (int i = 0; i < WAYS && !ret; i++)
		if (atomic_load_explicit(&set[i].key, memory_order_acquire) == (uintptr_t)key)
			ret = take(&set[i], (uintptr_t)key, ret_seen_ns);
	return ret;
}

static void cut_off(struct rm_thread *t, rm_ctx ctx, struct rm_str error)
{
	static const struct rm_str none;
	struct rm_exchange *e = rm_ctx_exchange(ctx);
	uint64_t now_ns = rm_clock_mono_ns();

	if (e && e->record && e->epoch == rm_epoch())
		rm_semconv_broken(e, error, now_ns);
	rm_local_end(t, ctx, none, none, now_ns);
}

void rm_local_cut_off(struct rm_thread *t, const struct rm_local_range *range, struct rm_str error)
{
	for (int i = 0; i < SETS * WAYS; i++) {
		struct place *p = &table[i / WAYS][i % WAYS];
		uintptr_t key = atomic_load_explicit(&p->key, memory_order_relaxed);
		const struct rm_exchange *e;
		uint64_t seen_ns;

		if ((key & range->mask) != range->value)
			continue;
		e = rm_ctx_exchange(atomic_load(&p->ctx));
		if (e && e->start_ns < range->before_ns)
			cut_off(t, take(p, key, &seen_ns), error);
	}
}

void rm_local_drop(struct rm_thread *t, rm_ctx ctx)
{
	if (!ctx || !rm_ctx_exchange(ctx))
		return;
	if (rm_exchange_at((uint32_t)ctx)->epoch == rm_epoch())
		rm_lost(t, RM_LOST_EXCHANGE);
	rm_exchange_drop((uint32_t)ctx);
}

void rm_local_sweep(struct rm_thread *t, uint64_t mask, uint64_t value, bool (*gone)(uint32_t))
{
	for (int i = 0; i < SETS * WAYS; i++) {
		struct place *p = &table[i / WAYS][i % WAYS];
		uintptr_t key = atomic_load_explicit(&p->key, memory_order_relaxed);
		uint64_t seen_ns;

		if ((key & mask) == value && gone((uint32_t)key))
			rm_local_drop(t, take(p, key, &seen_ns));
	}
}

void rm_local_end_all(struct rm_thread *t)
{
	static const struct rm_str none;

	for (int i = 0; i < SETS * WAYS; i++) {
		struct place *p = &table[i / WAYS][i % WAYS];
		uintptr_t key = atomic_load(&p->key);
		uint64_t seen_ns;
		rm_ctx ctx;

		if (!key)
			continue;
		ctx = take(p, key, &seen_ns);
		if (!seen_ns)
			cut_off(t, ctx, RM_STR("process_exit"));
		else
			end(t, ctx, none, none, seen_ns, false);
	}
}
