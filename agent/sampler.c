/*
 * The six samplers that need nothing but ids. Which ids a ratio keeps is the same as in OpenTelemetry's Go and Python SDKs:
 * the trace id's last 64 bits, big-endian, are compared with ratio * 2^64; one bit of precision is
 * given up so that the bound of 1.0 fits (Go does the same). Java drops the sign of that number
 * first and agrees on ids whose bit 63 is clear; there is no common rule. Context: any.
 * Spec: OpenTelemetry, trace/sdk.md, "Built-in samplers".
 */
#include "agent/sampler.h"

static bool in_ratio(double ratio, const uint8_t trace_id[16])
{
	uint64_t bound = (uint64_t)(ratio * 0x1p63);
	uint64_t v = 0;

	for (int i = 8; i < 16; i++)
		v = v << 8 | trace_id[i];
	return v >> 1 < bound;
}

bool rm_sampled_by_parent(const struct rm_config *c, const struct rm_spanctx *parent)
{
	return c->sampler >= RM_SAMPLER_PARENT_ON && (parent->valid || parent->trace_only) && parent->sampled_known;
}

bool rm_sampled(const struct rm_config *c, const struct rm_spanctx *parent,
		const uint8_t trace_id[16])
{
	if (rm_sampled_by_parent(c, parent))
		return parent->flags & RM_FLAG_SAMPLED;
	switch (c->sampler) {
	case RM_SAMPLER_OFF:
	case RM_SAMPLER_PARENT_OFF:
		return false;
	case RM_SAMPLER_RATIO:
	case RM_SAMPLER_PARENT_RATIO:
		return in_ratio(c->ratio, trace_id);
	default:
		return true;
	}
}
