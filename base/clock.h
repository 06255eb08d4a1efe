/* Time in nanoseconds. Context: any, signal-safe (vDSO; no system call where the kernel offers one). */
#ifndef RM_BASE_CLOCK_H
#define RM_BASE_CLOCK_H

#include <stdint.h>

uint64_t rm_clock_mono_ns(void); /* CLOCK_MONOTONIC: never set back; the clock of durations */
uint64_t rm_clock_wall_ns(void); /* CLOCK_REALTIME: nanoseconds since the Unix epoch */

#endif
