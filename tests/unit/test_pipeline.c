/* The pipeline: batches, retries, limits, several backends at once. */
#include <unistd.h>

#include "pipeline_fixture.h"

RM_TEST("another version of the interface is not given")
{
	RM_CHECK(!remora_export_api(RM_EXPORT_ABI + 1));
}

RM_TEST("a span waits for its batch, a full batch goes at once")
{
	BEGIN("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=3", "OTEL_BSP_SCHEDULE_DELAY=3600000");
	push(2);
	RM_CHECK(api->run(p) > SECOND_NS);
	RM_CHECK(first.calls == 0);
	push(2);
	RM_CHECK(api->run(p) > SECOND_NS);
	RM_CHECK(first.calls == 1 && first.spans == 3 && first.batch[0] == 3);
	RM_CHECK(stats().queued == 1);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(first.spans == 4 && stats().exported == 4 && stats().received == 4 &&
		 stats().queued == 0);
	RM_CHECK(api->run(p) == UINT64_MAX);
	end();
}

RM_TEST("each span's time begins when it comes")
{
	uint64_t before_ns, left_ns;

	BEGIN("OTEL_BSP_SCHEDULE_DELAY=100000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2");
	for (uint32_t i = 0; i < 4; i++) {
		push(2);
		api->run(p);
		RM_CHECK(first.calls == 2 * i + 1);
		usleep(1000);
		before_ns = rm_clock_mono_ns();
		push(1);
		left_ns = api->run(p);
		RM_CHECK(rm_clock_mono_ns() + left_ns >= before_ns + 100 * SECOND_NS);
		RM_CHECK(flush() == RM_OK);
	}
	end();
}

RM_TEST("without a delay a single span is due at once")
{
	BEGIN("OTEL_BSP_SCHEDULE_DELAY=0");
	push(1);
	api->run(p);
	RM_CHECK(first.spans == 1);
	end();
}

RM_TEST("a flush sends batch after batch, in order")
{
	BEGIN("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4");
	push(10);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(first.calls == 3 && first.batch[0] == 4 && first.batch[1] == 4 &&
		 first.batch[2] == 2);
	RM_CHECK(first.ids == 55);
	end();
}

