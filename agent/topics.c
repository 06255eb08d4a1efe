/*
 * See topics.h. A table with open addressing: who finds a place empty claims it, writes it once, and publishes it. Names lie one
 * behind the other. Nothing is ever changed or taken out, so who reads needs no lock.
 *
 * Owns: the table, mapped when the first name comes. Runs in hooks, also in signal handlers: one that interrupts the writing of a
 * place takes the next. A fork in the middle of that leaves the place unpublished in the child, which costs that place.
 */
#include "agent/topics.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"

enum { PLACES = 512, TRIES = 16, TEXT_BYTES = 24 * 1024 };

/* Of a place: nobody's, or part of the id whose it is, and whether it may be read. */
enum { EMPTY = 0, PUBLISHED = 1 };

struct topic {
	_Atomic uint32_t state;
	uint8_t id[RM_TOPIC_ID_BYTES];
	uint16_t at, bytes; /* of its name */
};

struct table {
	struct topic topics[PLACES];
	_Atomic uint32_t text_bytes;
	char text[TEXT_BYTES];
};

_Static_assert(TEXT_BYTES <= UINT16_MAX, "rm_topic.at");

static _Atomic(struct table *) table;

static struct table *make_table(void)
{
	struct table *all = rm_memory_get(sizeof(*all)), *none = NULL;

	if (all && !atomic_compare_exchange_strong(&table, &none, all)) {
		rm_memory_put(all, sizeof(*all));
		all = none;
	}
	return all;
}

/* Where to look first, and then behind it. Ids are random, or as good. */
static uint32_t first_place(const uint8_t *id)
{
	uint32_t v;

	memcpy(&v, id + RM_TOPIC_ID_BYTES - sizeof(v), sizeof(v));
	return v;
}

/* A place that is claimed for this id. */
static uint32_t claimed(const uint8_t *id)
{
	return (first_place(id) | 2) & ~(uint32_t)PUBLISHED;
}

static bool is_of(const struct topic *t, uint32_t state, const uint8_t *id)
{
	return state == (claimed(id) | PUBLISHED) && memcmp(t->id, id, RM_TOPIC_ID_BYTES) == 0;
}

static struct topic *find(struct table *all, const uint8_t *id)
{
	for (uint32_t i = 0, first = first_place(id); i < TRIES; i++) {
		struct topic *t = &all->topics[(first + i) % PLACES];
		uint32_t state = atomic_load_explicit(&t->state, memory_order_acquire);

		if (state == EMPTY)
			return NULL;
		if (is_of(t, state, id))
			return t;
	}
	return NULL;
}

/* Room for a name. False: there is none left. */
static bool take_text(struct table *all, size_t bytes, uint32_t *ret_at)
{
	uint32_t at = atomic_load(&all->text_bytes);

	do {
		if (bytes > TEXT_BYTES - at)
			return false;
	} while (!atomic_compare_exchange_weak(&all->text_bytes, &at, at + (uint32_t)bytes));
	*ret_at = at;
	return true;
}

void rm_topics_add(const uint8_t id[RM_TOPIC_ID_BYTES], struct rm_str name)
{
	struct table *all = atomic_load_explicit(&table, memory_order_acquire);

	all = all ? all : make_table();
	if (!all || find(all, id))
		return;
	for (uint32_t i = 0, first = first_place(id), at; i < TRIES; i++) {
		struct topic *t = &all->topics[(first + i) % PLACES];
		uint32_t state = EMPTY;

		if (!atomic_compare_exchange_strong(&t->state, &state, claimed(id))) {
			/* Somebody else who was told the same is just writing it, or has written it since we looked. */
			if (state == claimed(id) || is_of(t, state, id))
				return;
			continue;
		}
		if (!take_text(all, name.n, &at))
			return;
		memcpy(t->id, id, RM_TOPIC_ID_BYTES);
		memcpy(all->text + at, name.p, name.n);
		t->at = (uint16_t)at;
		t->bytes = (uint16_t)name.n;
		atomic_store_explicit(&t->state, claimed(id) | PUBLISHED, memory_order_release);
		return;
	}
}

struct rm_str rm_topics_find(const uint8_t id[RM_TOPIC_ID_BYTES])
{
	struct table *all = atomic_load_explicit(&table, memory_order_acquire);
	const struct topic *t = all ? find(all, id) : NULL;

	return t ? (struct rm_str){ all->text + t->at, t->bytes } : (struct rm_str){ 0 };
}
