/*
 * Draws traces as text: one line per span with branches, service, name, kind, errors, a bar that
 * shows when in the trace it ran, and its duration. What comes from spans is made harmless for a
 * terminal. Context of everything here: worker.
 */
#ifndef RM_RELAY_VIEW_H
#define RM_RELAY_VIEW_H

#include <stdio.h>

#include "relay/tree.h"

struct rm_view {
	bool colour;
	bool utf8;
	unsigned columns;
};

/*
 * Looks at the terminal behind `fd` and at NO_COLOR, TERM, LC_ALL, LC_CTYPE, LANG: colours only on
 * a terminal and unless `no_colour`, branches in UTF-8 only where the locale has it.
 */
void rm_view_init(struct rm_view *v, int fd, bool no_colour);

/* Writes one trace. */
void rm_view_trace(const struct rm_view *v, const struct rm_tree *t, const struct rm_trace *trace,
		   FILE *out);

/* Writes a duration as people read it, at most 11 bytes: "850 us", "12.3 ms", "1.24 s", "3 m 07 s". */
void rm_view_duration(uint64_t ns, bool utf8, char *ret, size_t cap);

#endif
