/*
 * Waiting for another thread. By time and not by turns: on a busy machine a turn may take any.
 * Context: any, signal-safe.
 */
#ifndef RM_BASE_PATIENCE_H
#define RM_BASE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/sys.h"

/* Lets others run for a turn. False, at once: that was done for `ns` since `until_ns` was 0, as it has to be at first. */
static inline bool rm_patience(uint64_t *until_ns, uint64_t ns)
{
	uint64_t now_ns = rm_clock_mono_ns();

	if (!*until_ns)
		*until_ns = now_ns + ns;
	if (now_ns >= *until_ns)
		return false;
	rm_sys0(__NR_sched_yield);
	return true;
}

#endif
