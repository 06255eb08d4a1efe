/*
 * From the rings into the pipeline: what the worker does all day. Takes as much of each signal as its
 * queues have place for, so that what waits does so in the rings. Context: worker.
 */
#ifndef RM_AGENT_DRAIN_H
#define RM_AGENT_DRAIN_H

#include "base/env.h"
#include "base/segment.h"
#include "exporters/pipeline.h"

struct rm_drain {
	const struct rm_env *env;
	struct rm_segment *segment;
	const struct rm_pipeline_api *api;
	struct rm_pipeline *pipeline;
	uint32_t resource;
	struct rm_drain_part {
		uint32_t first, rings; /* of the segment */
		uint32_t batch;	       /* records taken between two looks at what is due */
		uint32_t room;	       /* records that may still be taken during one call of the pipeline */
		uint32_t ring;	       /* where to go on */
		bool held_back;	       /* some was left there for want of room */
	} of[RM_SIGNAL_COUNT];
	_Alignas(8) char record[RM_RECORD_MAX_BYTES];
};

/* Begins over a complete segment and an open pipeline; all is borrowed. */
void rm_drain_init(struct rm_drain *d, const struct rm_env *env, struct rm_segment *segment,
		   const struct rm_pipeline_api *api, struct rm_pipeline *pipeline);

/* Takes a batch of each signal; true when there may be more. Afterwards there is room as the queues have it. */
bool rm_drain_batches(struct rm_drain *d);

/* True when some was left for want of room, and there is room now. */
bool rm_drain_may_go_on(const struct rm_drain *d);

/* While the pipeline waits for the network: takes what there is room for, so that the rings do not fill meanwhile. */
void rm_drain_waiting(struct rm_drain *d);

#endif
