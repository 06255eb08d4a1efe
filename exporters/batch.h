/*
 * A batch in the making: records of one signal, which stay in order, grouped by the resource that they
 * belong to. One is made at a time, in memory that is kept for the next. Context: worker.
 */
#ifndef RM_EXPORTERS_BATCH_H
#define RM_EXPORTERS_BATCH_H

#include "exporters/resources.h"

struct rm_batch_maker {
	enum rm_signal signal;
	uint32_t count, cap;
	struct rm_batch_pick *picks; /* `cap` of each of these */
	const struct rm_span **spans;
	const struct rm_log **logs;
	struct rm_batch_group *groups;
};

/* Room for batches of up to `cap` records. Errors: RM_E_NOMEM; rm_batch_maker_fini is to be called then, too. */
int rm_batch_maker_init(struct rm_batch_maker *m, uint32_t cap);
void rm_batch_maker_fini(struct rm_batch_maker *m);

/* Begins with nothing in it. */
void rm_batch_begin(struct rm_batch_maker *m, enum rm_signal signal);

/* Adds a record (borrowed) of the signal; not more than there is room for. */
void rm_batch_add(struct rm_batch_maker *m, uint32_t resource, const struct rm_record *record);

/* The batch, valid until the next one begins and as long as its records. */
struct rm_batch rm_batch_end(struct rm_batch_maker *m, const struct rm_resources *resources);

#endif
