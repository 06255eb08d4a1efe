/* Pools: indices are unique while held, come back, end at the limit, also under threads and fork. */
#include "base/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/rmtest.h"

enum { THREADS = 4, ROUNDS = 50000, HELD = 8 };

RM_TEST("indices begin at one, are distinct, and memory is zero and aligned at first")
{
	static struct rm_pool p = RM_POOL_INIT(48, 4, 10);
	static const char zeros[48];
	bool seen[11] = { false };

	for (int i = 0; i < 10; i++) {
		uint32_t index = rm_pool_get(&p);
		char *at;

		RM_CHECK(index >= 1 && index <= 10 && !seen[index]);
		if (index < 1 || index > 10)
			return;
		seen[index] = true;
		at = rm_pool_at(&p, index);
		RM_CHECK((uintptr_t)at % 16 == 0);
		RM_CHECK(memcmp(at, zeros, sizeof(zeros)) == 0);
		memset(at, 0xff, 48);
	}
	RM_CHECK(rm_pool_get(&p) == 0);
}

RM_TEST("a pool beside another one has an object for each index, and no memory for indices that nobody asked for")
{
	static struct rm_pool p = RM_POOL_INIT(48, 4, 10), beside = RM_POOL_INIT(32, 4, 10);
	static const char zeros[32];

	for (int i = 0; i < 10; i++) {
		uint32_t index = rm_pool_get(&p);
		char *at = rm_pool_beside(&beside, index);

		RM_CHECK(at && memcmp(at, zeros, sizeof(zeros)) == 0);
		memset(at, 0xff, sizeof(zeros));
		RM_CHECK(rm_pool_beside(&beside, index) == at);
		RM_CHECK(!beside.chunk[(index - 1) / 4 + 1]);
	}
}

RM_TEST("what was put back is handed out again, at the same address")
{
	static struct rm_pool p = RM_POOL_INIT(16, 2, 3);
	uint32_t a = rm_pool_get(&p), b = rm_pool_get(&p), c = rm_pool_get(&p);
	void *at = rm_pool_at(&p, b);

	RM_CHECK(a && b && c && rm_pool_get(&p) == 0);
	rm_pool_put(&p, b);
	RM_CHECK(rm_pool_get(&p) == b);
	RM_CHECK(rm_pool_at(&p, b) == at);
	RM_CHECK(rm_pool_get(&p) == 0);
	rm_pool_put(&p, a);
	rm_pool_put(&p, c);
	RM_CHECK(rm_pool_get(&p) + rm_pool_get(&p) == a + c);
}

RM_TEST("the head of the free list is another one each time an object comes back")
{
	static struct rm_pool p = RM_POOL_INIT(16, 2, 2);
	uint32_t index = rm_pool_get(&p);
	uint64_t before;

	rm_pool_put(&p, index);
	before = p.free;
	RM_CHECK(rm_pool_get(&p) == index);
	rm_pool_put(&p, index);
	RM_CHECK((uint32_t)p.free == (uint32_t)before && p.free != before);
}

RM_TEST("the number of chunks bounds a pool whose limit says more")
{
	static struct rm_pool p = RM_POOL_INIT(16, 1, 1000);
	int got = 0;

	while (rm_pool_get(&p) != 0 && got <= 1000)
		got++;
	RM_CHECK(got == RM_POOL_CHUNKS);
}

/* Twice what is held at once: close to the limit a refusal may be a moment out of date. */
static struct rm_pool shared = RM_POOL_INIT(32, 16, 2 * THREADS * HELD);
static _Atomic int clashes, refusals;

/* Takes objects, marks each as its own, and sees that nobody else marked it meanwhile. */
static void *take_and_give(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	uint32_t held[HELD];

	for (int round = 0; round < ROUNDS; round++) {
		int n = 1 + round % HELD;

		for (int i = 0; i < n; i++) {
			held[i] = rm_pool_get(&shared);
			if (held[i] == 0) {
				refusals++;
				return NULL;
			}
			((uintptr_t *)rm_pool_at(&shared, held[i]))[1] = me;
		}
		for (int i = 0; i < n; i++) {
			if (((uintptr_t *)rm_pool_at(&shared, held[i]))[1] != me)
				clashes++;
			rm_pool_put(&shared, held[i]);
		}
	}
	return NULL;
}

RM_TEST("no object has two owners when threads take and give at once, and none gets lost")
{
	pthread_t threads[THREADS];
	int left = 0;

	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, take_and_give, (void *)(i + 1));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	RM_CHECK(clashes == 0);
	RM_CHECK(refusals == 0);
	while (rm_pool_get(&shared) != 0)
		left++;
	RM_CHECK(left == 2 * THREADS * HELD);
}

static struct rm_pool forked = RM_POOL_INIT(32, 16, 64);
static _Atomic bool stop;

static void *churn(void *unused)
{
	while (!stop) {
		uint32_t a = rm_pool_get(&forked), b = rm_pool_get(&forked);

		rm_pool_put(&forked, a);
		rm_pool_put(&forked, b);
	}
	return unused;
}

/* In a child: every object that can be had is had once. */
static int count_is_sane(void)
{
	bool seen[65] = { false };
	uint32_t index;

	while ((index = rm_pool_get(&forked)) != 0) {
		if (index > 64 || seen[index])
			return 1;
		seen[index] = true;
	}
	return 0;
}

RM_TEST("a child forked while another thread is inside finds a whole pool")
{
	pthread_t thread;
	int bad = 0;

	pthread_create(&thread, NULL, churn, NULL);
	for (int i = 0; i < 100; i++) {
		int status = 1;
		pid_t child = fork();

		if (child == 0)
			_exit(count_is_sane());
		waitpid(child, &status, 0);
		bad += status != 0;
	}
	stop = true;
	pthread_join(thread, NULL);
	RM_CHECK(bad == 0);
}
