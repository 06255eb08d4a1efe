/*
 * Scripts: which interpreter one names, and what a shell script hands over to, as far as its text says that. Files are
 * untrusted: what is returned has no control characters, as it will be shown.
 */
#ifndef RM_CLI_SCRIPT_H
#define RM_CLI_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	RM_SCRIPT_LINE_BYTES = 256, /* as the kernel: fs/exec.c, BINPRM_BUF_SIZE */
	RM_SCRIPT_WORD_BYTES = 256,
};

/*
 * Reads the interpreter line of a script into `line`. Returns the interpreter's name (a path, or for env(1) a command),
 * NULL when the file is no script. Text without such a line is one for /bin/sh: execvp(3).
 */
const char *rm_script_interpreter(const char *path, char line[RM_SCRIPT_LINE_BYTES]);

/* Is the program of this name or path a shell? */
bool rm_script_is_shell(const char *name);

enum rm_handover {
	RM_HANDOVER_NONE,      /* no exec in it: it starts what it starts as its children */
	RM_HANDOVER_PROGRAM,   /* exec of one program, which it names */
	RM_HANDOVER_ARGUMENTS, /* exec "$@": of what its own arguments name */
	RM_HANDOVER_UNKNOWN,   /* of several, or of one that is chosen when it runs */
};

/* What a shell script ends as; the program's name, of RM_HANDOVER_PROGRAM, goes to `ret`. */
enum rm_handover rm_script_handover(const char *path, char ret[RM_SCRIPT_WORD_BYTES]);

/* The text of a regular file, `cap` - 1 bytes at most, NUL-terminated. Returns its length; 0 where nothing can be read. */
size_t rm_script_text(const char *path, char *ret, size_t cap);

#endif
