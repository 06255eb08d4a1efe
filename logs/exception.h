/*
 * The exception that a stack trace among the lines of an entry is of. Context: any, signal-safe.
 */
#ifndef RM_LOGS_EXCEPTION_H
#define RM_LOGS_EXCEPTION_H

#include "base/str.h"

/* Slices of the entry. */
struct rm_exception_found {
	struct rm_str type;
	struct rm_str message;	  /* may be empty */
	struct rm_str stacktrace; /* with type and message, as the runtime wrote it */
};

/* False: there is no stack trace, or none of a kind that is known. */
bool rm_exception_of(struct rm_str entry, struct rm_exception_found *ret);

#endif
