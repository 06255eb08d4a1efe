/* Whom work is for that a library gives back later, agent/carry.c. */
#include <pthread.h>

#include "agent/carry.h"
#include "tests/rmtest.h"

enum { MANY = 100000, KEEPERS = 4, TURNS = 20000 };

static char keys[MANY];

static rm_ctx found(const void *key, enum rm_carry_kind kind)
{
	struct rm_carried what = { 0 };

	return rm_carry_look(key, kind, &what) ? what.value : 0;
}

static void put(const void *key, uint64_t value, bool lasts)
{
	rm_carry_put(key, RM_CARRY_GRPC_TAG, (struct rm_carried){ .value = value, .note = 3 }, lasts);
}

RM_TEST("what was said last of an address counts, and each kind has its own")
{
	struct rm_carried what;

	RM_CHECK(!rm_carry_take(&keys[0], RM_CARRY_GRPC_TAG, &what));
	put(&keys[0], 11, true);
	put(&keys[0], 12, true);
	RM_CHECK(found(&keys[0], RM_CARRY_GRPC_TAG) == 12);
	RM_CHECK(found(&keys[0], RM_CARRY_GRPC_CALL) == 0);
	RM_CHECK(found(&keys[1], RM_CARRY_GRPC_TAG) == 0);
	RM_CHECK(rm_carry_take(&keys[0], RM_CARRY_GRPC_TAG, &what) && what.value == 12 && what.note == 3);
	RM_CHECK(!rm_carry_take(&keys[0], RM_CARRY_GRPC_TAG, NULL));
	put(NULL, 13, true);
	RM_CHECK(found(NULL, RM_CARRY_GRPC_TAG) == 13 && rm_carry_take(NULL, RM_CARRY_GRPC_TAG, NULL));
}

RM_TEST("what is over makes room, what lasts does not, and what found no room is not there")
{
	int kept = 0, later = 0;

	for (int i = 0; i < MANY; i++)
		put(&keys[i], 0, false);
	for (int i = 0; i < MANY; i++)
		put(&keys[i], 1 + (unsigned)i, true);
	for (int i = 0; i < MANY; i++) {
		rm_ctx value = found(&keys[i], RM_CARRY_GRPC_TAG);

		RM_CHECK(value == 0 || value == 1 + (unsigned)i);
		kept += value != 0;
	}
	RM_CHECK(kept > 1000 && kept < MANY);
	for (int i = 0; i < MANY; i++)
		rm_carry_take(&keys[i], RM_CARRY_GRPC_TAG, NULL);
	for (int i = 0; i < 1000; i++) {
		put(&keys[i], 1, true);
		later += found(&keys[i], RM_CARRY_GRPC_TAG) == 1;
		rm_carry_take(&keys[i], RM_CARRY_GRPC_TAG, NULL);
	}
	RM_CHECK(later == 1000);
}

/* Each of the threads has addresses of its own, which share the sets. */
static void *keep(void *arg)
{
	uintptr_t mine = (uintptr_t)arg;

	for (unsigned i = 0; i < TURNS; i++) {
		const char *key = &keys[(i % 64) * KEEPERS + mine];
		struct rm_carried what = { 0 };

		put(key, i + 1, true);
		if (!rm_carry_take(key, RM_CARRY_GRPC_TAG, &what) || what.value != i + 1 || found(key, RM_CARRY_GRPC_TAG))
			return arg ? arg : &keys[0];
	}
	return NULL;
}

RM_TEST("each thread finds its own, whoever else is at the same set")
{
	pthread_t threads[KEEPERS];
	void *wrong;

	for (uintptr_t i = 0; i < KEEPERS; i++)
		RM_CHECK(pthread_create(&threads[i], NULL, keep, (void *)i) == 0);
	for (int i = 0; i < KEEPERS; i++)
		RM_CHECK(pthread_join(threads[i], &wrong) == 0 && !wrong);
}
