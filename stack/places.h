/*
 * Functions for the lines of a stack that was written without them: "    at ?? (/path/of/module+0x1234)", with the build
 * id of the module below. For whoever has time, in this process or another one. Context of all: worker.
 */
#ifndef RM_STACK_PLACES_H
#define RM_STACK_PLACES_H

#include "base/strbuf.h"
#include "stack/symbols.h"

/* Slices of the text. */
struct rm_place {
	struct rm_str path, build_id; /* the latter in hex */
	uint64_t at;		      /* address in the file */
};

/* Reads a line of `text`, without its end. False: it tells no such place, or the text has no build id for it. */
bool rm_place_read(struct rm_str text, struct rm_str line, struct rm_place *ret);

/*
 * Writes the line with its function, as rm_stack_write does, without its end. False: the file is not that of the build id, or no
 * symbol covers the place.
 */
bool rm_place_write(struct rm_symbols *s, const struct rm_place *p, struct rm_strbuf *out);

#endif
