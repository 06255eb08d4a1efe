/*
 * For protocols that go step by step through the bytes that feed() is given: those bytes, how far they are read, and what
 * a step came to. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_INPUT_H
#define RM_PROTOCOLS_INPUT_H

#include "protocols/proto.h"

enum rm_step {
	RM_STEP_GO_ON,
	RM_STEP_STOP, /* feed() is to return how far it came */
	RM_STEP_MUTE, /* the connection cannot be followed */
};

struct rm_input {
	enum rm_dir dir;
	const char *p;
	size_t n, at; /* of the `n` bytes at `p`, `at` are read */
};

/* The bytes that are not read yet. */
static inline struct rm_str rm_input_rest(const struct rm_input *in)
{
	return (struct rm_str){ in->p + in->at, in->n - in->at };
}

/* Steps over bytes of a body, of which `left` are to come, but not over the last `but` of these. */
static inline void rm_input_pass(struct rm_input *in, uint32_t *left, uint32_t but)
{
	size_t here = in->n - in->at;
	uint32_t take = here < *left - but ? (uint32_t)here : *left - but;

	*left -= take;
	in->at += take;
}

#endif
