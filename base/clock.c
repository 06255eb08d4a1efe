/*
 * The two clocks, read through the kernel's own function (the vDSO). libc's clock_gettime would do,
 * but a program may run below another preload that shows it a different time, or one that stands
 * still (libfaketime): no deadline of ours would ever come. It is the second choice, referenced
 * weakly since there may be no libc; the third one is the system call.
 * Context: any, signal-safe.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/lookup.h"
#include "base/sys.h"

enum { WALL_TRIES = 3, WALL_GOOD_NS = 1000 };

extern int clock_gettime(clockid_t clock, struct timespec *ret) __attribute__((weak));

typedef int (*clock_fn)(clockid_t clock, struct timespec *ret);
static _Atomic(clock_fn) source;

static int ask_kernel(clockid_t clock, struct timespec *ret)
{
	return (int)rm_sys2(__NR_clock_gettime, clock, ret);
}

/* Once; threads that do it at the same time find the same. The vDSO is among the first objects. */
static clock_fn find_source(void)
{
	clock_fn found = (clock_fn)rm_lookup_first("__vdso_clock_gettime");

	if (!found)
		found = (clock_fn)rm_lookup_first("__kernel_clock_gettime"); /* its name on arm64 */
	if (!found)
		found = clock_gettime ? clock_gettime : ask_kernel;
	atomic_store_explicit(&source, found, memory_order_relaxed);
	return found;
}

static uint64_t now_ns(clockid_t clock)
{
	clock_fn ask = atomic_load_explicit(&source, memory_order_relaxed);
	struct timespec t = { 0, 0 };

	if (!ask)
		ask = find_source();
	ask(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t rm_clock_mono_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

uint64_t rm_clock_wall_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

/*
 * Between two reads the thread may have been put aside, which would shift all times of the next
 * moments: of a few tries the one with the shortest distance counts.
 */
static uint64_t measure(void)
{
	uint64_t best_ns = UINT64_MAX, ahead_ns = 0;

	for (int i = 0; i < WALL_TRIES && best_ns > WALL_GOOD_NS; i++) {
		uint64_t before_ns = rm_clock_mono_ns(), wall_ns = rm_clock_wall_ns();
		uint64_t took_ns = rm_clock_mono_ns() - before_ns;

		if (took_ns < best_ns) {
			best_ns = took_ns;
			ahead_ns = wall_ns - before_ns - took_ns / 2;
		}
	}
	return ahead_ns;
}

uint64_t rm_clock_wall_at(struct rm_wall *w, uint64_t mono_ns)
{
	if (mono_ns >= w->until_ns) {
		w->ahead_ns = measure();
		w->until_ns = mono_ns + RM_WALL_KEPT_NS;
	}
	return mono_ns + w->ahead_ns;
}
