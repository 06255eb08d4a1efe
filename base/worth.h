/*
 * Is it worth to keep something for the next of its kind? Where nothing that was kept is ever found again, ever less is:
 * at last one of 63. Context: any, signal-safe.
 */
#ifndef RM_BASE_WORTH_H
#define RM_BASE_WORTH_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroes to begin with. */
struct rm_worth {
	uint8_t misses; /* so many were not found, less those that were; at most a few */
	uint8_t wait;   /* the next ones that are not found are not kept either, so many */
};

enum { RM_WORTH_MISSES_MAX = 6 };

static inline void rm_worth_found(struct rm_worth *w)
{
	w->misses -= w->misses > 0;
}

/* One was not found: is it to be kept? */
static inline bool rm_worth_keep(struct rm_worth *w)
{
	if (w->wait) {
		w->wait--;
		return false;
	}
	w->misses += w->misses < RM_WORTH_MISSES_MAX;
	w->wait = (uint8_t)((1u << w->misses) - 2);
	return true;
}

#endif
