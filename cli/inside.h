/* What a program encrypts with that is inside itself. */
#ifndef RM_CLI_INSIDE_H
#define RM_CLI_INSIDE_H

#include <stdio.h>

/*
 * Prints a note when the program at `path` holds OpenSSL, and whether it is seen there, or rustls, or is a
 * Java machine, whose HTTPS is not. The file is untrusted: it is read, not run.
 */
void rm_say_tls_inside(const char *path, FILE *out);

#endif
