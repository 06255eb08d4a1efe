/*
 * xoshiro256** (Blackman and Vigna), seeded by the kernel. Ids must be unique, not secret: one
 * system call per thread and none per id. A state is owned by one thread; who forks zeroes it in
 * the child. Context: any, signal-safe.
 */
#include "base/random.h"

#include "base/clock.h"
#include "base/sys.h"

/* Flags of getrandom(2): both never block, GRND_INSECURE (Linux 5.6) also answers early at boot. */
enum { GET_INSECURE = 4, GET_NONBLOCK = 1 };

/* splitmix64: spreads a poor seed over all bits. */
static uint64_t mix(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void rm_random_seed(struct rm_random *r)
{
	uint64_t weak;

	if (rm_sys3(__NR_getrandom, r->s, sizeof(r->s), GET_INSECURE) == sizeof(r->s))
		return;
	if (rm_sys3(__NR_getrandom, r->s, sizeof(r->s), GET_NONBLOCK) == sizeof(r->s))
		return;
	/* No such call, or a seccomp filter forbids it: time, thread and address of the state. */
	weak = rm_clock_wall_ns() ^ rm_random_rotate(rm_clock_mono_ns(), 32) ^ (uintptr_t)r ^
	       (uint64_t)rm_sys0(__NR_gettid) << 40;
	for (int i = 0; i < 4; i++)
		r->s[i] = mix(&weak);
}
