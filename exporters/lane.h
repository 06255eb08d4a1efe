/*
 * What all queues of a signal have in common: how many records they keep, how many go at once, how long
 * they wait. OTEL_BSP_... for spans, OTEL_BLRP_... for logs. Context: worker.
 * Spec: OpenTelemetry specification, configuration/sdk-environment-variables.md.
 */
#ifndef RM_EXPORTERS_LANE_H
#define RM_EXPORTERS_LANE_H

#include <stddef.h>

#include "agent/exporter.h"
#include "agent/telemetry.h"
#include "base/env.h"

struct rm_lane {
	uint32_t queue_cap, batch_max;
	uint64_t delay_ns, timeout_ns;
	uint64_t received; /* records so far */
	size_t bytes;      /* of all that is in its queues */
	uint64_t now_ns;   /* when records come that come in one go; 0: not asked yet */
	struct rm_item_block *block; /* that the next record is copied into, see queue.c */
};

/* Reads the settings of a signal. A wrong one is reported by rm_warn, and another taken. */
void rm_lane_init(struct rm_lane *lane, enum rm_signal signal, const struct rm_env *env);

/* Of a span or log. */
static inline enum rm_signal rm_signal_of(const struct rm_record *r)
{
	return r->type == RM_RECORD_LOG ? RM_SIGNAL_LOGS : RM_SIGNAL_TRACES;
}

/* What its records are called in messages. */
const char *rm_signal_name(enum rm_signal signal);

/* The exporter of that name and signal; NULL: there is none. */
const struct rm_exporter *rm_lane_find(enum rm_signal signal, struct rm_str name);

/* Whether a list names anything that we know; "none" is known, too. */
bool rm_lane_knows(enum rm_signal signal, struct rm_str list);

/* The variable that names the exporters of a signal. */
enum rm_env_id rm_lane_exporters(enum rm_signal signal);

#endif
