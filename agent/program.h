/*
 * What the program is called: its arguments, copied before they are overwritten, and the name a
 * human would give it. Spec: none; OpenTelemetry only knows "unknown_service".
 */
#ifndef RM_AGENT_PROGRAM_H
#define RM_AGENT_PROGRAM_H

#include "base/str.h"

enum { RM_ARGV_MAX = 64, RM_ARG_BYTES = 256, RM_ARGV_BYTES = 4096 };

/* What is copied from argv before main, since programs overwrite it. */
struct rm_program {
	char exe[256];	    /* argv[0], or the path of the executable where it is known */
	bool other;	    /* not this process: it gets no pid and no path from /proc */
	uint32_t arg_count; /* argv[0] included */
	uint32_t arg_offset[RM_ARGV_MAX];
	char arg[RM_ARGV_BYTES]; /* the first RM_ARGV_MAX arguments, each NUL-terminated; last, as few fill it */
};

/*
 * Copies argv; no system call. Arguments are cut at RM_ARG_BYTES; those past RM_ARGV_MAX or
 * RM_ARGV_BYTES are left out. Context: init.
 */
void rm_program_copy(struct rm_program *p, int argc, char *const *argv);

/* An argument, empty past the end. Context: any. */
struct rm_str rm_program_arg(const struct rm_program *p, uint32_t i);

/* The executable without directories and without what follows ": " ("nginx: master" is "nginx"). */
struct rm_str rm_program_exe_name(const struct rm_program *p);

/* process.runtime.name of interpreters where the executable leaves no doubt, else empty. */
struct rm_str rm_program_runtime(const struct rm_program *p);

/*
 * The name for service.name, a slice of `p`: the script for interpreters (`python3 app.py` is
 * "app", `python3 -m http.server` is "http.server", `node dist/server.js` is "server", `gunicorn
 * shop.wsgi:app` is "shop", `java -jar x-1.2.jar` is "x", `java a.b.Main` is "Main", `php-fpm8.2`
 * is "php-fpm"), else the executable. Context: any.
 */
struct rm_str rm_program_name(const struct rm_program *p);

#endif
