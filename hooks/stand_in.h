/*
 * Functions of ours that stand in for a program's callbacks: each for one function of the program, whose argument stays the
 * program's own. There is a fixed number of each kind, never given back; who comes later gets none. So nothing is kept for a
 * single callback, and none can be lost. The library must not show the function to anybody.
 */
#ifndef RM_HOOKS_STAND_IN_H
#define RM_HOOKS_STAND_IN_H

#include <stdatomic.h>
#include <stdint.h>

enum { RM_STAND_INS = 16 };

/* Expands `one` for each number. */
#define RM_STAND_IN_EACH(one)                                                                             \
	one(0) one(1) one(2) one(3) one(4) one(5) one(6) one(7) one(8) one(9) one(10) one(11) one(12) one(13) \
		one(14) one(15)

/* The functions of a kind; `own[i]` is the program's for which number i stands in. */
struct rm_stand_ins {
	_Atomic uintptr_t own[RM_STAND_INS];
};

/* The number of the one for `own`, -1 when there is none left. Context: any. */
static inline int rm_stand_in(struct rm_stand_ins *all, uintptr_t own)
{
	for (int i = 0; own && i < RM_STAND_INS; i++) {
		uintptr_t seen = 0;

		if (atomic_compare_exchange_strong(&all->own[i], &seen, own) || seen == own)
			return i;
	}
	return -1;
}

#endif
