/*
 * Drives remora-export.so as the agent's worker does, without an agent: opens it with the settings
 * of its own environment, pushes sample spans, and prints what became of them as one JSON object.
 *
 *   export_probe OBJECT SPANS FLUSH_MS [RUN_MS]
 *
 * With RUN_MS the pipeline first runs that long, with its batches, delays and back-off.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "exporters/pipeline.h"
#include "tests/unit/sample_batch.h"

#define MS_NS 1000000ull

extern char **environ;

static struct rm_env env;
static struct sample sample;
static unsigned long idles;

static void on_idle(void *arg)
{
	idles++;
}

static void on_warning(const struct rm_env_row *row, struct rm_str value, const char *reason)
{
	fprintf(stderr, "%s %s\n", row->name, reason);
}

static const struct rm_pipeline_api *open_object(const char *path)
{
	const struct rm_pipeline_api *(*get)(uint32_t);
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!object) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	*(void **)&get = dlsym(object, RM_EXPORT_SYMBOL);
	return get ? get(RM_EXPORT_ABI) : NULL;
}

static void run(const struct rm_pipeline_api *api, struct rm_pipeline *p, uint64_t ms)
{
	uint64_t end = rm_clock_mono_ns() + ms * MS_NS;

	for (uint64_t now = rm_clock_mono_ns(); now < end; now = rm_clock_mono_ns()) {
		uint64_t due = api->run(p);

		if (due > end - now)
			due = end - now;
		nanosleep(&(struct timespec){ due / 1000000000, due % 1000000000 }, NULL);
	}
}

int main(int argc, char **argv)
{
	struct rm_pipeline_driver driver = { on_idle, NULL, NULL };
	const struct rm_pipeline_api *api;
	struct rm_pipeline_stats s;
	struct rm_pipeline *p;
	uint32_t resource[2];
	struct rm_str topics;

	if (argc < 4 || !(api = open_object(argv[1])))
		return 2;
	rm_env_load(&env, environ, on_warning);
	sample_init(&sample);
	topics = rm_env_str(&env, RM_ENV_REMORA_DEBUG);
	p = api->open(&env, rm_log_parse_topics(topics), RM_LEVEL_INFO, &driver);
	if (!p) {
		puts("{\"open\": false}");
		return 0;
	}
	for (int i = 0; i < 2; i++)
		resource[i] = api->resource(p, (const struct rm_record *)sample.resource[i]);
	for (long i = 0; i < atol(argv[2]); i++) {
		struct rm_span *span = (struct rm_span *)sample.span[i % SAMPLE_SPANS];

		memcpy(span->span_id, &(uint64_t){ (uint64_t)i + 1 }, sizeof(span->span_id));
		api->push(p, resource[i % SAMPLE_SPANS == 2], span);
	}
	if (argc > 4)
		run(api, p, strtoull(argv[4], NULL, 10));
	api->flush(p, rm_clock_mono_ns() + strtoull(argv[3], NULL, 10) * MS_NS);
	api->stats(p, &s);
	api->close(p);
	printf("{\"open\": true, \"received\": %lu, \"exported\": %lu, \"dropped_queue\": %lu, "
	       "\"dropped_refused\": %lu, \"dropped_timeout\": %lu, \"rejected\": %lu, \"retries\": %lu, "
	       "\"queued\": %lu, \"idles\": %lu}\n", s.received, s.exported, s.dropped_queue,
	       s.dropped_refused, s.dropped_timeout, s.rejected, s.retries, s.queued, idles);
	return 0;
}
