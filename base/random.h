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

/* From the kernel, of a state that is not seeded. */
void rm_random_seed(struct rm_random *r);

static inline uint64_t rm_random_rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

/* Never 0, which means "no id" in every trace format. */
static inline uint64_t rm_random_u64(struct rm_random *r)
{
	uint64_t *s = r->s, ret, t;

	if (__builtin_expect(!(s[0] | s[1] | s[2] | s[3]), 0))
		rm_random_seed(r);
	do {
		ret = rm_random_rotate(s[1] * 5, 7) * 9;
		t = s[1] << 17;
		s[2] ^= s[0];
		s[3] ^= s[1];
		s[1] ^= s[2];
		s[0] ^= s[3];
		s[2] ^= t;
		s[3] = rm_random_rotate(s[3], 45);
	} while (__builtin_expect(ret == 0, 0));
	return ret;
}

#endif
