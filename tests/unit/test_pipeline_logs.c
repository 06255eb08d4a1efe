/* The pipeline with two signals: neither has to do with the other. */
#include "pipeline_fixture.h"

static struct rm_pipeline_stats log_stats(void)
{
	struct rm_pipeline_stats s;

	api->stats(p, RM_SIGNAL_LOGS, &s);
	return s;
}

static uint32_t push_logs(uint32_t count)
{
	uint32_t taken = 0;

	for (uint32_t i = 0; i < count; i++)
		taken += api->push(p, resource, &sample.logs[i % SAMPLE_LOGS]->record) == RM_OK;
	return taken;
}

RM_TEST("logs go nowhere unless somebody says so, and are no loss then")
{
	BEGIN("OTEL_BSP_SCHEDULE_DELAY=0");
	RM_CHECK(push_logs(3) == 3 && push(1) == 1);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(first.spans == 1 && first.logs == 0 && third.opens == 0);
	RM_CHECK(log_stats().dropped_queue == 0 && log_stats().queued == 0);
	end();
}

RM_TEST("each signal has its exporters, its settings, its queue and its counts")
{
	BEGIN("OTEL_LOGS_EXPORTER=otlp", "OTEL_BLRP_MAX_QUEUE_SIZE=3", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE=2",
	      "OTEL_BSP_SCHEDULE_DELAY=3600000", "OTEL_BLRP_SCHEDULE_DELAY=3600000");
	RM_CHECK(first.opens == 1 && third.opens == 1);
	RM_CHECK(push_logs(5) == 3 && push(10) == 10);
	RM_CHECK(log_stats().received == 5 && log_stats().dropped_queue == 2 && stats().dropped_queue == 0);
	api->run(p);
	RM_CHECK(third.calls == 1 && third.batch[0] == 2 && first.calls == 0);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(third.logs == 3 && third.spans == 0 && first.spans == 10 && first.logs == 0);
	RM_CHECK(log_stats().exported == 3 && stats().exported == 10 && stats().received == 10);
	end();
	RM_CHECK(third.closes == 1);
}

RM_TEST("the trouble of one signal's backend does not touch the other's")
{
	BEGIN("OTEL_LOGS_EXPORTER=otlp", "OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BLRP_SCHEDULE_DELAY=0");
	script(&third, RM_EXPORT_RETRY);
	script(&third, RM_EXPORT_RETRY);
	push_logs(2);
	push(2);
	api->run(p);
	RM_CHECK(first.spans == 2 && third.logs == 0 && log_stats().queued == 2);
	push(2);
	api->run(p);
	RM_CHECK(first.spans == 4 && third.calls == 1);
	end();
}

RM_TEST("only the signals that are asked for are opened")
{
	char *settings[] = { "OTEL_LOGS_EXPORTER=otlp", NULL };

	begin(settings);
	end();
	first = third = (struct fake){ 0 };
	p = api->open(&env, 1 << RM_SIGNAL_LOGS, 0, RM_LEVEL_NONE, NULL);
	RM_CHECK(p && first.opens == 0 && third.opens == 1);
	end();
	p = api->open(&env, 1 << RM_SIGNAL_TRACES, 0, RM_LEVEL_NONE, NULL);
	RM_CHECK(p && first.opens == 1 && third.opens == 1);
	api->close(p);
}

RM_TEST("logs of several processes are grouped, each group in order")
{
	uint32_t other;

	BEGIN("OTEL_LOGS_EXPORTER=otlp");
	other = api->resource(p, (const struct rm_record *)sample.resource[1]);
	for (uint32_t i = 0; i < 6; i++)
		api->push(p, i % 2 ? other : resource, &sample.logs[0]->record);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(third.groups == 2 && third.logs == 6);
	end();
}

/* ---- pieces of output that come in during an export ---- */

static uint64_t printed;

static void print_line(void)
{
	_Alignas(8) char memory[sizeof(struct rm_output) + 8] = { 0 };
	struct rm_output *o = (struct rm_output *)memory;

	*o = (struct rm_output){ .record = { sizeof(memory), RM_RECORD_OUTPUT, 0 }, .time_ns = 1, .source = 1,
				 .stream = RM_STREAM_STDERR, .sequence = printed++, .bytes = 5,
				 .bits = RM_OUTPUT_BEGINS | RM_OUTPUT_ENDS };
	memcpy(o + 1, "line\n", 5);
	api->push(p, resource, &o->record);
}

RM_TEST("a line that is printed during an export is due when nothing follows it")
{
	BEGIN("OTEL_LOGS_EXPORTER=otlp", "OTEL_BSP_SCHEDULE_DELAY=0");
	printed = 0;
	first.during = print_line;
	push(1);
	RM_CHECK(api->run(p) < SECOND_NS);
	RM_CHECK(first.spans == 1 && log_stats().received == 0);
	end();
}

RM_TEST("a line that is printed during a flush is delivered by it")
{
	BEGIN("OTEL_LOGS_EXPORTER=otlp");
	printed = 0;
	first.during = print_line;
	push(1);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(first.spans == 1 && third.logs == 1);
	end();
}

RM_TEST("what is printed during the last export of a flush is counted")
{
	BEGIN("OTEL_LOGS_EXPORTER=otlp");
	printed = 0;
	third.during = print_line;
	push_logs(1);
	flush();
	RM_CHECK(third.logs == 2 && log_stats().received == 3 && log_stats().queued == 1);
	end();
}
