/*
 * See turn.h. Four things are kept: the turns that run (the thread's own is found by what carry.c keeps for each thread), for
 * each request how many turns and gifts it has, who owns an argument, and which requests wait for nothing that we know of.
 *
 * Why that is enough: a call is for another request than the turn's only where the program kept that one somewhere. Then
 * nothing was given to a library for it, and it is in `waiting`; or something was, with its own argument, which then is
 * not that of the turn. A request for which two things were given may have one that only watches over it: that tells nothing,
 * so its later turns are not believed.
 */
#include "agent/turn.h"

#include <stdatomic.h>

#include "agent/answered.h"
#include "agent/carry.h"

enum {
	TURNS_MAX = 256,
	TURN_TRIES = 32,
	WAITING_MAX = 1024,
	ARG_FIRST = 1 << 16, /* what is less is a number, not the address of anything */
};

/* Of lives[]: the generation of the context is above, the number of turns and gifts below. */
#define ANSWERED  (1u << 16)
#define FORKED    (1u << 17) /* two things were given in one turn */
#define HELD_MASK 0xffffu

enum { HOLDS = 1 }; /* rm_carried.note */

/* Of waiting[]: the address of a request whose context is not known. */
#define NAMELESS (UINT64_C(1) << 63)

struct rm_turn {
	atomic_bool used;
	bool handler;
	bool held;     /* rm_turn_hold */
	bool answered; /* of a request that is not known */
	bool gave;
	bool spoilt;   /* it has to do with another request, too */
	uint8_t before_within;
	uint64_t before_now;
	rm_ctx ctx;
	const void *arg;     /* of what was taken */
	const void *request; /* of a handler */
};

static struct rm_turn turns[TURNS_MAX];
static _Atomic uint64_t lives[RM_ANSWERED_MAX + 1]; /* by the number of the exchange */
static _Atomic uint64_t waiting[WAITING_MAX];
static _Atomic uint32_t waiting_end;
static atomic_bool waiting_full; /* somebody waits who is not in there: for ever */

bool rm_turn_here(void)
{
	return *rm_carry_within() == RM_CARRY_IN_TURN;
}

static struct rm_turn *current(void)
{
	return rm_turn_here() ? (struct rm_turn *)(uintptr_t)*rm_carry_now() : NULL;
}

/* ---- requests ---- */

static uint32_t life_of(rm_ctx ctx)
{
	uint64_t word = atomic_load(&lives[(uint32_t)ctx]);

	return word >> 32 == ctx >> 32 ? (uint32_t)word : 0;
}

/* Returns what it is then; 0 for a request that is none of ours any more. */
static uint32_t life_change(rm_ctx ctx, int held, uint32_t set)
{
	uint64_t seen = atomic_load(&lives[(uint32_t)ctx]), next;

	do {
		if (seen >> 32 != ctx >> 32 || (held < 0 && !(seen & HELD_MASK)) || (held > 0 && (seen & HELD_MASK) == HELD_MASK))
			return 0;
		next = (seen | set) + (uint64_t)(int64_t)held;
	} while (!atomic_compare_exchange_weak(&lives[(uint32_t)ctx], &seen, next));
	return (uint32_t)next;
}

static void life_begin(rm_ctx ctx)
{
	uint64_t seen = atomic_load(&lives[(uint32_t)ctx]), next;

	do {
		next = seen >> 32 == ctx >> 32 ? (seen & ~(uint64_t)ANSWERED) + 1 : ctx >> 32 << 32 | 1;
	} while (!atomic_compare_exchange_weak(&lives[(uint32_t)ctx], &seen, next));
}

static bool is_over(uint64_t who)
{
	return !(who & NAMELESS) && (!rm_ctx_lives(who) || life_of(who) & ANSWERED);
}

static void wait_for_nothing(uint64_t who)
{
	for (uint32_t i = 0; i < WAITING_MAX; i++) {
		uint64_t seen = atomic_load(&waiting[i]);
		uint32_t end = atomic_load(&waiting_end);

		if (seen && !is_over(seen))
			continue;
		if (!atomic_compare_exchange_strong(&waiting[i], &seen, who))
			continue;
		while (end <= i && !atomic_compare_exchange_weak(&waiting_end, &end, i + 1))
			;
		return;
	}
	atomic_store(&waiting_full, true);
}

static bool anybody_waits(void)
{
	uint32_t end = atomic_load(&waiting_end);

	for (uint32_t i = 0; i < end; i++) {
		uint64_t seen = atomic_load(&waiting[i]);

		if (seen && !is_over(seen))
			return true;
	}
	return atomic_load(&waiting_full);
}

/* ---- turns ---- */

static struct rm_turn *begin(rm_ctx ctx)
{
	static _Atomic uint32_t next;

	for (int i = 0; i < TURN_TRIES; i++) {
		struct rm_turn *t = &turns[atomic_fetch_add(&next, 1) % TURNS_MAX];

		if (atomic_exchange(&t->used, true))
			continue;
		t->handler = t->held = t->answered = t->gave = t->spoilt = false;
		t->ctx = ctx;
		t->arg = t->request = NULL;
		t->before_within = *rm_carry_within();
		t->before_now = *rm_carry_now();
		*rm_carry_within() = RM_CARRY_IN_TURN;
		*rm_carry_now() = (uintptr_t)t;
		return t;
	}
	/* What runs now is not that of the turn that it is in. */
	if (rm_turn_here())
		current()->spoilt = true;
	return NULL;
}

