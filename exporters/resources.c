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
	struct rm_record *whole;  /* owned: the same with the facts; NULL: without */
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

/* ---- facts ---- */

static bool has_key(const struct rm_record *r, struct rm_str key)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr a;

	while (rm_attr_next(&it, &a))
		if (rm_str_eq(a.key, key))
			return true;
	return false;
}

/* Sets slot->whole: attributes are copied as they lie there, each a multiple of 8 bytes. */
static void make_whole(struct rm_resource_slot *slot, const struct rm_record *facts)
{
	struct rm_attr_iter it = rm_record_attrs(facts);
	const char *from = it.p;
	struct rm_record *whole = malloc(slot->record->bytes + facts->bytes);
	struct rm_attr a;

	if (!whole)
		return;
	memcpy(whole, slot->record, slot->record->bytes);
	for (; rm_attr_next(&it, &a); from = it.p) {
		uint32_t bytes = (uint32_t)(it.p - from);

		if (has_key(slot->record, a.key) || whole->attr_count == UINT16_MAX)
			continue;
		memcpy((char *)whole + whole->bytes, from, bytes);
		whole->bytes += bytes;
		whole->attr_count++;
	}
	free(slot->whole);
	slot->whole = whole;
}

void rm_resources_tell(struct rm_resources *r, const struct rm_record *facts)
{
	struct rm_record *copy = malloc(facts->bytes);

	if (!copy)
		return;
	memcpy(copy, facts, facts->bytes);
	free(r->facts);
	r->facts = copy;
	for (uint32_t i = 0; i < r->count; i++)
		if (r->slot[i].record)
			make_whole(&r->slot[i], facts);
}

/* ---- handles ---- */

static void forget(struct rm_resource_slot *s)
{
	free(s->record);
	free(s->whole);
	s->record = s->whole = NULL;
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
	if (r->facts)
		make_whole(&r->slot[handle - 1], r->facts);
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
	forget(s);
	s->next_free = r->free_slot;
	r->free_slot = handle;
}

const struct rm_record *rm_resources_record(const struct rm_resources *r, uint32_t handle)
{
	const struct rm_resource_slot *s = handle > 0 && handle <= r->count ? &r->slot[handle - 1] : NULL;

	return s && s->whole ? s->whole : s ? s->record : NULL;
}

void rm_resources_fini(struct rm_resources *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		forget(&r->slot[i]);
	free(r->facts);
	free(r->slot);
	*r = (struct rm_resources){ 0 };
}
