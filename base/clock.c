/*
 * The two clocks. clock_gettime answers from the vDSO; it is referenced weakly, since a preloaded
 * object may meet a process without any libc, and the raw system call takes its place there.
 * Context: any, signal-safe.
 */
#include "base/clock.h"

#include <time.h>

#include "base/sys.h"

enum { WALL_TRIES = 3, WALL_GOOD_NS = 1000 };

extern int clock_gettime(clockid_t clock, struct timespec *ret) __attribute__((weak));

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t = { 0, 0 };

	if (clock_gettime)
		clock_gettime(clock, &t);
	else
		rm_sys2(__NR_clock_gettime, clock, &t);
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
