/*
 * Spans become traces: kept compactly until a trace is finished or the run is over, then put in
 * the order in which a tree is drawn. Memory is bounded: past the limit spans are counted, not
 * kept. Span contents come from other processes and may lie about ids, parents and times: cycles,
 * duplicates and missing parents all give a finite, complete drawing.
 * Context of everything here: worker.
 */
#ifndef RM_RELAY_TREE_H
#define RM_RELAY_TREE_H

#include "relay/said.h"

enum {
	RM_TREE_SPANS_MAX = 100000,
	RM_TREE_TEXT_BYTES_MAX = 4 * 1024 * 1024, /* of all different names; more become "..." */
	RM_TREE_PLACE_BYTES = 63, /* of a longer one the begin is kept */
};

struct rm_node {
	uint8_t span_id[8], parent_id[8];
	uint64_t start_ns, end_ns;
	uint32_t service, name, error; /* handles of texts; 0 is the empty text */
	uint32_t next;                 /* of the same trace, or of the free list; 0 ends */
	uint16_t http_status;          /* 0: none */
	uint8_t kind, status, bits;
	uint8_t place_bytes;
	char place[RM_TREE_PLACE_BYTES]; /* the path that was asked for, of a client with the host; no query */
};

struct rm_trace {
	uint8_t id[16];
	struct rm_trace *next;  /* of the same hash bucket */
	struct rm_trace *later; /* in the list that rm_tree_take gives */
	uint32_t first, count;
	uint64_t start_ns, end_ns; /* earliest and latest of its spans */
	uint64_t heard_ns;         /* rm_clock_mono_ns() of the last arrival */
	bool held;
	struct rm_said *said;      /* the latest first; by time once the trace is taken out */
};

/* One line of a drawn trace. */
struct rm_row {
	const struct rm_node *node; /* NULL: a parent that we have no span of */
	uint8_t missing[8];         /* then, its id */
	uint32_t depth;
	bool last;                  /* no more siblings below it */
};

struct rm_tree;

struct rm_tree_stats {
	uint64_t traces, spans, dropped;
	uint32_t services;
	uint32_t longest_search; /* steps, of all that were made in its hash tables */
	struct rm_said_stats said;
};

/* Errors: NULL, no memory. */
struct rm_tree *rm_tree_new(uint32_t max_spans);
void rm_tree_free(struct rm_tree *t);

/* The handle of a text, for as long as the tree. Equal texts have equal handles. */
uint32_t rm_tree_text(struct rm_tree *t, struct rm_str text);

/* The text of a handle. Ownership: borrowed until the next text is added. */
struct rm_str rm_tree_text_of(const struct rm_tree *t, uint32_t handle);

/*
 * Adds a valid span record that arrived at `now_ns` (monotonic).
 * Errors: RM_E_FULL or RM_E_NOMEM, counted as dropped.
 */
int rm_tree_add(struct rm_tree *t, uint32_t service, const struct rm_span *span, uint64_t now_ns);

/* Adds a valid log record, to the trace that it belongs to. */
void rm_tree_say(struct rm_tree *t, const struct rm_log *log, uint64_t now_ns);

/* Keeps a trace from counting as finished before the end: its root is still running. */
void rm_tree_hold(struct rm_tree *t, const uint8_t trace_id[16]);

/*
 * Takes out the traces that are finished: nothing came for `quiet_ns` (some times longer when a
 * parent lies in a process that we have no span of), and no span waits for a parent in its own
 * process. With quiet_ns 0: all of them. Returns a list by start time, linked by `later`.
 * Ownership: the caller gives each back with rm_tree_put.
 */
struct rm_trace *rm_tree_take(struct rm_tree *t, uint64_t now_ns, uint64_t quiet_ns);
void rm_tree_put(struct rm_tree *t, struct rm_trace *trace);

/*
 * The lines of a trace, roots and siblings by start time, children below their parent.
 * Ownership: the caller frees the array. Errors: NULL, no memory.
 */
struct rm_row *rm_tree_rows(const struct rm_tree *t, const struct rm_trace *trace,
			    uint32_t *ret_count);

void rm_tree_stats(const struct rm_tree *t, struct rm_tree_stats *ret);

#endif
