/*
 * Where the records of all processes come together: each span goes to whatever is wanted of the tree (the
 * terminal), the JSON lines file and the pipeline (a backend). Any of them may be absent. So do log records; what
 * programs print is made into some here for the first two, and by the pipeline for itself.
 * Context of everything here: worker.
 */
#ifndef RM_RELAY_GATHER_H
#define RM_RELAY_GATHER_H

#include "agent/telemetry.h"
#include "base/segment.h"
#include "exporters/collect.h"
#include "exporters/pipeline.h"
#include "relay/jsonl.h"
#include "relay/tree.h"

struct rm_gather {
	struct rm_tree *tree;             /* may be NULL */
	struct rm_jsonl *json;            /* may be NULL */
	const struct rm_pipeline_api *api;
	struct rm_pipeline *pipeline;     /* may be NULL */
	unsigned exported;                /* signals that it takes: a bit for each */
	struct rm_collect *collect;       /* NULL: tree and file have no logs */
	struct rm_origin **origin;        /* by number, from 1 on */
	uint32_t origins, origin_cap;
	uint64_t spans, logs;             /* that came in */
	uint64_t crowded;                 /* spans that a queue had no room for */
	uint64_t lost[RM_LOST_COUNT];     /* as the processes counted */
	uint64_t killed;                  /* spans that were under way in processes that were killed */
	uint64_t broken;                  /* records that made no sense */
	uint64_t alone;                   /* processes that were not let in in time: they export by themselves */
};

/* One process, as its spans' resource. */
struct rm_origin {
	struct rm_record *resource; /* owned */
	uint32_t pipeline;          /* the pipeline's handle; 0 without one */
	uint32_t service;           /* the tree's handle */
	uint32_t number;            /* the collector's handle; 0 without one */
};

/* From now on tree and file, as far as they are there, have logs, too. Errors: RM_E_NOMEM. */
int rm_gather_want_logs(struct rm_gather *g, const struct rm_env *env);

/* Ends lines that waited long enough. Returns in how many ns there is more to do, UINT64_MAX: nothing waits. */
uint64_t rm_gather_run(struct rm_gather *g);

/* Frees what is the gather's own; all processes have left. */
void rm_gather_fini(struct rm_gather *g);

/*
 * Introduces a process. `resource` is a valid RM_RECORD_RESOURCE (copied).
 * Errors: RM_E_NOMEM, nothing is held.
 */
int rm_origin_init(struct rm_origin *o, struct rm_gather *g, const struct rm_record *resource);
void rm_origin_fini(struct rm_origin *o, struct rm_gather *g);

/* Takes one valid span record of a process (copied). */
void rm_gather_span(struct rm_gather *g, struct rm_origin *o, const struct rm_span *span);
/* A log record, or a piece of output that becomes some. */
void rm_gather_log(struct rm_gather *g, struct rm_origin *o, const struct rm_record *log);

/* False: a log that is taken now may well be dropped. */
bool rm_gather_has_room(const struct rm_gather *g);

/* Call when no more records of a process follow for now: writes its lines. */
void rm_gather_rest(struct rm_gather *g);

/* Adds what a process lost; only of one that is dead what was under way: others go on with it. */
void rm_gather_losses(struct rm_gather *g, struct rm_segment *of, bool dead);

/* How many spans processes counted as lost; not those whose parent link only was. */
uint64_t rm_gather_lost(const struct rm_gather *g);

#endif
