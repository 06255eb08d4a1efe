/* Groups records by sorting them; see batch.h. Context: worker. */
#include "exporters/batch.h"

#include <stdlib.h>

#include "base/err.h"

struct rm_batch_pick {
	const struct rm_record *record;
	uint32_t resource;
	uint32_t at; /* its place before sorting: records of one resource stay in order */
};

int rm_batch_maker_init(struct rm_batch_maker *m, uint32_t cap)
{
	*m = (struct rm_batch_maker){ .cap = cap };
	m->picks = calloc(cap, sizeof(*m->picks));
	m->spans = calloc(cap, sizeof(*m->spans));
	m->logs = calloc(cap, sizeof(*m->logs));
	m->groups = calloc(cap, sizeof(*m->groups));
	return m->picks && m->spans && m->logs && m->groups ? RM_OK : RM_E_NOMEM;
}

void rm_batch_maker_fini(struct rm_batch_maker *m)
{
	free(m->picks);
	free(m->spans);
	free(m->logs);
	free(m->groups);
	*m = (struct rm_batch_maker){ 0 };
}

void rm_batch_begin(struct rm_batch_maker *m, enum rm_signal signal)
{
	m->signal = signal;
	m->count = 0;
}

void rm_batch_add(struct rm_batch_maker *m, uint32_t resource, const struct rm_record *record)
{
	m->picks[m->count] = (struct rm_batch_pick){ record, resource, m->count };
	m->count++;
}

static int by_resource(const void *a, const void *b)
{
	const struct rm_batch_pick *x = a, *y = b;

	if (x->resource != y->resource)
		return x->resource < y->resource ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static bool is_sorted(const struct rm_batch_maker *m)
{
	for (uint32_t i = 1; i < m->count; i++)
		if (m->picks[i - 1].resource > m->picks[i].resource)
			return false;
	return true;
}

/* Puts a record at place `i` of the batch, at the end of group `g`. */
static void place(struct rm_batch_maker *m, uint32_t i, struct rm_batch_group *g, const struct rm_record *r)
{
	if (m->signal == RM_SIGNAL_LOGS) {
		m->logs[i] = (const struct rm_log *)r;
		g->log_count++;
	} else {
		m->spans[i] = (const struct rm_span *)r;
		g->span_count++;
	}
}

struct rm_batch rm_batch_end(struct rm_batch_maker *m, const struct rm_resources *resources)
{
	struct rm_batch batch = { .groups = m->groups, .signal = m->signal };
	uint32_t resource = 0;

	if (m->signal == RM_SIGNAL_LOGS)
		batch.log_count = m->count;
	else
		batch.span_count = m->count;
	if (!is_sorted(m)) /* as those of a single process are */
		qsort(m->picks, m->count, sizeof(*m->picks), by_resource);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct rm_batch_pick *p = &m->picks[i];

		if (p->resource != resource) {
			resource = p->resource;
			m->groups[batch.group_count++] = (struct rm_batch_group){
				.resource = rm_resources_record(resources, resource),
				.spans = &m->spans[i],
				.logs = &m->logs[i],
			};
		}
		place(m, i, &m->groups[batch.group_count - 1], p->record);
	}
	return batch;
}
