/* What a program is linked with, as far as that says what will be seen of it. */
#ifndef RM_CLI_USES_H
#define RM_CLI_USES_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * The list of libraries that the dynamic program at `path`, or a library of its own, is linked with, as ld.so(8) writes
 * it. The system's dynamic linker is asked, which does not start the program; empty where `interp` is another one. What is
 * opened at run time is not in it. Ownership: valid until the next call.
 */
const char *rm_libraries(const char *path, const char *interp);

/* Prints a note for AddressSanitizer and each TLS library in such a list. Returns whether some TLS is not seen. */
bool rm_say_libraries(const char *path, const char *list, FILE *out);

/* The path of the first library in it whose name begins so. */
bool rm_library_path(const char *list, const char *begin, char ret[PATH_MAX]);

#endif
