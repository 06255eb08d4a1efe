/*
 * Where the spans of all processes come together: each goes to whatever is wanted of the tree (the
 * terminal), the JSON lines file and the pipeline (a backend). Any of them may be absent.
 * Context of everything here: worker.
 */
#ifndef RM_RELAY_GATHER_H
#define RM_RELAY_GATHER_H

#include "agent/telemetry.h"
#include "base/segment.h"
#include "exporters/pipeline.h"
#include "relay/jsonl.h"
#include "relay/tree.h"

struct rm_gather {
	struct rm_tree *tree;             /* may be NULL */
	struct rm_jsonl *json;            /* may be NULL */
	const struct rm_pipeline_api *api;
	struct rm_pipeline *pipeline;     /* may be NULL */
	uint64_t spans;                   /* that came in */
	uint64_t lost[RM_LOST_COUNT];     /* as the processes counted */
	uint64_t broken;                  /* records that made no sense */
};

/* One process, as its spans' resource. */
struct rm_origin {
	struct rm_record *resource; /* owned */
	uint32_t pipeline;          /* the pipeline's handle; 0 without one */
	uint32_t service;           /* the tree's handle */
};

/*
 * Introduces a process. `resource` is a valid RM_RECORD_RESOURCE (copied).
 * Errors: RM_E_NOMEM, nothing is held.
 */
int rm_origin_init(struct rm_origin *o, struct rm_gather *g, const struct rm_record *resource);
void rm_origin_fini(struct rm_origin *o, struct rm_gather *g);

/* Takes one valid span record of a process (copied). */
void rm_gather_span(struct rm_gather *g, struct rm_origin *o, const struct rm_span *span);

/* Call when no more spans of `o` follow for now, and before rm_origin_fini: writes its line. */
void rm_gather_rest(struct rm_gather *g, struct rm_origin *o);

/* How many spans processes counted as lost; not those whose parent link only was. */
uint64_t rm_gather_lost(const struct rm_gather *g);

#endif
