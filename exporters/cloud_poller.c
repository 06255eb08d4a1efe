/* When metadata services are asked. Context: worker. */
#include "exporters/cloud_poller.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "exporters/cloud_facts.h"
#include "exporters/poller.h"

#define S_NS 1000000000ull
/* How long it is left alone after each of the tries that bring nothing. */
static const uint16_t rests_s[] = { 30, 300 };
enum { TRIES = 1 + sizeof(rests_s) / sizeof(rests_s[0]) };

struct rm_cloud_poller {
	struct rm_pipeline_driver driver;
	const struct rm_env *env;
	struct rm_pipeline *pipeline;
	enum rm_cloud_service service;
	unsigned tries;
	uint64_t due_ns; /* UINT64_MAX: all is done */
	_Alignas(8) char facts[RM_CLOUD_FACTS_BYTES];
};

struct rm_cloud_poller *rm_cloud_poller_open(const struct rm_env *env, const struct rm_pipeline_driver *driver,
					     struct rm_pipeline *pipeline)
{
	enum rm_cloud_service service = pipeline ? rm_cloud_service(env) : RM_CLOUD_SERVICE_NONE;
	struct rm_cloud_poller *p;

	if (service == RM_CLOUD_SERVICE_NONE || !(p = calloc(1, sizeof(*p))))
		return NULL;
	p->driver = *driver;
	p->env = env;
	p->pipeline = pipeline;
	p->service = service;
	return p;
}

static bool is_aborted(const struct rm_cloud_poller *p)
{
	return p->driver.abort && atomic_load(p->driver.abort);
}

uint64_t rm_cloud_poller_run(struct rm_cloud_poller *p)
{
	uint64_t now = rm_clock_mono_ns();
	struct rm_export_io io = rm_poller_io(&p->driver); /* for all answers */

	if (now < p->due_ns)
		return p->due_ns == UINT64_MAX ? UINT64_MAX : p->due_ns - now;
	if (rm_cloud_facts(p->env, p->service, &io, p->facts)) {
		rm_pipeline_tell(p->pipeline, (const struct rm_record *)p->facts);
		p->due_ns = UINT64_MAX;
	} else if (!is_aborted(p)) { /* else somebody waits for what is queued: that was no try */
		p->due_ns = ++p->tries < TRIES ? rm_clock_mono_ns() + rests_s[p->tries - 1] * S_NS : UINT64_MAX;
	}
	now = rm_clock_mono_ns();
	return p->due_ns == UINT64_MAX ? UINT64_MAX : p->due_ns > now ? p->due_ns - now : 0;
}

void rm_cloud_poller_close(struct rm_cloud_poller *p)
{
	free(p);
}
