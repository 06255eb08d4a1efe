/*
 * Random bits for ids. Not for secrets. Each thread owns one state; a state that has not been
 * seeded, or was inherited over fork, is seeded from getrandom(2). Context: any, signal-safe.
 */
#ifndef RM_BASE_RANDOM_H
#define RM_BASE_RANDOM_H

#include <stdint.h>

struct rm_random {
	uint64_t s[4]; /* xoshiro256**; all zero means "not seeded" */
};

uint64_t rm_random_u64(struct rm_random *r);

#endif
