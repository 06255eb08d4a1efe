/* Time in nanoseconds. Context: any, signal-safe (vDSO; no system call where the kernel offers one). */
#ifndef RM_BASE_CLOCK_H
#define RM_BASE_CLOCK_H

#include <stdint.h>

uint64_t rm_clock_mono_ns(void); /* CLOCK_MONOTONIC: never set back; the clock of durations */
uint64_t rm_clock_wall_ns(void); /* CLOCK_REALTIME: nanoseconds since the Unix epoch */

/* Where the two clocks stood to each other lately. Zeroed: not looked at yet. */
struct rm_wall {
	uint64_t ahead_ns; /* of the monotonic clock, modulo 2^64 */
	uint64_t until_ns; /* monotonic: to be looked at again then */
};

/*
 * The wall time at a monotonic time a moment ago: one clock is read instead of two, but for 100 times
 * a second. A step of the wall clock shows after RM_WALL_KEPT_NS, in which a slewed one drifts by 5 us.
 */
enum { RM_WALL_KEPT_NS = 10000000 };
uint64_t rm_clock_wall_at(struct rm_wall *w, uint64_t mono_ns);

#endif
