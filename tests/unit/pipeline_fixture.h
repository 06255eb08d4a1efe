/*
 * A pipeline over backends that answer what the test says, and what it takes to push, flush and look at it.
 * Linked with a registry of its own. Include once per test program.
 */
#ifndef RM_TESTS_PIPELINE_FIXTURE_H
#define RM_TESTS_PIPELINE_FIXTURE_H

#include "exporters/pipeline.h"

#include <stdlib.h>

#include "agent/exporter.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/registry.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"

enum { SCRIPT_MAX = 16, BOTH = 1 << RM_SIGNAL_TRACES | 1 << RM_SIGNAL_LOGS };
#define SECOND_NS 1000000000ull

/* A backend: answers by its script, then DONE for ever, and remembers what it saw. */
struct fake {
	struct rm_export_result script[SCRIPT_MAX];
	uint32_t script_count, calls, spans, logs, groups, opens, closes;
	uint32_t batch[SCRIPT_MAX];
	uint64_t budget_ns, deadline_ns, ids;
	bool refuses_open, in_order;
	void (*during)(void);
	void (*wait)(const struct rm_export_io *io); /* before it answers */
	void (*look)(const struct rm_batch *batch);
};

static struct fake first, second, third, quick;
static struct sample sample;
static struct rm_env env;
static atomic_int abort_flag;
static void (*idle)(void *arg); /* of the driver */
static const struct rm_pipeline_api *api;
static struct rm_pipeline *p;
static uint32_t resource, pushed;

static void on_idle(void *arg)
{
	if (idle)
		idle(arg);
}

static int open_fake(struct fake *f, void **ret_state)
{
	f->opens++;
	*ret_state = f;
	return f->refuses_open ? RM_E_INVALID : RM_OK;
}

static int open_first(const struct rm_env *e, void **ret_state)
{
	return open_fake(&first, ret_state);
}

static int open_second(const struct rm_env *e, void **ret_state)
{
	return open_fake(&second, ret_state);
}

static int open_third(const struct rm_env *e, void **ret_state)
{
	return open_fake(&third, ret_state);
}

static int open_quick(const struct rm_env *e, void **ret_state)
{
	return open_fake(&quick, ret_state);
}

static void take(void *state, const struct rm_batch *batch, const struct rm_export_io *io,
		 struct rm_export_result *ret)
{
	struct fake *f = state;
	uint32_t counted = 0;

	if (f->wait)
		f->wait(io);
	if (f->look)
		f->look(batch);
	memset(ret, 0, sizeof(*ret));
	if (f->calls < f->script_count)
		*ret = f->script[f->calls];
	if (f->calls < SCRIPT_MAX)
		f->batch[f->calls] = batch->span_count + batch->log_count;
	f->calls++;
	f->deadline_ns = io->deadline_ns;
	f->groups = batch->group_count;
	for (uint32_t g = 0; g < batch->group_count; g++) {
		uint64_t before = 0;

		counted += batch->groups[g].span_count;
		for (uint32_t i = 0; i < batch->groups[g].span_count; i++) {
			const struct rm_span *s = batch->groups[g].spans[i];

			RM_CHECK(rm_record_valid(&s->record, s->record.bytes));
			RM_CHECK(s->start_ns >= before);
			before = s->start_ns;
			if (ret->code == RM_EXPORT_DONE)
				f->ids += s->start_ns;
		}
	}
	RM_CHECK(counted == batch->span_count);
	RM_CHECK(batch->signal == RM_SIGNAL_LOGS ? !batch->span_count : !batch->log_count);
	for (uint32_t g = 0; g < batch->group_count; g++)
		for (uint32_t i = 0; i < batch->groups[g].log_count; i++)
			RM_CHECK(rm_record_valid(&batch->groups[g].logs[i]->record, batch->groups[g].logs[i]->record.bytes));
	if (ret->code == RM_EXPORT_DONE)
		f->logs += batch->log_count;
	if (ret->code == RM_EXPORT_DONE)
		f->spans += batch->span_count;
	if (f->during)
		f->during();
}

static void close_fake(void *state)
{
	((struct fake *)state)->closes++;
}

static uint64_t budget(const void *state)
{
	return ((const struct fake *)state)->budget_ns;
}

static const struct rm_exporter exporter_first = {
	.name = "otlp",
	.open = open_first,
	.export = take,
	.close = close_fake,
	.budget_ns = budget,
};
static const struct rm_exporter exporter_second = {
	.name = "second",
	.open = open_second,
	.export = take,
	.close = close_fake,
};
static const struct rm_exporter exporter_quick = {
	.name = "console",
	.open = open_quick,
	.export = take,
	.close = close_fake,
	.immediate = true,
};
/* Logs go to the third one, by a name that is taken for spans too. */
static const struct rm_exporter exporter_logs = {
	.name = "otlp",
	.signal = RM_SIGNAL_LOGS,
	.open = open_third,
	.export = take,
	.close = close_fake,
};
const struct rm_exporter *const rm_exporters[] = { &exporter_first, &exporter_second,
						   &exporter_quick, &exporter_logs, NULL };

/* Opens a pipeline with these settings ("A=1", ..., NULL) over backends as new. */
static void begin(char *const *settings)
{
	struct rm_pipeline_driver driver = { on_idle, NULL, &abort_flag };

	first = second = third = quick = (struct fake){ 0 };
	pushed = 0;
	atomic_store(&abort_flag, 0);
	sample_init(&sample);
	rm_env_load(&env, settings, NULL);
	api = remora_export_api(RM_EXPORT_ABI);
	p = api->open(&env, BOTH, 0, RM_LEVEL_NONE, &driver);
	resource = p ? api->resource(p, (const struct rm_record *)sample.resource[0]) : 0;
}

static void end(void)
{
	api->close(p);
	RM_CHECK(first.opens == first.closes);
}

/* Pushes spans whose start times go on from 1, 2, 3, ...; returns how many were taken. */
static uint32_t push(uint32_t count)
{
	struct rm_span *s = (struct rm_span *)sample.span[1];
	uint32_t taken = 0;

	for (uint32_t i = 0; i < count; i++) {
		s->start_ns = ++pushed;
		taken += api->push(p, resource, &s->record) == RM_OK;
	}
	return taken;
}

static struct rm_pipeline_stats stats(void)
{
	struct rm_pipeline_stats s;

	api->stats(p, RM_SIGNAL_TRACES, &s);
	return s;
}

static int flush(void)
{
	return api->flush(p, rm_clock_mono_ns() + 60 * SECOND_NS);
}

static void script(struct fake *f, enum rm_export_code code)
{
	f->script[f->script_count++].code = code;
}

#define BEGIN(...) begin((char *[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

#endif
