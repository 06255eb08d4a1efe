/*
 * Which lines go on with those before: stack traces of the runtimes, and messages of several lines that a logger
 * wrote in one call. Follows an entry line by line. Context: any, signal-safe.
 */
#ifndef RM_LOGS_SHAPE_H
#define RM_LOGS_SHAPE_H

#include "base/str.h"

struct rm_shape {
	uint8_t in;  /* enum of shape.c: what the last lines are part of */
	bool headed; /* the first line begins as loggers begin theirs */
	bool dated;  /* it is the first of the two that java.util.logging writes */
};

/* What the next line may be told by, beside its text. */
struct rm_shape_hint {
	bool behind_blank; /* an empty line stands before it */
	bool same_call;    /* a call that wrote of the entry wrote of this line, too */
};

/* The entry begins with this line. */
void rm_shape_begin(struct rm_shape *s, struct rm_str line);

/* True when the line, which is not empty, goes on with the entry. */
bool rm_shape_continues(const struct rm_shape *s, struct rm_str line, struct rm_shape_hint hint);

/* The line became a part of it. */
void rm_shape_add(struct rm_shape *s, struct rm_str line);

#endif
