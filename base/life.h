/*
 * Who may use an object that threads share, and who ends it: references and a lock in one word, so that
 * exactly one thread ends it. Who gives the last reference back does, unless another one holds the
 * lock: then that one does, when it lets go. An object without references cannot be locked.
 *
 * The lock names its holder's process (`self`, not 0): one that a fork left behind, held by a thread which
 * the child does not have, is recognised there and taken over. Context of all: any, signal-safe.
 */
#ifndef RM_BASE_LIFE_H
#define RM_BASE_LIFE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rm_life {
	_Atomic uint64_t word; /* references << 32 | the lock: 0, or its holder's `self` */
};

#define RM_LIFE_ONE_REF (1ull << 32)

enum rm_locked {
	RM_LOCKED_NOT,
	RM_LOCKED,
	RM_LOCKED_LEFT, /* taken over from a holder who does not exist: what it was doing is half done */
};

static inline bool rm_life_has_refs(uint64_t word)
{
	return word >= RM_LIFE_ONE_REF;
}

/* The holder is nobody, or a thread of another process. */
static inline bool rm_life_is_free(uint64_t word, uint32_t self)
{
	return (uint32_t)word != self;
}

/* One try to lock. */
static inline enum rm_locked rm_life_try(struct rm_life *l, uint32_t self)
{
	uint64_t word = atomic_load_explicit(&l->word, memory_order_relaxed);

	if (!rm_life_has_refs(word) || !rm_life_is_free(word, self) ||
	    !atomic_compare_exchange_strong(&l->word, &word, (word & -RM_LIFE_ONE_REF) | self))
		return RM_LOCKED_NOT;
	return (uint32_t)word ? RM_LOCKED_LEFT : RM_LOCKED;
}

/*
 * Tries for a while: some spinning, then, as long as `patience_ns`, the holder is given time to run. By time and
 * not by turns, since on a busy machine a turn may take any.
 */
enum rm_locked rm_life_wait(struct rm_life *l, uint32_t self, uint64_t patience_ns);

/* Lets go. False: no reference is left, so that the caller, who still holds the lock, has to end it. */
static inline bool rm_life_unlock(struct rm_life *l)
{
	uint64_t word = atomic_load_explicit(&l->word, memory_order_acquire); /* sees all that those who let go did */

	while (rm_life_has_refs(word))
		if (atomic_compare_exchange_weak(&l->word, &word, word & -RM_LIFE_ONE_REF))
			return true;
	return false;
}

/* From no reference and no lock to one reference, and back at its end. Nobody else can have it. */
void rm_life_begin(struct rm_life *l);
void rm_life_end(struct rm_life *l);

/* One reference more or less, for the holder of the lock; also from none, before it ended. */
void rm_life_hold(struct rm_life *l);
void rm_life_let(struct rm_life *l);

/* One reference more, without the lock. False: there is none left to share. */
bool rm_life_share(struct rm_life *l);

/* One reference less, without the lock. Not RM_LOCKED_NOT: the caller now holds it, and has to end it. */
enum rm_locked rm_life_drop(struct rm_life *l, uint32_t self);

#endif
