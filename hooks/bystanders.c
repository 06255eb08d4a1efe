/* See bystanders.h. Of objects past the first 1024 nothing is remembered: they are always looked at. */
#include "hooks/bystanders.h"

#include "hooks/imports.h"

enum { PLACES = 1024 };

/* By place in the loader's list: objects that call none, and that define none. */
static uint64_t callers_not[PLACES / 64], definers_not[PLACES / 64];
static struct rm_objects_known known;
static uint32_t resets;

static void put_bit(uint64_t *bits, uint32_t place, bool set)
{
	uint64_t bit = 1ull << place % 64;

	bits[place / 64] = set ? bits[place / 64] | bit : bits[place / 64] & ~bit;
}

static void note(const struct rm_object *o, uint32_t place, void *arg)
{
	resets += place == 0;
	if (place >= PLACES)
		return;
	put_bit(callers_not, place, !rm_imports_calls(o));
	put_bit(definers_not, place, !rm_object_function(o, RM_OPENSSL_ANCHOR) && !rm_imports_defines(o));
}

struct rm_bystanders_known rm_bystanders_note(void)
{
	rm_objects_new(&known, note, NULL);
	return (struct rm_bystanders_known){ resets, known.count };
}

void rm_bystanders_definers(rm_object_fn fn, void *arg)
{
	rm_objects_chosen(&(struct rm_objects_choice){ definers_not, PLACES, 0 }, fn, arg);
}

void rm_bystanders_callers(uint32_t first, rm_object_fn fn, void *arg)
{
	rm_objects_chosen(&(struct rm_objects_choice){ callers_not, PLACES, first }, fn, arg);
}
