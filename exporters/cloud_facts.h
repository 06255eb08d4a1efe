/*
 * What the platform's metadata service says of where the process runs: a container's of ECS (version 4), an instance's of
 * EC2 (version 2). Nobody else is asked, and no address that may be a stranger's. Context of all: worker.
 * Spec: semantic conventions, docs/resource/cloud.md, host.md, container.md and cloud-provider/aws; Amazon ECS developer guide,
 * "Task metadata endpoint version 4"; Amazon EC2 user guide, "Instance identity documents".
 */
#ifndef RM_EXPORTERS_CLOUD_FACTS_H
#define RM_EXPORTERS_CLOUD_FACTS_H

#include "agent/exporter.h"
#include "agent/record.h"

enum rm_cloud_service { RM_CLOUD_SERVICE_NONE, RM_CLOUD_SERVICE_ECS, RM_CLOUD_SERVICE_EC2 };

/* Whom to ask. It reads a few files of /sys. */
enum rm_cloud_service rm_cloud_service(const struct rm_env *env);

enum { RM_CLOUD_FACTS_BYTES = 8 * 1024 };

/*
 * Asks, for a second an answer. Returns the size of the resource record written to `memory`, RM_CLOUD_FACTS_BYTES of it,
 * 8-byte aligned; 0: there was no answer, or none that says anything.
 */
uint32_t rm_cloud_facts(const struct rm_env *env, enum rm_cloud_service service, const struct rm_export_io *io, void *memory);

#endif
