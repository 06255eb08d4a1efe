/*
 * Who speaks: the resource record of this process (service, process, host, os, container, k8s,
 * telemetry.*). Spec: semantic conventions, docs/resource; OTEL_RESOURCE_ATTRIBUTES rules.
 */
#ifndef RM_AGENT_RESOURCE_H
#define RM_AGENT_RESOURCE_H

#include "agent/record.h"
#include "base/env.h"

enum { RM_ARGV_MAX = 8, RM_ARGV_BYTES = 1024 };

/* What is copied from argv before main, since programs overwrite it. */
struct rm_program {
	char exe[256];              /* readlink of /proc/self/exe when known, else argv[0] */
	char arg[RM_ARGV_BYTES];    /* the first RM_ARGV_MAX arguments, each NUL-terminated */
	uint32_t arg_count;
	uint32_t arg_offset[RM_ARGV_MAX];
};

/* Copies argv; no system call. Context: init. */
void rm_program_copy(struct rm_program *p, int argc, char *const *argv);

/*
 * The service name: OTEL_SERVICE_NAME, service.name in OTEL_RESOURCE_ATTRIBUTES, else from the
 * program: the script for interpreters (`python3 app.py` is "app", `python3 -m http.server` is
 * "http.server", `node dist/server.js` is "server", `gunicorn shop.wsgi:app` is "shop", `java -jar
 * x-1.2.jar` is "x", `java a.b.Main` is "Main", `php-fpm: ...` is "php-fpm"), else the executable. Context: any.
 */
struct rm_str rm_service_name(const struct rm_env *env, const struct rm_program *p, char *room, size_t cap);

/*
 * Builds the whole resource record into `memory` (8-byte aligned). Opens and reads a few files of
 * /proc, /sys and /etc through raw system calls, without libc. Returns its size, 0 if it does not fit. Context: hook
 * (once per process, at its first span), signal-safe.
 */
uint32_t rm_resource_build(const struct rm_env *env, const struct rm_program *p, void *memory, uint32_t cap);

#endif
