/*
 * A growing array of counted copies; free places are linked through it. Equal records are found by
 * a hash first: looking happens once in the life of a process. Context: worker.
 */
#include "exporters/resources.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 8 };

struct rm_resource_slot {
	struct rm_record *record; /* owned; NULL: the place is free */
	uint64_t hash;
	uint32_t references;
	uint32_t next_free; /* handle, 0 at the end */
};

/* FNV-1a. */
static uint64_t hash_of(const struct rm_record *r)
{
	const uint8_t *p = (const uint8_t *)r;
	uint64_t h = 0xcbf29ce484222325;

	for (uint32_t i = 0; i < r->bytes; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

static uint32_t find(const struct rm_resources *r, const struct rm_record *record, uint64_t hash)
{
	for (uint32_t i = 0; i < r->count; i++) {
		const struct rm_resource_slot *s = &r->slot[i];

		if (s->record && s->hash == hash && s->record->bytes == record->bytes &&
		    memcmp(s->record, record, record->bytes) == 0)
			return i + 1;
	}
	return 0;
}

/* Handle of a place that is free; 0 if there is none and no memory for one. */
static uint32_t take_place(struct rm_resources *r)
{
	uint32_t handle = r->free_slot;

	if (handle) {
		r->free_slot = r->slot[handle - 1].next_free;
		return handle;
	}
	if (r->count == RM_RESOURCES_MAX)
		return 0;
	if (r->count == r->cap) {
		uint32_t cap = r->cap ? 2 * r->cap : FIRST_CAP;
		struct rm_resource_slot *grown = realloc(r->slot, cap * sizeof(*grown));

		if (!grown)
			return 0;
		r->slot = grown;
		r->cap = cap;
	}
	return ++r->count;
}

uint32_t rm_resources_get(struct rm_resources *r, const struct rm_record *record)
{
	uint64_t hash = hash_of(record);
	uint32_t handle = find(r, record, hash);
	struct rm_record *copy;

	if (handle) {
		r->slot[handle - 1].references++;
		return handle;
	}
	copy = malloc(record->bytes);
	handle = copy ? take_place(r) : 0;
	if (!handle) {
		free(copy);
		return 0;
	}
	memcpy(copy, record, record->bytes);
	r->slot[handle - 1] = (struct rm_resource_slot){ .record = copy,
							 .hash = hash,
							 .references = 1 };
	return handle;
}

void rm_resources_hold(struct rm_resources *r, uint32_t handle)
{
	r->slot[handle - 1].references++;
}

void rm_resources_put(struct rm_resources *r, uint32_t handle)
{
	struct rm_resource_slot *s;

	if (!rm_resources_record(r, handle))
		return;
	s = &r->slot[handle - 1];
	if (--s->references > 0)
		return;
	free(s->record);
	s->record = NULL;
	s->next_free = r->free_slot;
	r->free_slot = handle;
}

const struct rm_record *rm_resources_record(const struct rm_resources *r, uint32_t handle)
{
	return handle > 0 && handle <= r->count ? r->slot[handle - 1].record : NULL;
}

void rm_resources_fini(struct rm_resources *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		free(r->slot[i].record);
	free(r->slot);
	*r = (struct rm_resources){ 0 };
}
