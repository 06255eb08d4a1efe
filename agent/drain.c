/*
 * Each signal has rings of its own and its share of attention: one that never ends keeps the other from
 * nothing. What is copied out of the memory is checked. Context: worker.
 */
#include "agent/drain.h"

#include "base/err.h"

static const struct {
	uint32_t first, rings;
	enum rm_env_id batch, queue;
} parts[RM_SIGNAL_COUNT] = {
	[RM_SIGNAL_TRACES] = { 0, RM_SEGMENT_SPAN_RINGS, RM_ENV_BSP_MAX_EXPORT_BATCH_SIZE, RM_ENV_BSP_MAX_QUEUE_SIZE },
	[RM_SIGNAL_LOGS] = { RM_SEGMENT_SPAN_RINGS, RM_SEGMENT_LOG_RINGS, RM_ENV_BLRP_MAX_EXPORT_BATCH_SIZE,
			     RM_ENV_BLRP_MAX_QUEUE_SIZE },
};

enum { BATCH_DEFAULT = 512, QUEUE_DEFAULT = 2048 };

void rm_drain_init(struct rm_drain *d, const struct rm_env *env, struct rm_segment *segment,
		   const struct rm_pipeline_api *api, struct rm_pipeline *pipeline)
{
	d->env = env;
	d->segment = segment;
	d->api = api;
	d->pipeline = pipeline;
	d->resource = api->resource(pipeline, (const struct rm_record *)segment->resource);
	for (int i = 0; i < RM_SIGNAL_COUNT; i++) {
		uint64_t batch = rm_env_u64(env, parts[i].batch, BATCH_DEFAULT);

		d->of[i] = (struct rm_drain_part){ .first = parts[i].first, .rings = parts[i].rings,
						   .batch = batch ? (uint32_t)batch : 1 };
	}
}

/* A piece of output becomes many logs, so there may be room for less than one batch of pieces. */
static bool has_room(const struct rm_drain *d, enum rm_signal signal)
{
	return signal != RM_SIGNAL_LOGS || d->api->has_room(d->pipeline, signal);
}

/* Takes up to `max` records out of the rings of a signal and returns how many: fewer if they were empty, or for want of room. */
static uint32_t take(struct rm_drain *d, enum rm_signal signal, uint32_t max)
{
	struct rm_drain_part *of = &d->of[signal];
	const struct rm_record *r = (const struct rm_record *)d->record;
	uint32_t taken = 0, empty = 0;

	while (taken < max && empty < of->rings && has_room(d, signal)) {
		int n = rm_segment_pop(d->segment, of->first + of->ring, d->record);

		if (n == 0) {
			empty++;
			of->ring = (of->ring + 1) % of->rings;
			continue;
		}
		empty = 0;
		if (n < 0 || r->type == RM_RECORD_RESOURCE || !rm_record_valid(r, (uint32_t)n))
			continue;
		/* A full queue drops and counts; that is the pipeline's to report. */
		if (d->api->push(d->pipeline, d->resource, r) == RM_E_FULL && signal == RM_SIGNAL_TRACES)
			atomic_fetch_add_explicit(&d->segment->crowded, 1, memory_order_relaxed);
		taken++;
	}
	of->held_back = taken < max && empty < of->rings;
	return taken;
}

bool rm_drain_batches(struct rm_drain *d)
{
	bool more = false;

	for (int i = 0; i < RM_SIGNAL_COUNT; i++) {
		uint64_t queue = rm_env_u64(d->env, parts[i].queue, QUEUE_DEFAULT);
		uint32_t batch = d->of[i].batch;

		more |= take(d, (enum rm_signal)i, batch) == batch;
		/* As much as the queue holds beside a batch that is on its way. */
		d->of[i].room = queue > batch ? (uint32_t)(queue - batch) : 0;
	}
	return more;
}

void rm_drain_waiting(struct rm_drain *d)
{
	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		d->of[i].room -= take(d, (enum rm_signal)i, d->of[i].room);
}

bool rm_drain_may_go_on(const struct rm_drain *d)
{
	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		if (d->of[i].held_back && has_room(d, (enum rm_signal)i))
			return true;
	return false;
}
