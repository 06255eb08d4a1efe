/*
 * Asks, once, what the platform says of where we run, and adds it to all resources: at the start, before the first batch is
 * due, and twice again where nobody answers. Context of all: worker.
 */
#ifndef RM_EXPORTERS_CLOUD_POLLER_H
#define RM_EXPORTERS_CLOUD_POLLER_H

#include "exporters/pipeline.h"

struct rm_cloud_poller;

/* NULL: nobody is to be asked. `env` and `pipeline` are borrowed. */
struct rm_cloud_poller *rm_cloud_poller_open(const struct rm_env *env, const struct rm_pipeline_driver *driver,
					     struct rm_pipeline *pipeline);

/* Asks if it is time. Returns ns until it will be; UINT64_MAX: never again. */
uint64_t rm_cloud_poller_run(struct rm_cloud_poller *p);
void rm_cloud_poller_close(struct rm_cloud_poller *p);

#endif
