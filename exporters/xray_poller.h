/*
 * Fetches X-Ray's sampling rules through the TCP port of its daemon (or another proxy that signs), and tells how many
 * requests fell under each. See exporters/poller.h. Context of everything here: worker.
 */
#ifndef RM_EXPORTERS_XRAY_POLLER_H
#define RM_EXPORTERS_XRAY_POLLER_H

#include "exporters/pipeline.h"

struct rm_xray_poller;

/* NULL: nothing is to be fetched. `rules` is borrowed, and may be NULL. */
struct rm_xray_poller *rm_xray_poller_open(const struct rm_env *env, const struct rm_pipeline_driver *driver,
				      struct rm_rules *rules);
uint64_t rm_xray_poller_run(struct rm_xray_poller *p);
void rm_xray_poller_close(struct rm_xray_poller *p);

#endif
