/*
 * References and a lock in one word: whatever threads do to each other, one at a time holds the lock and
 * each life ends exactly once. Meant for the thread sanitizer, too.
 */
#include <pthread.h>
#include <sched.h>

#include "base/life.h"
#include "base/patience.h"
#include "tests/rmtest.h"

enum { SELF = 1, CHILD = 2, NO_WAIT = 0 };

RM_TEST("one without references can neither be locked nor shared")
{
	struct rm_life l = { 0 };

	RM_CHECK(rm_life_try(&l, SELF) == RM_LOCKED_NOT && rm_life_wait(&l, SELF, 1000000000) == RM_LOCKED_NOT);
	RM_CHECK(!rm_life_share(&l));
}

RM_TEST("who gives the last reference back ends it, unless another one holds the lock")
{
	struct rm_life l = { 0 };

	rm_life_begin(&l);
	RM_CHECK(rm_life_share(&l) && rm_life_drop(&l, SELF) == RM_LOCKED_NOT);
	RM_CHECK(rm_life_drop(&l, SELF) == RM_LOCKED);
	rm_life_end(&l);
	rm_life_begin(&l);
	RM_CHECK(rm_life_try(&l, SELF) == RM_LOCKED && rm_life_try(&l, SELF) == RM_LOCKED_NOT);
	RM_CHECK(rm_life_drop(&l, SELF) == RM_LOCKED_NOT && !rm_life_share(&l));
	RM_CHECK(!rm_life_unlock(&l));
}

RM_TEST("the holder may take a reference of what others are done with, and it goes on")
{
	struct rm_life l = { 0 };

	rm_life_begin(&l);
	RM_CHECK(rm_life_try(&l, SELF) && rm_life_drop(&l, SELF) == RM_LOCKED_NOT);
	rm_life_hold(&l);
	RM_CHECK(rm_life_unlock(&l) && rm_life_drop(&l, SELF) == RM_LOCKED);
}

RM_TEST("what the parent of a fork left locked is taken over, once")
{
	struct rm_life l = { 0 };

	rm_life_begin(&l);
	RM_CHECK(rm_life_try(&l, SELF) == RM_LOCKED);
	RM_CHECK(rm_life_wait(&l, CHILD, NO_WAIT) == RM_LOCKED_LEFT && rm_life_try(&l, CHILD) == RM_LOCKED_NOT);
	RM_CHECK(rm_life_unlock(&l) && rm_life_try(&l, CHILD) == RM_LOCKED && rm_life_unlock(&l));
	RM_CHECK(rm_life_try(&l, SELF) == RM_LOCKED && rm_life_drop(&l, CHILD) == RM_LOCKED_LEFT);
}

/* ---- threads ---- */

enum { THREADS = 4, OBJECTS = 3, STEPS = 60000 };

static struct object {
	struct rm_life life;
	atomic_bool listed;   /* a table has a reference, for whoever takes it out */
	atomic_bool over;     /* it ended, and may begin again */
	unsigned inside;      /* not atomic: the lock is what protects it */
	unsigned begun, ended;
} objects[OBJECTS];

static _Thread_local unsigned random_state;

static unsigned dice(unsigned sides)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % sides;
}

/* Called by who holds the lock. */
static void end(struct object *o)
{
	RM_CHECK(o->inside++ == 0);
	o->ended++;
	o->inside--;
	rm_life_end(&o->life);
	RM_CHECK(!atomic_exchange(&o->over, true));
}

static void drop(struct object *o)
{
	if (rm_life_drop(&o->life, SELF))
		end(o);
}

static void look(struct object *o)
{
	bool held = dice(4) == 0;

	if (!rm_life_wait(&o->life, SELF, 100000))
		return;
	RM_CHECK(o->inside++ == 0);
	if (dice(8) == 0)
		sched_yield();
	o->inside--;
	if (held)
		rm_life_hold(&o->life);
	if (!rm_life_unlock(&o->life))
		end(o);
	else if (held)
		drop(o);
}

static void *anything(void *arg)
{
	random_state = (unsigned)(uintptr_t)arg;
	for (int i = 0; i < STEPS; i++) {
		struct object *o = &objects[dice(OBJECTS)];

		switch (dice(4)) {
		case 0:
			if (!atomic_exchange(&o->over, false))
				break;
			o->begun++;
			rm_life_begin(&o->life);
			atomic_store(&o->listed, true);
			break;
		case 1:
			if (atomic_exchange(&o->listed, false))
				drop(o);
			break;
		case 2:
			if (rm_life_share(&o->life))
				drop(o);
			break;
		case 3:
			look(o);
			break;
		}
	}
	return NULL;
}

RM_TEST("threads that share, lock and drop are alone inside, and each life ends once")
{
	pthread_t threads[THREADS];

	for (int i = 0; i < OBJECTS; i++)
		atomic_store(&objects[i].over, true);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, anything, (void *)(i * 7919 + 1));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < OBJECTS; i++) {
		if (atomic_exchange(&objects[i].listed, false))
			drop(&objects[i]);
		RM_CHECK(objects[i].begun > 100 && objects[i].begun == objects[i].ended);
		RM_CHECK(atomic_load(&objects[i].life.word) == 0);
	}
}

RM_TEST("who waits is given turns until his time is over, and none where he has no time")
{
	const uint64_t hour_ns = 3600ull * 1000000000;
	uint64_t until_ns = 0;

	RM_CHECK(!rm_patience(&until_ns, 0));
	until_ns = 0;
	RM_CHECK(rm_patience(&until_ns, hour_ns) && rm_patience(&until_ns, 0)); /* the first call says for how long */
	until_ns = rm_clock_mono_ns();
	RM_CHECK(!rm_patience(&until_ns, hour_ns));
}
