/*
 * See queue.h. Memory is bounded by the lane: so many records, and so many bytes of each signal. Copies lie one behind the
 * other in blocks, and a block goes as a whole when its last record went: records leave about as they came.
 */
#include "exporters/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

enum {
	PIECE_RECORDS = 512,
	MEMORY_MAX_BYTES = 64 * 1024 * 1024, /* of all records of a signal in all queues */
	BLOCK_BYTES = 64 * 1024,	     /* or as much as a longer record takes */
};

struct rm_item_block {
	size_t used, cap;
	uint32_t live; /* records, and one for the lane that still adds to it */
	_Alignas(8) char items[];
};

int rm_queue_init(struct rm_queue *q, const struct rm_exporter *exporter, struct rm_lane *lane)
{
	*q = (struct rm_queue){ .exporter = exporter, .lane = lane, .limit = lane->batch_max };
	if (exporter->immediate)
		return RM_OK;
	q->ring = calloc(lane->queue_cap, sizeof(struct rm_item *));
	return q->ring ? rm_batch_maker_init(&q->maker, lane->batch_max) : RM_E_NOMEM;
}

void rm_queue_fini(struct rm_queue *q)
{
	rm_batch_maker_fini(&q->maker);
	free(q->ring);
}

/* ---- items ---- */

static void block_put(struct rm_item_block *block)
{
	if (block && --block->live == 0)
		free(block);
}

void rm_lane_fini(struct rm_lane *lane)
{
	block_put(lane->block);
	lane->block = NULL;
}

void rm_item_put(struct rm_lane *lane, struct rm_resources *resources, struct rm_item *item)
{
	struct rm_item_block *block = item->block;

	if (--item->references > 0)
		return;
	lane->bytes -= item->record.bytes;
	rm_resources_put(resources, item->resource);
	if (block == lane->block && block->live == 2) {
		block->live = 1;
		block->used = 0; /* nobody has anything there any more */
	} else {
		block_put(block);
	}
}

/* Room in the lane's block, or in a new one; NULL when there is no memory for it. */
static struct rm_item *item_room(struct rm_lane *lane, size_t bytes)
{
	struct rm_item_block *block = lane->block;
	size_t cap = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;

	if (!block || bytes > block->cap - block->used) {
		block = malloc(sizeof(*block) + cap);
		if (!block)
			return NULL;
		*block = (struct rm_item_block){ .cap = cap, .live = 1 };
		block_put(lane->block);
		lane->block = block;
	}
	block->live++;
	block->used += bytes;
	return (struct rm_item *)(block->items + block->used - bytes);
}

/* A copy with one reference; NULL when there is no memory for it. */
static struct rm_item *item_new(struct rm_lane *lane, struct rm_resources *resources, uint32_t resource,
				const struct rm_record *record)
{
	struct rm_item *item = NULL;

	if (lane->bytes + record->bytes <= MEMORY_MAX_BYTES)
		item = item_room(lane, offsetof(struct rm_item, record) + record->bytes);
	if (!item)
		return NULL;
	item->references = 1;
	item->resource = resource;
	if (!lane->now_ns)
		lane->now_ns = rm_clock_mono_ns();
	item->pushed_ns = lane->now_ns;
	item->block = lane->block;
	memcpy(&item->record, record, record->bytes);
	lane->bytes += record->bytes;
	rm_resources_hold(resources, resource);
	return item;
}

/* ---- queues ---- */

bool rm_queue_push(struct rm_queue *q, struct rm_resources *resources, uint32_t resource, const struct rm_record *record,
		   struct rm_item **item)
{
	uint32_t cap = q->lane->queue_cap;

	if (q->count < cap && !*item)
		*item = item_new(q->lane, resources, resource, record);
	if (q->count == cap || !*item) {
		q->stats.dropped_queue++;
		return false;
	}
	(*item)->references++;
	*rm_queue_place(q, q->count++) = *item;
	return true;
}

void rm_queue_drop(struct rm_queue *q, struct rm_resources *resources)
{
	for (; q->trying > 0; q->trying--) {
		rm_item_put(q->lane, resources, rm_queue_at(q, 0));
		q->head = q->head + 1 < q->lane->queue_cap ? q->head + 1 : 0;
		q->count--;
	}
}

bool rm_queue_has_room(const struct rm_queue *q)
{
	uint32_t cap = q->lane->queue_cap, wanted = cap / 2 < PIECE_RECORDS ? cap / 2 : PIECE_RECORDS;

	return q->count == 0 || cap - q->count > wanted;
}

uint64_t rm_queue_due_at(const struct rm_queue *q)
{
	uint64_t at = 0, waited = q->lane->delay_ns;

	if (q->count == 0)
		return UINT64_MAX;
	if (q->trying == 0 && q->count < q->limit) {
		at = rm_queue_at(q, 0)->pushed_ns;
		at = at > UINT64_MAX - waited ? UINT64_MAX : at + waited;
	}
	return at > q->pause_until_ns ? at : q->pause_until_ns;
}
