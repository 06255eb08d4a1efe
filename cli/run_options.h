/* The options of `remora run`. Those that are variables are set as such. */
#ifndef RM_CLI_RUN_OPTIONS_H
#define RM_CLI_RUN_OPTIONS_H

#include <stdbool.h>

struct rm_run_options {
	const char *json; /* the file; NULL: none. Borrowed of argv */
	bool tree, quiet, no_colour, logs;
};

/* Reads them. Returns -1 to go on, else the exit status. Afterwards argv[optind] is the command. */
int rm_run_options(struct rm_run_options *o, int argc, char **argv);

#endif
