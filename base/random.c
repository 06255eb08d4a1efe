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

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

/* splitmix64: spreads a poor seed over all bits. */
static uint64_t mix(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void seed(struct rm_random *r)
{
	uint64_t weak;

	if (rm_sys3(__NR_getrandom, r->s, sizeof(r->s), GET_INSECURE) == sizeof(r->s))
		return;
	if (rm_sys3(__NR_getrandom, r->s, sizeof(r->s), GET_NONBLOCK) == sizeof(r->s))
		return;
	/* No such call, or a seccomp filter forbids it: time, thread and address of the state. */
	weak = rm_clock_wall_ns() ^ rotate(rm_clock_mono_ns(), 32) ^ (uintptr_t)r ^
	       (uint64_t)rm_sys0(__NR_gettid) << 40;
	for (int i = 0; i < 4; i++)
		r->s[i] = mix(&weak);
}

static uint64_t next(uint64_t *s)
{
	uint64_t ret = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return ret;
}

uint64_t rm_random_u64(struct rm_random *r)
{
	uint64_t ret;

	if (!(r->s[0] | r->s[1] | r->s[2] | r->s[3]))
		seed(r);
	do
		ret = next(r->s);
	while (ret == 0); /* zero means "no id" in every trace format */
	return ret;
}
