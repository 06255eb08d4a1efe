/*
 * The resources that spans belong to, each kept once: a relay has one for each process, and
 * processes come and go. Handles are small numbers from 1. Context of everything here: worker.
 */
#ifndef RM_EXPORTERS_RESOURCES_H
#define RM_EXPORTERS_RESOURCES_H

#include "agent/telemetry.h"

enum { RM_RESOURCES_MAX = 65536 };

struct rm_resources {
	struct rm_resource_slot *slot; /* handle - 1 is the index */
	uint32_t count, cap;
	uint32_t free_slot; /* handle of the first free one, 0 if none */
	struct rm_record *facts; /* what rm_resources_tell was told; NULL: nothing yet */
};

/*
 * Copies a valid resource record, or finds an equal one, and takes a reference.
 * Errors: 0 when there is no memory, or RM_RESOURCES_MAX are in use.
 */
uint32_t rm_resources_get(struct rm_resources *r, const struct rm_record *record);

/* One reference more to, or less from, a handle; with the last one the record is freed. */
void rm_resources_hold(struct rm_resources *r, uint32_t handle);
void rm_resources_put(struct rm_resources *r, uint32_t handle);

/*
 * Takes what is known by now of where all of them are, a resource record (copied): each record, also of those to come, has
 * the attributes of it that it did not have. Without memory nothing changes.
 */
void rm_resources_tell(struct rm_resources *r, const struct rm_record *facts);

/* The record of a handle, with the facts; NULL when it names none. */
const struct rm_record *rm_resources_record(const struct rm_resources *r, uint32_t handle);

/* Frees everything, whoever still holds it. */
void rm_resources_fini(struct rm_resources *r);

#endif
