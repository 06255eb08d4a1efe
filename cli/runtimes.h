/* Which adapter would move into a program, and what may keep it out, as far as that can be seen before it runs. */
#ifndef RM_CLI_RUNTIMES_H
#define RM_CLI_RUNTIMES_H

#include <stdio.h>

#include "base/env.h"

struct rm_program_look {
	const char *path;        /* the executable */
	const char *script;      /* that it is the interpreter of; empty: none */
	char *const *args;       /* behind the command */
	const char *libraries;   /* rm_libraries() */
	const struct rm_env *env;
};

/* Prints a note for each runtime with an adapter that is found. Files are untrusted: they are read, not run. */
void rm_say_adapters(const struct rm_program_look *look, FILE *out);

#endif
