/* Where tokio is in a program: tables of functions that the compiler put into its data. */
#ifndef RM_ADAPTERS_TOKIO_PLACES_H
#define RM_ADAPTERS_TOKIO_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/objects.h"

/* The words of a task's table that are of interest: functions first, then offsets from the task's header. */
enum {
	RM_TOKIO_POLL = 0,
	RM_TOKIO_FUNCTIONS = 7,
	RM_TOKIO_TRAILER = 7, RM_TOKIO_SCHEDULER = 8, RM_TOKIO_ID = 9,
	RM_TOKIO_TABLE_WORDS = 10,
};

/* Those of a waker's. */
enum { RM_TOKIO_CLONE, RM_TOKIO_WAKE, RM_TOKIO_WAKE_BY_REF, RM_TOKIO_DROP, RM_TOKIO_WAKER_WORDS };

/* More kinds of tasks than this, and the program is left alone. */
enum { RM_TOKIO_TABLES_MAX = 1024, RM_TOKIO_WAKERS_MAX = 128 };

struct rm_tokio_places {
	uintptr_t *tables[RM_TOKIO_TABLES_MAX];
	uintptr_t *wakers[RM_TOKIO_WAKERS_MAX];
	unsigned table_count, waker_count;
	uintptr_t *memalign, *malloc; /* the program's slots of posix_memalign and malloc; NULL: it has none */
	bool too_many;
};

/*
 * Looks for them in one object, whose `ret` is zeroed. Reads what is mapped of it only. Context: any.
 */
void rm_tokio_find(const struct rm_object *o, struct rm_tokio_places *ret);

#endif
