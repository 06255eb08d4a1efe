/*
 * See memo.h. Owns the pieces, which are mapped when the first of their messages come and never given back. A piece is
 * held for the time of one feed(), by the number of the process, so that one which a fork left held is known: what is in it
 * may be half written, and is forgotten. Runs in hooks; nobody waits for a piece.
 */
#include "agent/memo.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"

enum { PIECES = 8, FEW_MESSAGES = 8 };

static struct piece {
	_Atomic uint32_t holder; /* 0, or a process's epoch + 1 */
	struct rm_memo *memo;
} pieces[PIECES];
static _Atomic uint32_t messages; /* up to FEW_MESSAGES: a program that asks once or twice needs no memory */

/* Blocks of threads lie as far apart as their stacks: which piece is theirs is told by all bits of the address. */
static struct piece *piece_of(const struct rm_thread *t)
{
	return &pieces[((uintptr_t)t * 0x9e3779b97f4a7c15u) >> 61];
}

_Static_assert(PIECES == 1 << (64 - 61), "piece_of");

static bool are_few(void)
{
	uint32_t n = atomic_load_explicit(&messages, memory_order_relaxed);

	if (n >= FEW_MESSAGES)
		return false;
	atomic_store_explicit(&messages, n + 1, memory_order_relaxed);
	return true;
}

/* The memory of a piece that is held, for the first time or after a fork. */
static __attribute__((noinline)) struct rm_memo *begin(struct piece *p)
{
	if (p->memo)
		memset(p->memo, 0, sizeof(*p->memo));
	else
		p->memo = rm_memory_get(sizeof(*p->memo));
	return p->memo;
}

struct rm_memo *rm_memo_take(struct rm_thread *t)
{
	struct piece *p = piece_of(t);
	uint32_t holder = atomic_load_explicit(&p->holder, memory_order_relaxed), self = rm_epoch() + 1;
	struct rm_memo *memo;

	if (holder == self || are_few() ||
	    !atomic_compare_exchange_strong_explicit(&p->holder, &holder, self, memory_order_acquire, memory_order_relaxed))
		return NULL;
	memo = p->memo && !holder ? p->memo : begin(p);
	if (!memo)
		rm_memo_put(t);
	return memo;
}

void rm_memo_put(struct rm_thread *t)
{
	atomic_store_explicit(&piece_of(t)->holder, 0, memory_order_release);
}
