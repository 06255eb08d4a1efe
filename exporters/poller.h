/*
 * What is asked while a program runs, beside the batches of the pipeline: X-Ray's sampling rules, where we run. Opened
 * through the table of exporters/pipeline.h. Context of everything here: worker.
 */
#ifndef RM_EXPORTERS_POLLER_H
#define RM_EXPORTERS_POLLER_H

#include "agent/exporter.h"
#include "exporters/pipeline.h"

struct rm_poller *rm_poller_open(const struct rm_env *env, const struct rm_pipeline_driver *driver, struct rm_rules *rules,
				 struct rm_pipeline *pipeline);
uint64_t rm_poller_run(struct rm_poller *p);
void rm_poller_close(struct rm_poller *p);

/* How one question is asked: it is answered in two seconds, or not. */
struct rm_export_io rm_poller_io(const struct rm_pipeline_driver *driver);

#endif
