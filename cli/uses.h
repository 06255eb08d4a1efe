/* What a program is linked with, as far as that says what will be seen of it. */
#ifndef RM_CLI_USES_H
#define RM_CLI_USES_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Prints a note for AddressSanitizer and each TLS library that the dynamic program at `path`, or a library of its
 * own, is linked with. The system's dynamic linker is asked, which does not start the program; nothing is said where
 * `interp` is another one, or of libraries that are opened at run time. Returns whether some HTTPS is not seen.
 */
bool rm_say_libraries(const char *path, const char *interp, FILE *out);

#endif