RM_TEST("a full queue drops the newest and counts them")
{
	BEGIN("OTEL_BSP_MAX_QUEUE_SIZE=5", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=5");
	RM_CHECK(push(8) == 5);
	RM_CHECK(stats().dropped_queue == 3 && stats().received == 8);
	flush();
	RM_CHECK(first.ids == 1 + 2 + 3 + 4 + 5);
	RM_CHECK(push(5) == 5);
	flush();
	RM_CHECK(first.spans == 10);
	end();
}

RM_TEST("what is refused is dropped, counted and never sent again")
{
	BEGIN();
	script(&first, RM_EXPORT_REFUSED);
	push(3);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(first.calls == 1 && stats().dropped_refused == 3 && stats().exported == 0);
	push(1);
	flush();
	RM_CHECK(first.spans == 1);
	end();
}

RM_TEST("a partial success counts what was rejected")
{
	BEGIN();
	script(&first, RM_EXPORT_DONE);
	first.script[0].rejected = 2;
	push(5);
	flush();
	RM_CHECK(first.calls == 1 && stats().exported == 3 && stats().rejected == 2);
	end();
}

RM_TEST("a rejection of more than was sent is a rejection of all")
{
	BEGIN();
	script(&first, RM_EXPORT_DONE);
	first.script[0].rejected = 1000;
	push(5);
	flush();
	RM_CHECK(stats().exported == 0 && stats().rejected == 5);
	end();
}

RM_TEST("a batch that fails waits, and the same batch is sent again")
{
	BEGIN("OTEL_BSP_SCHEDULE_DELAY=0");
	script(&first, RM_EXPORT_RETRY);
	push(3);
	RM_CHECK(api->run(p) > 0);
	RM_CHECK(first.calls == 1 && stats().queued == 3 && stats().retries == 0);
	push(2);
	RM_CHECK(api->run(p) > 0);
	RM_CHECK(first.calls == 1);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(first.batch[0] == 3 && first.batch[1] == 3 && first.batch[2] == 2);
	RM_CHECK(stats().retries == 1 && stats().exported == 5);
	end();
}

RM_TEST("an export that would wait longer than its timeout is dropped and counted")
{
	BEGIN("OTEL_BSP_SCHEDULE_DELAY=0");
	first.budget_ns = 1000000;
	script(&first, RM_EXPORT_RETRY);
	push(3);
	api->run(p);
	RM_CHECK(first.calls == 1 && stats().dropped_timeout == 3 && stats().queued == 0);
	end();
}

RM_TEST("the pipeline's timeout holds where the exporter has none")
{
	BEGIN("OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BSP_EXPORT_TIMEOUT=1");
	script(&first, RM_EXPORT_RETRY);
	push(1);
	api->run(p);
	RM_CHECK(stats().dropped_timeout == 1);
	end();
}

RM_TEST("Retry-After is waited for, also by the batches that follow")
{
	BEGIN("OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BSP_EXPORT_TIMEOUT=0");
	script(&first, RM_EXPORT_RETRY);
	first.script[0].retry_after_ns = 3600 * SECOND_NS;
	push(1);
	RM_CHECK(api->run(p) > 3000 * SECOND_NS);
	RM_CHECK(stats().queued == 1);
	end();
	BEGIN("OTEL_BSP_SCHEDULE_DELAY=0");
	script(&first, RM_EXPORT_RETRY);
	first.script[0].retry_after_ns = 3600 * SECOND_NS;
	push(1);
	RM_CHECK(api->run(p) == UINT64_MAX);
	RM_CHECK(stats().dropped_timeout == 1);
	push(1);
	RM_CHECK(api->run(p) > 3000 * SECOND_NS);
	RM_CHECK(first.calls == 1);
	end();
}

RM_TEST("a flush tries a failing backend once and leaves the rest queued")
{
	BEGIN("OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BSP_EXPORT_TIMEOUT=0");
	for (int i = 0; i < 3; i++)
		script(&first, RM_EXPORT_RETRY);
	first.script[1].retry_after_ns = 3600 * SECOND_NS; /* so the flush ends long before its deadline */
	push(2);
	api->run(p);
	RM_CHECK(flush() == RM_E_IO);
	RM_CHECK(first.calls == 2 && stats().queued == 2);
	end();
}

RM_TEST("a flush whose deadline has passed sends nothing")
{
	BEGIN();
	push(1);
	RM_CHECK(api->flush(p, 1) == RM_E_IO);
	RM_CHECK(first.calls == 0 && stats().queued == 1);
	end();
}

RM_TEST("an exporter is told the deadline of the flush")
{
	uint64_t deadline = rm_clock_mono_ns() + 60 * SECOND_NS;

	BEGIN();
	push(1);
	api->flush(p, deadline);
	RM_CHECK(first.calls == 1 && first.deadline_ns <= deadline);
	end();
}

RM_TEST("a batch that is too large is halved until it fits")
{
	BEGIN("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=8");
	script(&first, RM_EXPORT_TOO_LARGE);
	script(&first, RM_EXPORT_TOO_LARGE);
	push(8);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(first.batch[0] == 8 && first.batch[1] == 4 && first.batch[2] == 2);
	RM_CHECK(first.batch[3] == 4 && first.batch[4] == 2);
	RM_CHECK(stats().exported == 8 && stats().retries == 0);
	end();
}

RM_TEST("a single span that is too large is dropped and counted")
{
	BEGIN();
	for (int i = 0; i < 3; i++)
		script(&first, RM_EXPORT_TOO_LARGE);
	push(3);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(stats().dropped_refused == 1 && stats().exported == 2);
	RM_CHECK(first.batch[0] == 3 && first.batch[1] == 2 && first.batch[2] == 1);
	end();
}

RM_TEST("spans are grouped by resource")
{
	uint32_t other;

	BEGIN();
	other = api->resource(p, (const struct rm_record *)sample.resource[1]);
	RM_CHECK(other != resource);
	RM_CHECK(api->resource(p, (const struct rm_record *)sample.resource[0]) == resource);
	for (int i = 0; i < 6; i++)
		api->push(p, i % 2 ? other : resource, &sample.spans[1]->record);
	flush();
	RM_CHECK(first.calls == 1 && first.groups == 2 && first.spans == 6);
	end();
}

RM_TEST("a resource that was given back lives as long as its spans, and its handle is used again")
{
	uint32_t other, again;

	BEGIN();
	other = api->resource(p, (const struct rm_record *)sample.resource[1]);
	api->push(p, other, &sample.spans[1]->record);
	api->resource_put(p, other);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(first.spans == 1);
	RM_CHECK(api->push(p, other, &sample.spans[1]->record) == RM_E_INVALID);
	api->resource_put(p, other);
	again = api->resource(p, (const struct rm_record *)sample.resource[1]);
	RM_CHECK(again == other);
	RM_CHECK(api->push(p, 0, &sample.spans[1]->record) == RM_E_INVALID);
	RM_CHECK(api->push(p, 77, &sample.spans[1]->record) == RM_E_INVALID);
	end();
}

RM_TEST("two backends: the trouble of one does not touch the other")
{
	BEGIN("OTEL_TRACES_EXPORTER=second, otlp,second", "OTEL_BSP_MAX_QUEUE_SIZE=4",
	      "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4", "OTEL_BSP_SCHEDULE_DELAY=0");
	RM_CHECK(first.opens == 1 && second.opens == 1);
	for (int i = 0; i < 4; i++)
		script(&second, RM_EXPORT_RETRY);
	push(4);
	api->run(p);
	RM_CHECK(first.spans == 4 && second.spans == 0);
	RM_CHECK(push(4) == 0);
	api->run(p);
	RM_CHECK(first.spans == 8 && second.calls == 1);
	RM_CHECK(stats().dropped_queue == 4 && stats().exported == 8 && stats().received == 8);
	end();
	RM_CHECK(second.closes == 1);
}

RM_TEST("an immediate exporter gets each span as it is pushed")
{
	BEGIN("OTEL_TRACES_EXPORTER=console,otlp");
	push(2);
	RM_CHECK(quick.calls == 2 && quick.spans == 2 && first.calls == 0);
	flush();
	RM_CHECK(quick.spans == 2 && first.spans == 2);
	end();
}

RM_TEST("none opens nothing; names that are unknown leave the default")
{
	BEGIN("OTEL_TRACES_EXPORTER=none");
	RM_CHECK(!p && first.opens == 0);
	BEGIN("OTEL_TRACES_EXPORTER=zipkin");
	RM_CHECK(p && first.opens == 1);
	end();
}

static void push_more(void)
{
	first.during = NULL;
	push(3);
}

RM_TEST("spans that are pushed while a batch is on its way go with the next one")
{
	BEGIN("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4");
	first.during = push_more;
	push(2);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(first.batch[0] == 2 && first.batch[1] == 3 && first.spans == 5);
	end();
}

static void raise_abort(void)
{
	atomic_store(&abort_flag, 1);
}

RM_TEST("an abort ends the flush, keeps the spans, and is not held against the backend")
{
	BEGIN();
	script(&first, RM_EXPORT_RETRY);
	first.during = raise_abort;
	push(2);
	RM_CHECK(flush() == RM_E_IO);
	RM_CHECK(first.calls == 1 && stats().queued == 2);
	first.during = NULL;
	atomic_store(&abort_flag, 0);
	RM_CHECK(api->run(p) == 0 || first.spans == 2);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(first.spans == 2);
	end();
}

/* Of so many bytes, with its number in it. */
static void push_long(uint32_t number, uint32_t bytes)
{
	static _Alignas(8) char memory[100000];
	static char text[90000];
	struct rm_span head = { .start_ns = 1000 + number, .kind = RM_KIND_CLIENT };
	struct rm_builder b = { 0 };

	memset(text, 'a' + (char)(number % 26), sizeof(text));
	rm_builder_span(&b, memory, sizeof(memory), &head, RM_STR("n"), RM_STR(""));
	rm_builder_str(&b, RM_KEY_URL_PATH, (struct rm_str){ text, bytes });
	rm_builder_end(&b);
	RM_CHECK(api->push(p, resource, b.record) == RM_OK);
}

static void check_long(const struct rm_batch *batch)
{
	for (uint32_t i = 0; i < batch->groups[0].span_count; i++) {
		const struct rm_span *s = batch->groups[0].spans[i];
		struct rm_str text;

		RM_CHECK(rm_record_find_str(&s->record, "url.path", &text));
		RM_CHECK(text.p[0] == 'a' + (char)((s->start_ns - 1000) % 26) && text.p[text.n - 1] == text.p[0]);
	}
}

RM_TEST("records of any length stay what they are until the slowest backend has them")
{
	static const uint32_t bytes[] = { 8, 400, 9000, 90000, 100 };

	for (int fails = 0; fails < 2; fails++) {
		BEGIN("OTEL_TRACES_EXPORTER=otlp,second", "OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=10");
		first.look = second.look = check_long;
		if (fails)
			script(&first, RM_EXPORT_RETRY);
		for (uint32_t i = 0; i < 300; i++) {
			push_long(i, bytes[i < 200 ? i % 5 : 1]);
			if (i % 11 == 0)
				api->run(p);
		}
		RM_CHECK(flush() == RM_OK);
		RM_CHECK(first.spans == 300 && second.spans == 300);
		end();
	}
}

RM_TEST("memory is bounded, whatever the queue's length")
{
	static _Alignas(8) char big[64 * 1024];
	struct rm_builder b = { 0 };
	uint32_t taken = 0;

	BEGIN("OTEL_BSP_MAX_QUEUE_SIZE=100000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1000");
	rm_builder_span(&b, big, sizeof(big), sample.spans[1], RM_STR("big"), RM_STR(""));
	rm_builder_str(&b, RM_KEY_URL_FULL, (struct rm_str){ big + 32768, 15000 });
	rm_builder_end(&b);
	for (int i = 0; i < 10000; i++)
		taken += api->push(p, resource, (const struct rm_record *)big) == RM_OK;
	RM_CHECK(taken > 1000 && taken < 10000);
	RM_CHECK(stats().dropped_queue == 10000 - taken && stats().queued == taken);
	RM_CHECK(flush() == RM_OK);
	RM_CHECK(first.spans == taken);
	RM_CHECK(api->push(p, resource, (const struct rm_record *)big) == RM_OK);
	end();
}
