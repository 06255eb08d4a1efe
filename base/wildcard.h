/* Patterns with `*` (any run) and `?` (any one byte), as AWS uses them. */
#ifndef RM_BASE_WILDCARD_H
#define RM_BASE_WILDCARD_H

#include "base/str.h"

/*
 * True when all of `text` is what `pattern` says; ASCII letters are compared without case. Time is
 * at most the product of both lengths. Context: any, signal-safe.
 */
bool rm_wildcard(struct rm_str pattern, struct rm_str text);

#endif
