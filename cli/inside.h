/* What a program encrypts with that is inside itself, and which library is OpenSSL as it is known here. */
#ifndef RM_CLI_INSIDE_H
#define RM_CLI_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A file in memory. What is in it may be cut or wrong: nothing is trusted. */
struct rm_file {
	const char *p; /* NULL: it cannot be read, or is empty */
	size_t n;
};

void rm_file_open(const char *path, struct rm_file *ret);
void rm_file_close(const struct rm_file *f);

/* Is it an object that exports a function or datum of that name? */
bool rm_file_exports(const struct rm_file *f, const char *name);

/*
 * Prints a note when the program at `path` holds OpenSSL, and whether it is seen there, or what descends from
 * that, or rustls, or is a Java machine, whose own is. Returns whether some TLS is not seen. The file is untrusted: it is
 * read, not run.
 */
bool rm_say_tls_inside(const char *path, FILE *out);

/* Whether the library at `path` has the names by which OpenSSL 1.1.1 and newer is told from others. Read as above. */
bool rm_is_openssl(const char *path);

#endif
