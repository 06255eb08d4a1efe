/* All that is asked. Context: worker. */
#include "exporters/poller.h"

#include <stdlib.h>

#include "base/clock.h"
#include "exporters/cloud_poller.h"
#include "exporters/xray_poller.h"

#define PATIENCE_NS 2000000000ull

struct rm_poller {
	struct rm_xray_poller *xray;   /* NULL: no rules are wanted */
	struct rm_cloud_poller *cloud; /* NULL: nobody is to be asked */
};

void rm_poller_close(struct rm_poller *p)
{
	if (p->xray)
		rm_xray_poller_close(p->xray);
	if (p->cloud)
		rm_cloud_poller_close(p->cloud);
	free(p);
}

struct rm_poller *rm_poller_open(const struct rm_env *env, const struct rm_pipeline_driver *driver, struct rm_rules *rules,
				 struct rm_pipeline *pipeline)
{
	struct rm_poller *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->xray = rm_xray_poller_open(env, driver, rules);
	p->cloud = rm_cloud_poller_open(env, driver, pipeline);
	if (p->xray || p->cloud)
		return p;
	rm_poller_close(p);
	return NULL;
}

uint64_t rm_poller_run(struct rm_poller *p)
{
	uint64_t cloud = p->cloud ? rm_cloud_poller_run(p->cloud) : UINT64_MAX;
	uint64_t xray = p->xray ? rm_xray_poller_run(p->xray) : UINT64_MAX;

	return cloud < xray ? cloud : xray;
}

struct rm_export_io rm_poller_io(const struct rm_pipeline_driver *driver)
{
	return (struct rm_export_io){ .deadline_ns = rm_clock_mono_ns() + PATIENCE_NS, .abort = driver->abort,
				      .idle = driver->idle, .idle_arg = driver->arg };
}
