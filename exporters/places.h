/*
 * Stacks whose functions were not looked up where they were taken, as the program would have had to wait for that: they are,
 * before the record is queued. Also in a process that is not the one that the stack is of. Context: worker.
 */
#ifndef RM_EXPORTERS_PLACES_H
#define RM_EXPORTERS_PLACES_H

#include "agent/telemetry.h"
#include "stack/places.h"

enum { RM_PLACES_KNOWN = 512 };

/* Zeroed: nothing is known. */
struct rm_places {
	struct rm_symbols *symbols;
	struct {
		char *line, *named; /* before: with the build id; after: NULL where there is no function */
	} known[RM_PLACES_KNOWN];
};

/*
 * A copy of a valid record (a span, a log) with functions in its stacks; NULL where none is missing, or there is no
 * memory. Ownership: returned, for free().
 */
struct rm_record *rm_places_name(struct rm_places *p, const struct rm_record *record);

void rm_places_fini(struct rm_places *p);

#endif
