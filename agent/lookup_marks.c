/*
 * Look-ups that a runtime hands over to a thread of a pool (libuv's), which calls getaddrinfo: whose each is goes
 * along in the call's own flags. The C library does nothing with those bits where a name is asked for and no service,
 * so that the call means the same should it never come by here. Of the same bits, and a name that hashes the same, one
 * call is on its way at a time: found is the very one that was marked, or none.
 *
 * What was marked and never called (a thread of JavaScript that ended) keeps its place for good: a place that is
 * given to another one while the first may still come would make a wrong parent.
 * Context: rm_ctx_mark_lookup and rm_ctx_unmark_lookup app, rm_lookup_marked in hooks; any thread, no lock, no allocation.
 */
#include <netdb.h>
#include <stdatomic.h>
#include <string.h>

#include "agent/lookup.h"
#include "agent/thread.h"

enum {
	/* Sign of a mark: AI_IDN_ALLOW_UNASSIGNED, which nobody can ask for since glibc 2.28, and which does nothing. */
	SIGN = 0x100,
	BITS = 4, MARKS = 1 << BITS,
	ROWS = 16,
};

/* Matter for no name (AI_PASSIVE), for no service (AI_NUMERICSERV), for no canonical name (AI_CANONIDN), for nothing. */
static const int bits[BITS] = { AI_PASSIVE, AI_NUMERICSERV, 0x80, 0x200 };

/* Of a place that is being taken: no request. */
#define BUSY RM_CTX_NOBODY

struct place {
	_Atomic rm_ctx ctx; /* 0: free; written last */
	uint64_t name;
	_Atomic uint32_t epoch; /* of the process that marked it: what a parent of it marked is nothing here */
};

static struct place places[ROWS][MARKS];

static int flags_of(uint32_t mark)
{
	int ret = SIGN;

	for (int i = 0; i < BITS; i++)
		ret |= mark & 1U << i ? bits[i] : 0;
	return ret;
}

static bool find_mark(int flags, uint32_t *ret)
{
	*ret = 0;
	for (int i = 0; i < BITS; i++)
		*ret |= flags & bits[i] ? 1U << i : 0;
	return flags & SIGN;
}

/* Of a name as DNS compares them (FNV-1a). */
static uint64_t hash_of(const char *name)
{
	uint64_t h = 14695981039346656037U;

	for (; *name; name++)
		h = (h ^ (uint8_t)(*name >= 'A' && *name <= 'Z' ? *name | 0x20 : *name)) * 1099511628211U;
	return h ^ h >> 32;
}

static bool claim(struct place *p, uint32_t epoch)
{
	rm_ctx found = atomic_load(&p->ctx);

	return (!found || (found != BUSY && atomic_load(&p->epoch) != epoch)) &&
	       atomic_compare_exchange_strong(&p->ctx, &found, BUSY);
}

int rm_ctx_mark_lookup(const char *name, rm_ctx ctx)
{
	uint64_t h = hash_of(name);
	uint32_t epoch = rm_epoch();

	if (!rm_ctx_lives(ctx))
		return 0;
	for (uint32_t mark = 0; mark < MARKS; mark++) {
		struct place *p = &places[h % ROWS][mark];

		if (!claim(p, epoch))
			continue;
		p->name = h;
		atomic_store(&p->epoch, epoch);
		atomic_store(&p->ctx, ctx);
		return flags_of(mark);
	}
	return 0;
}

static rm_ctx take(const char *name, int flags)
{
	uint64_t h = hash_of(name);
	struct place *p;
	uint32_t mark;
	rm_ctx ctx;

	if (!find_mark(flags, &mark))
		return 0;
	p = &places[h % ROWS][mark];
	ctx = atomic_load(&p->ctx);
	if (!ctx || ctx == BUSY || p->name != h || atomic_load(&p->epoch) != rm_epoch())
		return 0;
	return atomic_compare_exchange_strong(&p->ctx, &ctx, 0) ? ctx : 0;
}

void rm_ctx_unmark_lookup(const char *name, int flags)
{
	take(name, flags);
}

rm_ctx rm_lookup_marked(const char *name, int flags, int *ret_flags)
{
	rm_ctx ret = take(name, flags);
	uint32_t mark;

	*ret_flags = flags;
	if (ret && find_mark(flags, &mark))
		*ret_flags &= ~flags_of(mark);
	return ret;
}
