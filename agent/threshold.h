/*
 * Samplers that find their ratio by themselves: so many traces a second, or as many as leave without a loss. Each trace has
 * a random number in its id; those whose number is below a threshold are not sampled, and the threshold is said in
 * `tracestate` (`ot=th:...`), so that who counts spans knows for how many each stands. The threshold is there before the
 * trace is, so that no choice depends on what is chosen. One of them for a process; lock-free.
 * Spec: OpenTelemetry, trace/tracestate-probability-sampling.md and tracestate-handling.md. Context: any, signal-safe.
 */
#ifndef RM_AGENT_THRESHOLD_H
#define RM_AGENT_THRESHOLD_H

#include <stdatomic.h>

#include "agent/config.h"
#include "base/strbuf.h"

enum {
	RM_THRESHOLD_BITS = 20, /* of the 56 of a random number: thresholds have five digits at most */
	RM_THRESHOLD_ALL = 1 << RM_THRESHOLD_BITS,
	RM_THRESHOLD_TEXT_BYTES = 16,
};

struct rm_threshold {
	_Atomic uint64_t since_ns; /* the second that is counted began then; 0: none did */
	_Atomic uint64_t crowded;  /* spans that were dropped before it */
	_Atomic uint32_t rejects;  /* of RM_THRESHOLD_ALL random numbers, so many are below it */
	_Atomic uint32_t asked, taken; /* in this second */
	_Atomic uint32_t quiet;    /* so many seconds went by without a drop */
};

/* True where the sampler is one of these. */
static inline bool rm_threshold_is_used(const struct rm_config *c)
{
	return c->sampler == RM_SAMPLER_PARENT_RATELIMITED || c->sampler == RM_SAMPLER_PARENT_ADAPTIVE;
}

/*
 * Decides for a trace that begins at `now_ns` (monotonic); `crowded` is how many spans this process lost so far for want
 * of room. False: not sampled. *ret is what e->threshold is then: the threshold and one.
 */
bool rm_threshold_decide(struct rm_threshold *t, const struct rm_config *c, const uint8_t trace_id[16], uint64_t now_ns,
			 uint64_t crowded, uint32_t *ret);

/* The member of tracestate that says so: "ot=th:c". `out` has room for RM_THRESHOLD_TEXT_BYTES. */
void rm_threshold_write(uint32_t threshold_and_one, struct rm_strbuf *out);

#endif
