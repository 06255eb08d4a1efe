/*
 * Drives remora-export.so as the agent's worker does, without an agent: opens it with the settings
 * of its own environment, pushes sample spans, and prints what became of them as one JSON object.
 *
 *   export_probe OBJECT SPANS FLUSH_MS [RUN_MS [EXIT_US]]
 *
 * With RUN_MS the pipeline first runs that long, with its batches, delays and back-off. It lives
 * in a thread with a stack like the worker's; with EXIT_US the program exits after so long,
 * whatever the thread is doing.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "exporters/pipeline.h"
#include "tests/unit/sample_batch.h"

#define MS_NS 1000000ull
enum { WORKER_STACK_BYTES = 256 * 1024 };

extern char **environ;

static struct rm_env env;
static struct sample sample;
static unsigned long idles;

static void on_idle(void *arg)
{
	idles++;
}

static void on_warning(enum rm_env_id id, struct rm_str value, const char *reason)
{
	fprintf(stderr, "%s %s\n", rm_env_name(id), reason);
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
	if (!get || !get(RM_EXPORT_ABI))
		exit(2);
	return get(RM_EXPORT_ABI);
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

static void print_stats(const struct rm_pipeline_stats *s)
{
	printf("{\"open\": true, \"received\": %lu, \"exported\": %lu, \"dropped_queue\": %lu, "
	       "\"dropped_refused\": %lu, \"dropped_timeout\": %lu, \"rejected\": %lu, "
	       "\"retries\": %lu, "
	       "\"queued\": %lu, \"idles\": %lu}\n",
	       s->received, s->exported, s->dropped_queue, s->dropped_refused, s->dropped_timeout,
	       s->rejected, s->retries, s->queued, idles);
}

static void push_all(const struct rm_pipeline_api *api, struct rm_pipeline *p, enum rm_signal signal, long count)
{
	uint32_t resource[2];

	for (int i = 0; i < 2; i++)
		resource[i] = api->resource(p, (const struct rm_record *)sample.resource[i]);
	for (long i = 0; i < count; i++) {
		struct rm_span *span = (struct rm_span *)sample.span[i % SAMPLE_SPANS];
		const struct rm_record *log = &sample.logs[i % SAMPLE_LOGS]->record;

		memcpy(span->span_id, &(uint64_t){ (uint64_t)i + 1 }, sizeof(span->span_id));
		api->push(p, resource[i % SAMPLE_SPANS == 2], signal == RM_SIGNAL_LOGS ? log : &span->record);
	}
}

/* Everything but the end of the program. */
static void *drive(void *arg)
{
	char **argv = arg;
	struct rm_pipeline_driver driver = { on_idle, NULL, NULL };
	const struct rm_pipeline_api *api = open_object(argv[1]);
	enum rm_signal signal = getenv("PROBE_LOGS") ? RM_SIGNAL_LOGS : RM_SIGNAL_TRACES;
	struct rm_pipeline_stats s;
	struct rm_pipeline *p;

	rm_env_load(&env, environ, on_warning);
	sample_init(&sample);
	p = api->open(&env, 1u << signal, rm_log_parse_topics(rm_env_str(&env, RM_ENV_REMORA_DEBUG)),
		      RM_LEVEL_INFO, &driver);
	if (!p) {
		puts("{\"open\": false}");
		return NULL;
	}
	push_all(api, p, signal, atol(argv[2]));
	if (argv[4])
		run(api, p, strtoull(argv[4], NULL, 10));
	api->flush(p, rm_clock_mono_ns() + strtoull(argv[3], NULL, 10) * MS_NS);
	api->stats(p, signal, &s);
	api->close(p);
	print_stats(&s);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (argc < 4)
		return 2;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK_BYTES);
	pthread_create(&thread, &attr, drive, argv);
	if (argc < 6)
		pthread_join(thread, NULL);
	else
		nanosleep(&(struct timespec){ 0, atol(argv[5]) * 1000 }, NULL);
	exit(0);
}
