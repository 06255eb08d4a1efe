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
 * Follows `command` along PATH, interpreter lines, and what shell scripts and programs like env(1) start as far as their
 * text and `args` (what is behind the command, NULL at its end) say, to the executable that would run. Prints what it
 * finds, and what it could not look at. Returns true when that program, or those that it starts, can be instrumented.
 */
bool rm_inspect(const struct rm_inspector *in, const char *command, char *const *args);

#endif
