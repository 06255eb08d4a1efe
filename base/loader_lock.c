/*
 * The lock is a recursive mutex among the loader's variables, under no name that is for others. It is known
 * by what it does: in a walk over the list it is taken once, in a walk inside of that twice, and no other
 * word pattern of a recursive mutex counts with it. What is not found so is not trusted.
 * Reads only. Context: init, hook.
 */
#include "base/loader_lock.h"

#include <pthread.h>
#include <stdint.h>

#include "base/objects.h"
#include "base/patience.h"

#pragma weak _r_debug

enum {
	CANDIDATES_MAX = 16,
	TAKING_NS = 1000000, /* for one who has the lock and has not written down that it is his */
};

struct search {
	unsigned count;
	const pthread_mutex_t *candidate[CANDIDATES_MAX];
};

static const pthread_mutex_t *lock;
static int learned_in; /* the process */
static _Atomic int waited_in; /* the process that a fork gave the lock without a holder, it seems */

static bool is_taken(const pthread_mutex_t *m, unsigned times)
{
	return m->__data.__kind == PTHREAD_MUTEX_RECURSIVE_NP && m->__data.__count == times;
}

/* What is taken once in here: other locks of the loader may be, or what looks like one. */
static void search_segment(struct search *s, uintptr_t at, uintptr_t end)
{
	at = (at + _Alignof(pthread_mutex_t) - 1) & -_Alignof(pthread_mutex_t);
	for (; at + sizeof(pthread_mutex_t) <= end; at += _Alignof(pthread_mutex_t))
		if (is_taken((const pthread_mutex_t *)at, 1) && s->count < CANDIDATES_MAX)
			s->candidate[s->count++] = (const pthread_mutex_t *)at;
}

static bool keep_those_taken_twice(const struct rm_object *first, void *arg)
{
	struct search *s = arg;
	unsigned kept = 0;

	for (unsigned i = 0; i < s->count; i++)
		if (is_taken(s->candidate[i], 2))
			s->candidate[kept++] = s->candidate[i];
	s->count = kept;
	return true;
}

static bool search_loader(const struct rm_object *o, void *arg)
{
	if (o->base != _r_debug.r_ldbase)
		return false;
	for (unsigned i = 0; i < o->segment_count; i++) {
		const ElfW(Phdr) *p = &o->segments[i];

		if (p->p_type == PT_LOAD && p->p_flags & PF_W)
			search_segment(arg, o->base + p->p_vaddr, o->base + p->p_vaddr + p->p_memsz);
	}
	rm_objects_each(keep_those_taken_twice, arg);
	return true;
}

void rm_loader_lock_learn(void)
{
	struct search s = { 0 };

	learned_in = (int)rm_sys0(__NR_getpid);
	if (&_r_debug && rm_objects_each(search_loader, &s) && s.count == 1)
		lock = s.candidate[0];
}

/* A thread that takes the lock, or lets it go, writes down whose it is in another step. A fork may have come in between. */
static bool wait_for_holder(int here, uint64_t *until_ns)
{
	if (waited_in == here)
		return false;
	if (rm_patience(until_ns, TAKING_NS))
		return true;
	waited_in = here;
	return false;
}

bool rm_loader_lock_is_live(void)
{
	int here = (int)rm_sys0(__NR_getpid);
	uint64_t until_ns = 0;

	if (here == learned_in)
		return true;
	if (!lock)
		return false;
	do {
		int holder = __atomic_load_n(&lock->__data.__owner, __ATOMIC_RELAXED);

		if (!__atomic_load_n(&lock->__data.__lock, __ATOMIC_RELAXED))
			return true;
		if (holder)
			return rm_sys3(__NR_tgkill, here, holder, 0) == 0;
	} while (wait_for_holder(here, &until_ns));
	return false;
}

bool rm_loader_lock_is_mine(void)
{
	int holder = lock ? __atomic_load_n(&lock->__data.__owner, __ATOMIC_RELAXED) : 0;

	return holder && holder == (int)rm_sys0(__NR_gettid);
}
