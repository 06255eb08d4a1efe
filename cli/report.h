/* The last lines of `remora run`: how much was seen, and what of it was lost, and why. */
#ifndef RM_CLI_REPORT_H
#define RM_CLI_REPORT_H

#include "relay/gather.h"

/* Sums up the traces of a gather that has a tree. `command` is what was run, `sampled` its own trace. */
void rm_report_traces(const struct rm_gather *g, const char *command, bool sampled);

/* Says what is missing from the file of a gather that has no tree, by its name; nothing when all is well. */
void rm_report_file(const struct rm_gather *g, const char *path);

/* Says what a gather's pipeline did not deliver; nothing when all is well. */
void rm_report_undelivered(const struct rm_gather *g);

#endif
