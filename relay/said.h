/*
 * The log records of a trace, for its drawing: of each its first line, as far as there is room for it, and the span it
 * belongs to. Bounded: past the limit they are counted. Context of everything here: worker.
 */
#ifndef RM_RELAY_SAID_H
#define RM_RELAY_SAID_H

#include "agent/telemetry.h"

enum {
	RM_SAID_MAX = 20000,     /* of all traces that are kept */
	RM_SAID_TEXT_BYTES = 240, /* of a longer line the begin is kept */
};

struct rm_said {
	struct rm_said *next;
	uint64_t time_ns;
	uint8_t span_id[8];
	uint8_t severity;
	bool drawn;
	uint16_t bytes;
	char text[];
};

/* What a tree has of them. */
struct rm_said_stats {
	uint32_t kept;
	uint64_t all, of_no_trace, dropped;
};

/*
 * Makes one of a valid log record, in heap memory; counts it. NULL: it belongs to no trace, or there is no place for it.
 * Ownership: the caller gives a list of them back with rm_said_free.
 */
struct rm_said *rm_said_new(struct rm_said_stats *s, const struct rm_log *log);
void rm_said_free(struct rm_said_stats *s, struct rm_said *list);

/* Puts one into a list by time, the latest first: mostly that is the one that came last. */
void rm_said_insert(struct rm_said **list, struct rm_said *one);

/* The list from its other end. */
struct rm_said *rm_said_reversed(struct rm_said *list);

/* The name of a severity: "ERROR"; empty for none. */
const char *rm_said_severity(uint8_t number);

#endif
