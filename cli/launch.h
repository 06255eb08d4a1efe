/* Programs that do no more than start another one, by name: env, timeout, tini; and which one, as their arguments say. */
#ifndef RM_CLI_LAUNCH_H
#define RM_CLI_LAUNCH_H

#include <stdbool.h>

/* Does the program at `path` do that, or start whatever it is told to, as make and xargs do? */
bool rm_is_launcher(const char *path);

/* Where in `args` (behind its own name) the command begins that it starts; NULL where they do not say. */
char *const *rm_launched(const char *path, char *const *args);

/* The program that makes the requests of `path`, which makes none itself (git); NULL: that is no such one. */
const char *rm_makes_requests_for(const char *path);

#endif
