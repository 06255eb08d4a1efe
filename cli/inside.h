/* What a program encrypts with that is inside itself. */
#ifndef RM_CLI_INSIDE_H
#define RM_CLI_INSIDE_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Prints a note when the program at `path` holds OpenSSL, and whether it is seen there, or rustls, or is a
 * Java machine, whose HTTPS is not. Returns whether some HTTPS is not seen. The file is untrusted: it is
 * read, not run.
 */
bool rm_say_tls_inside(const char *path, FILE *out);

#endif
