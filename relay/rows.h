/*
 * From the spans of one trace to the lines of its drawing: finds parents, breaks cycles, orders.
 * Works on nodes by index as relay/tree.c keeps them. Context: worker.
 */
#ifndef RM_RELAY_ROWS_H
#define RM_RELAY_ROWS_H

#include "relay/tree.h"

enum rm_whole {
	RM_WHOLE,    /* every parent is there */
	RM_OUTSIDE,  /* the missing ones are in another process, perhaps one that we never see */
	RM_WAITING,  /* one is missing in the process of its child: it must still come */
};

/* How complete a trace is. */
enum rm_whole rm_rows_whole(const struct rm_node *nodes, const struct rm_trace *trace);

/* See rm_tree_rows. */
struct rm_row *rm_rows_make(const struct rm_node *nodes, const struct rm_trace *trace,
			    uint32_t *ret_count);

#endif