/* One thing less that is done for the request, or will be. */
static void let_go(rm_ctx ctx)
{
	uint32_t life = life_change(ctx, -1, 0);

	if (!(life & (HELD_MASK | ANSWERED)) && rm_ctx_lives(ctx))
		wait_for_nothing(ctx);
}

static void no_longer_waits(uint64_t who)
{
	uint32_t end = atomic_load(&waiting_end);

	for (uint32_t i = 0; i < end; i++) {
		uint64_t seen = who;

		atomic_compare_exchange_strong(&waiting[i], &seen, 0);
	}
}

/* What only watched over it goes on with it. */
static void hold_again(rm_ctx ctx)
{
	life_change(ctx, 1, 0);
	no_longer_waits(ctx);
}

struct rm_turn *rm_turn_serve(rm_ctx ctx, const void *request)
{
	struct rm_turn *t = begin(ctx);

	if (!t) {
		wait_for_nothing(ctx ? ctx : NAMELESS | (uintptr_t)request);
		return NULL;
	}
	t->handler = true;
	t->request = request;
	if (ctx)
		life_begin(ctx);
	return t;
}

static uint64_t name_of(const void *function, const void *arg)
{
	return (uintptr_t)arg * UINT64_C(0x9e3779b97f4a7c15) ^ (uintptr_t)function;
}

static const void *key_of(uint64_t name)
{
	return (const void *)(uintptr_t)name;
}

/* Whose argument that is: RM_CTX_NOBODY when several gave it, 0 when it is not known. */
static rm_ctx owner_of(const void *arg)
{
	struct rm_carried what;

	return rm_carry_look(arg, RM_CARRY_TURN_ARG, &what) ? what.value : 0;
}

struct rm_turn *rm_turn_take(const void *function, const void *arg)
{
	struct rm_carried what = { 0 };
	struct rm_turn *t;

	if (!rm_carry_take(key_of(name_of(function, arg)), RM_CARRY_TURN, &what))
		what.value = 0;
	if (!what.value && !rm_turn_here())
		return NULL;
	if (what.value && !(what.note & HOLDS))
		hold_again(what.value);
	t = begin(what.value);
	if (!t && what.value)
		let_go(what.value);
	if (!t)
		return NULL;
	t->arg = arg;
	t->spoilt = t->ctx && owner_of(arg) != t->ctx;
	return t;
}

struct rm_turn *rm_turn_nobody(void)
{
	return rm_turn_here() ? begin(0) : NULL;
}

void rm_turn_end(struct rm_turn *t)
{
	if (!t)
		return;
	*rm_carry_within() = t->before_within;
	*rm_carry_now() = t->before_now;
	if (t->ctx)
		let_go(t->ctx);
	else if (t->request && !t->answered)
		wait_for_nothing(NAMELESS | (uintptr_t)t->request);
	atomic_store(&t->used, false);
}

/* ---- what is given, and calls ---- */

/* The turn's request, if what the thread does now is certainly for that. */
static rm_ctx believed(const struct rm_turn *t)
{
	if (!t || !t->ctx || t->spoilt || (!t->handler && life_of(t->ctx) & FORKED) || anybody_waits())
		return 0;
	return t->ctx;
}

rm_ctx rm_turn_calls(void)
{
	return believed(current());
}

/* True where the argument is nobody else's; else it has several owners from now on, or is the one of another request. */
static bool is_own(struct rm_turn *t, const void *arg)
{
	rm_ctx owner = owner_of(arg);

	if (!owner || owner == t->ctx || (owner != RM_CTX_NOBODY && is_over(owner)))
		return true;
	if (owner != RM_CTX_NOBODY) {
		rm_carry_put(arg, RM_CARRY_TURN_ARG, (struct rm_carried){ .value = RM_CTX_NOBODY }, true);
		t->spoilt = true;
	}
	return false;
}

rm_ctx rm_turn_give(const void *function, const void *arg, bool holds)
{
	const void *key = key_of(name_of(function, arg));
	struct rm_turn *t = current();

	if (!t || !t->ctx) {
		rm_carry_take(key, RM_CARRY_TURN, NULL);
		return 0;
	}
	if ((uintptr_t)arg < ARG_FIRST || (!t->handler && arg != t->arg) || !is_own(t, arg)) {
		rm_carry_take(key, RM_CARRY_TURN, NULL);
		return t->handler ? believed(t) : 0;
	}
	rm_carry_put(arg, RM_CARRY_TURN_ARG, (struct rm_carried){ .value = t->ctx }, false);
	rm_carry_put(key, RM_CARRY_TURN, (struct rm_carried){ t->ctx, holds ? HOLDS : 0 }, false);
	if (holds) {
		life_change(t->ctx, 1, t->gave ? FORKED : 0);
		t->gave = true;
	}
	return believed(t);
}

/* ---- answers ---- */

void rm_turn_hold(const void *request)
{
	struct rm_turn *t = current();

	if (t && t->request == request)
		t->held = true;
}

bool rm_turn_holds(const struct rm_turn *t)
{
	return t && t->held;
}

void rm_turn_answer(rm_ctx ctx, const void *request)
{
	struct rm_turn *t = current();

	if (ctx)
		life_change(ctx, 0, ANSWERED);
	else
		no_longer_waits(NAMELESS | (uintptr_t)request);
	if (t && t->request == request)
		t->answered = true;
	else if (t && ctx && ctx != t->ctx)
		t->spoilt = true;
}
