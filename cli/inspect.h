/*
 * Whether a program can be instrumented by a preloaded object, and if not why: the judgement
 * behind `remora check`, and what `remora run` says when nothing came.
 */
#ifndef RM_CLI_INSPECT_H
#define RM_CLI_INSPECT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/env.h"

struct rm_inspector {
	const struct rm_env *env; /* for REMORA_ALLOW and the like */
	uid_t uid;                /* who would run the program */
	gid_t gid;
	FILE *out;                /* one line per finding: "yes: ", "no: " or "note: " */
};

/*
 * Follows `command` along PATH and interpreter lines to the executable that would run, and prints
 * what it finds. Returns true when that program, or those that it starts, can be instrumented.
 */
bool rm_inspect(const struct rm_inspector *in, const char *command);

#endif
