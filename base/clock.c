/*
 * The two clocks. clock_gettime answers from the vDSO; it is referenced weakly, since a preloaded
 * object may meet a process without any libc, and the raw system call takes its place there.
 * Context: any, signal-safe.
 */
#include "base/clock.h"

#include <time.h>

#include "base/sys.h"

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
