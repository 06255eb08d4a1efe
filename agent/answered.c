/*
 * Owns: two mappings, this process's and the one it found when it was forked. A child has a copy of all requests
 * that its parent was serving, in which nothing happens any more; the shared words tell it what became of them, so
 * that a worker that was forked while some request was served does not work for that one for ever.
 * Runs in hooks; one store for each request, one load for each question of a child.
 */
#include "agent/answered.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/sys.h"

struct table {
	uint32_t epoch;
	int32_t pid;
	_Atomic uint32_t gen[RM_ANSWERED_MAX]; /* one more than that of the last of this number that was answered */
};

static _Atomic(struct table *) ours, theirs;

void rm_answered_begin(void)
{
	struct table *none = NULL, *t;
	long at;

	if (atomic_load_explicit(&ours, memory_order_relaxed))
		return;
	at = rm_sys6(__NR_mmap, 0, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if ((unsigned long)at > -4096ul)
		return;
	t = (struct table *)at;
	t->pid = (int32_t)rm_sys0(__NR_getpid);
	if (!atomic_compare_exchange_strong(&ours, &none, t))
		rm_sys2(__NR_munmap, t, sizeof(*t));
}

void rm_answered_mark(uint32_t x, uint32_t gen)
{
	struct table *t = atomic_load_explicit(&ours, memory_order_acquire);

	if (t && x <= RM_ANSWERED_MAX)
		atomic_store_explicit(&t->gen[x - 1], gen + 1, memory_order_relaxed);
}

bool rm_answered_before(uint32_t epoch, uint32_t x, uint32_t gen)
{
	struct table *t = atomic_load_explicit(&theirs, memory_order_acquire);

	if (!t || t->epoch != epoch || x > RM_ANSWERED_MAX)
		return true;
	/* A number that was used again since was answered or given up before. */
	return (int32_t)(atomic_load_explicit(&t->gen[x - 1], memory_order_relaxed) - gen) > 0;
}

bool rm_answered_by_parent(uint32_t epoch)
{
	struct table *t = atomic_load_explicit(&theirs, memory_order_acquire);

	return t && t->epoch == epoch && t->pid == (int32_t)rm_sys0(__NR_getppid);
}

void rm_answered_forked(uint32_t parents_epoch)
{
	struct table *t = atomic_exchange(&ours, NULL), *old;

	if (!t)
		return;
	t->epoch = parents_epoch;
	old = atomic_exchange(&theirs, t);
	if (old)
		rm_sys2(__NR_munmap, old, sizeof(*old));
}
