/*
 * The records that wait for one exporter, as copies that several queues share. Context of everything here: worker.
 */
#ifndef RM_EXPORTERS_QUEUE_H
#define RM_EXPORTERS_QUEUE_H

#include "agent/exporter.h"
#include "exporters/batch.h"
#include "exporters/lane.h"
#include "exporters/pipeline.h"

/* A span or log, in as many queues as `references`. */
struct rm_item {
	uint32_t references;
	uint32_t resource;
	uint64_t pushed_ns;
	struct rm_item_block *block; /* that it lies in */
	struct rm_record record; /* and what follows it */
};

struct rm_queue {
	const struct rm_exporter *exporter;
	struct rm_lane *lane;
	struct rm_pipeline_stats stats;
	void *state;
	struct rm_item **ring; /* NULL: it keeps nothing */
	struct rm_batch_maker maker;
	uint32_t head, count;
	uint32_t trying;     /* records of the batch under way; 0: none */
	uint32_t limit;	     /* of the next batch: smaller while the backend finds them too large */
	uint32_t failures;   /* attempts in a row without an answer that counts */
	bool busy;	     /* an attempt is being made */
	uint64_t took_ns;    /* by the last one; 0: there was none */
	uint64_t give_up_ns; /* of the batch under way */
	uint64_t pause_until_ns; /* no attempt before */
};

/* Memory for as many records and batches as its lane says. Errors: RM_E_NOMEM; rm_queue_fini is to be called then, too. */
int rm_queue_init(struct rm_queue *q, const struct rm_exporter *exporter, struct rm_lane *lane);
void rm_queue_fini(struct rm_queue *q);

/* Of a number below the queue's size. */
static inline struct rm_item **rm_queue_place(const struct rm_queue *q, uint32_t i)
{
	uint32_t at = q->head + i, cap = q->lane->queue_cap;

	return &q->ring[at < cap ? at : at - cap];
}

static inline struct rm_item *rm_queue_at(const struct rm_queue *q, uint32_t i)
{
	return *rm_queue_place(q, i);
}

/* Appends the record, copied into *item by the first queue that wants it. False: it was dropped, and counted. */
bool rm_queue_push(struct rm_queue *q, struct rm_resources *resources, uint32_t resource, const struct rm_record *record,
		   struct rm_item **item);

/* To be called when its queues are gone, with what they kept. */
void rm_lane_fini(struct rm_lane *lane);

/* Gives a reference back. */
void rm_item_put(struct rm_lane *lane, struct rm_resources *resources, struct rm_item *item);

/* Takes the batch under way off the queue. */
void rm_queue_drop(struct rm_queue *q, struct rm_resources *resources);

/* A piece of output may become many records: false where that many might not find a place. */
bool rm_queue_has_room(const struct rm_queue *q);

/* When something is to be done for a queue; UINT64_MAX: nothing is queued. */
uint64_t rm_queue_due_at(const struct rm_queue *q);

#endif
