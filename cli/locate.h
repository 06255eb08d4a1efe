/* Where files are: the preloaded object that belongs to this remora, and commands along PATH. */
#ifndef RM_CLI_LOCATE_H
#define RM_CLI_LOCATE_H

#include <limits.h>

/*
 * Finds libremora.so: beside us in a build folder, else where this remora was installed.
 * Errors: RM_E_GONE, no readable file there; RM_E_INVALID, its path holds a character that
 * LD_PRELOAD cannot carry. `ret` then holds the last path tried.
 */
int rm_locate_library(char ret[PATH_MAX]);

/*
 * What LD_PRELOAD is to name for that library: with "$LIB", which ld.so replaces by the library folder
 * of each process, where an object for 32-bit programs lies beside ours; else the library itself.
 */
void rm_locate_preload(const char *library, char ret[PATH_MAX]);

/*
 * Finds a command as execvp(3) does: by PATH unless it has a slash. Errors: RM_E_GONE, no such
 * file; RM_E_INVALID, a file that may not be executed.
 */
int rm_locate_command(const char *name, char ret[PATH_MAX]);

/* The last part of a path. */
const char *rm_base_name(const char *path);

#endif
