/*
 * Who speaks: the resource record of this process (service, process, host, os, container, k8s,
 * telemetry.*). Spec: semantic conventions, docs/resource; OTEL_RESOURCE_ATTRIBUTES rules.
 */
#ifndef RM_AGENT_RESOURCE_H
#define RM_AGENT_RESOURCE_H

#include "agent/program.h"
#include "agent/record.h"
#include "base/env.h"

/*
 * The service name: OTEL_SERVICE_NAME, service.name in OTEL_RESOURCE_ATTRIBUTES, else
 * rm_program_name. Ownership: a slice of `env`, `p` or `room`. Context: any.
 */
struct rm_str rm_service_name(const struct rm_env *env, const struct rm_program *p, char *room,
			     size_t cap);

/*
 * Builds the whole resource record into `memory` (8-byte aligned). Opens and reads a few files of
 * /proc and /etc through raw system calls, without libc. What does not fit is left out, the least
 * important last. Returns its size, 0 without memory. Context: hook (once per process, at its
 * first span), signal-safe.
 */
uint32_t rm_resource_build(const struct rm_env *env, const struct rm_program *p, void *memory,
			   uint32_t cap);

#endif
