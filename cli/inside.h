/* What a program encrypts with that is inside itself, and which library is OpenSSL as it is known here. */
#ifndef RM_CLI_INSIDE_H
#define RM_CLI_INSIDE_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Prints a note when the program at `path` holds OpenSSL, and whether it is seen there, or what descends from
 * that, or rustls, or is a Java machine, whose HTTPS is not. Returns whether some HTTPS is not seen. The file is untrusted: it is
 * read, not run.
 */
bool rm_say_tls_inside(const char *path, FILE *out);

/* Whether the library at `path` has the names by which OpenSSL 1.1.1 and newer is told from others. Read as above. */
bool rm_is_openssl(const char *path);

#endif
