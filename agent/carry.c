/*
 * A table of sets, chosen by the address. A set has a lock of its own, held for some loads and stores; the look-up of what is
 * not there, which is what most are, takes none.
 *
 * Owns the table, mapped when the first is put. Who does not get the lock within its bound (a thread was stopped in the
 * middle of it) marks the set as spoilt: nothing is found in it from then on, as what was said last could not be written.
 */
#include "agent/carry.h"

#include <stdatomic.h>

#include "agent/exchange.h"
#include "agent/thread.h"
#include "base/memory.h"
#include "base/patience.h"

enum { SETS = 1 << 10, PLACES = 8, LOCK_WAIT_NS = 50000000, KIND_SHIFT = 56 };

struct place {
	_Atomic uint64_t key; /* with its kind; 0: free */
	uint64_t value;
	uint8_t note;
	bool lasts;
};

struct set {
	_Atomic uint32_t lock; /* the holder's rm_epoch() + 1 */
	atomic_bool spoilt;
	struct place places[PLACES];
};

static _Atomic(struct set *) table;
static __thread uint64_t now __attribute__((tls_model("initial-exec")));
static __thread uint8_t within __attribute__((tls_model("initial-exec")));

uint8_t *rm_carry_within(void)
{
	return &within;
}

uint64_t *rm_carry_now(void)
{
	return &now;
}

static uint64_t name_of(const void *key, enum rm_carry_kind kind)
{
	return (uint64_t)(uintptr_t)key ^ (uint64_t)kind << KIND_SHIFT;
}

static struct set *set_of(uint64_t name)
{
	struct set *all = atomic_load_explicit(&table, memory_order_acquire);

	return all ? &all[name * 0x9e3779b97f4a7c15u >> 54] : NULL;
}
_Static_assert(SETS == 1 << (64 - 54), "as many as the bits tell apart");

static bool lock(struct set *s)
{
	uint32_t mine = rm_epoch() + 1, seen;
	uint64_t until_ns = 0;

	do {
		seen = 0;

		if (atomic_compare_exchange_strong(&s->lock, &seen, mine))
			return true;
		/* Held by a thread of the process we were forked from: what it wrote may be half of it. */
		if (seen != mine && atomic_compare_exchange_strong(&s->lock, &seen, mine)) {
			atomic_store(&s->spoilt, true);
			return true;
		}
	} while (rm_patience(&until_ns, atomic_load(&s->spoilt) ? 0 : LOCK_WAIT_NS));
	atomic_store(&s->spoilt, true);
	return false;
}

static void unlock(struct set *s)
{
	atomic_store_explicit(&s->lock, 0, memory_order_release);
}

static struct place *find(struct set *s, uint64_t name)
{
	for (int i = 0; i < PLACES; i++)
		if (atomic_load_explicit(&s->places[i].key, memory_order_acquire) == name)
			return &s->places[i];
	return NULL;
}

static struct place *make_room(struct set *s)
{
	for (int i = 0; i < PLACES; i++) {
		struct place *p = &s->places[i];

		if (!atomic_load(&p->key) || (!p->lasts && !rm_ctx_lives(p->value)))
			return p;
	}
	return NULL;
}

static struct set *make_table(uint64_t name)
{
	struct set *all = rm_memory_get(SETS * sizeof(*all)), *none = NULL;

	if (all && !atomic_compare_exchange_strong(&table, &none, all))
		rm_memory_put(all, SETS * sizeof(*all));
	return set_of(name);
}

void rm_carry_put(const void *key, enum rm_carry_kind kind, struct rm_carried what, bool lasts)
{
	uint64_t name = name_of(key, kind);
	struct set *s = set_of(name);
	struct place *p;

	s = s ? s : make_table(name);
	if (!s || !lock(s))
		return;
	p = find(s, name);
	p = p ? p : make_room(s);
	if (p) {
		p->value = what.value;
		p->note = what.note;
		p->lasts = lasts;
		atomic_store_explicit(&p->key, name, memory_order_release);
	}
	unlock(s);
}

static bool get(const void *key, enum rm_carry_kind kind, struct rm_carried *ret, bool take)
{
	uint64_t name = name_of(key, kind);
	struct set *s = set_of(name);
	struct place *p;

	/* Nobody else puts or takes what is known by this address, while it is in the caller's hands. */
	if (!s || !find(s, name) || !lock(s))
		return false;
	p = find(s, name);
	if (p && ret)
		*ret = (struct rm_carried){ p->value, p->note };
	if (p && take)
		atomic_store(&p->key, 0);
	unlock(s);
	return p && !atomic_load(&s->spoilt);
}

bool rm_carry_look(const void *key, enum rm_carry_kind kind, struct rm_carried *ret)
{
	return get(key, kind, ret, false);
}

bool rm_carry_take(const void *key, enum rm_carry_kind kind, struct rm_carried *ret)
{
	return get(key, kind, ret, true);
}
