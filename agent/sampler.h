/*
 * Samplers of OTEL_TRACES_SAMPLER. Spec: OpenTelemetry specification, trace/sdk.md (Sampler);
 * the ratio is compared as the other SDKs do, so that all agree on one trace. Context: any.
 */
#ifndef RM_AGENT_SAMPLER_H
#define RM_AGENT_SAMPLER_H

#include "agent/config.h"

/*
 * Decides for a new span of trace `trace_id`. `parent` is its parent's context, `valid` false for a
 * root; a parent whose decision is unknown (sampled_known false) is treated as a root. For those the xray sampler says
 * true: agent/xray_sampler.h decides.
 */
/* True where the parent's decision is ours. */
bool rm_sampled_by_parent(const struct rm_config *c, const struct rm_spanctx *parent);

bool rm_sampled(const struct rm_config *c, const struct rm_spanctx *parent, const uint8_t trace_id[16]);

#endif
