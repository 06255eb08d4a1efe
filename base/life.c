/* See life.h. Every step is one atomic operation, so that a fork or a signal between any two leaves it whole. */
#include "base/life.h"

#include "base/patience.h"

enum { SPINS = 200 };

__attribute__((noinline)) enum rm_locked rm_life_wait(struct rm_life *l, uint32_t self, uint64_t patience_ns)
{
	uint64_t until_ns = 0;

	for (int i = 0;; i++) {
		enum rm_locked locked = rm_life_try(l, self);

		if (locked || !rm_life_has_refs(atomic_load_explicit(&l->word, memory_order_relaxed)))
			return locked;
		if (i >= SPINS && !rm_patience(&until_ns, patience_ns))
			return RM_LOCKED_NOT;
	}
}

void rm_life_begin(struct rm_life *l)
{
	atomic_store(&l->word, RM_LIFE_ONE_REF);
}

void rm_life_end(struct rm_life *l)
{
	atomic_store(&l->word, 0);
}

void rm_life_hold(struct rm_life *l)
{
	atomic_fetch_add(&l->word, RM_LIFE_ONE_REF);
}

void rm_life_let(struct rm_life *l)
{
	atomic_fetch_sub(&l->word, RM_LIFE_ONE_REF);
}

bool rm_life_share(struct rm_life *l)
{
	uint64_t word = atomic_load(&l->word);

	while (rm_life_has_refs(word))
		if (atomic_compare_exchange_weak(&l->word, &word, word + RM_LIFE_ONE_REF))
			return true;
	return false;
}

enum rm_locked rm_life_drop(struct rm_life *l, uint32_t self)
{
	uint64_t word = atomic_load(&l->word), left;
	bool ours;

	do {
		left = word - RM_LIFE_ONE_REF;
		ours = !rm_life_has_refs(left) && rm_life_is_free(word, self);
		if (ours)
			left = self;
	} while (!atomic_compare_exchange_weak(&l->word, &word, left));
	if (!ours)
		return RM_LOCKED_NOT;
	return (uint32_t)word ? RM_LOCKED_LEFT : RM_LOCKED;
}
