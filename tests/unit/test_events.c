/* Events of exchanges: who ends takes them along, and nobody gets another one's. */
#include <pthread.h>
#include <sched.h>

#include "agent/events.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

enum { THREADS = 4, ROUNDS = 20000 };

static char *no_environment[] = { NULL };
static char *few[] = { "OTEL_SPAN_EVENT_COUNT_LIMIT=2", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT=1", NULL };

/* An exchange whose record has `cap_bytes`. */
static uint32_t begin(size_t cap_bytes)
{
	struct rm_span head = { .kind = RM_KIND_SERVER };
	uint32_t x = rm_exchange_begin(RM_KIND_SERVER, 1, rm_thread_self());
	struct rm_exchange *e = rm_exchange_at(x);

	e->record = rm_text_get(cap_bytes);
	rm_builder_span(&e->builder, rm_text_at(e->record), (uint32_t)rm_text_cap(e->record), &head, RM_STR("n"), RM_STR(""));
	rm_builder_i64(&e->builder, RM_KEY_SERVER_PORT, 80);
	atomic_store(&e->phase, RM_PHASE_OPEN);
	return x;
}

static bool give(rm_ctx ctx, size_t bytes, int64_t number)
{
	static char text[RM_RECORD_MAX_BYTES];
	struct rm_event_draft d;

	memset(text, 't', sizeof(text));
	RM_CHECK(rm_event_begin(&d, bytes + 100, RM_STR("exception"), 7));
	rm_builder_i64(&d.builder, RM_KEY_SERVER_PORT, number);
	rm_builder_str(&d.builder, RM_KEY_EXCEPTION_MESSAGE, (struct rm_str){ text, bytes });
	return rm_event_give(&d, ctx);
}

/* Ends the exchange and checks the numbers of its events. */
static const struct rm_span *end(uint32_t x, const int64_t *numbers, unsigned count)
{
	const struct rm_event *event;
	const struct rm_span *s;
	struct rm_attr_iter it;
	struct rm_attr a;
	unsigned n = 0;

	rm_exchange_end(x, 2, rm_thread_self());
	s = stub_span();
	RM_CHECK(s && rm_record_valid(&s->record, s->record.bytes));
	it = rm_record_attrs(&s->record);
	while (rm_event_next(&it, &event)) {
		struct rm_attr_iter own = rm_record_attrs(&event->record);

		RM_CHECK(rm_attr_next(&own, &a) && n < count && a.v.i64 == numbers[n]);
		n++;
	}
	RM_CHECK(n == count && s->event_count == count && rm_text_live() == 0);
	return s;
}

RM_TEST("events are in the record, in the order in which they came, also where that had no room")
{
	uint32_t x;

	stub_start(no_environment);
	x = begin(400);
	RM_CHECK(give(rm_exchange_ctx(x), 10, 1) && give(rm_exchange_ctx(x), 3000, 2) && give(rm_exchange_ctx(x), 1, 3));
	RM_CHECK(end(x, (int64_t[]){ 1, 2, 3 }, 3)->dropped_events == 0);
}

RM_TEST("what a record cannot hold is counted")
{
	uint32_t x;

	stub_start(no_environment);
	x = begin(400);
	RM_CHECK(give(rm_exchange_ctx(x), 10000, 1) && give(rm_exchange_ctx(x), 10000, 2) && give(rm_exchange_ctx(x), 9, 3));
	RM_CHECK(end(x, (int64_t[]){ 1, 3 }, 2)->dropped_events == 1);
}

RM_TEST("limits of the settings hold, and what is over them is counted")
{
	const struct rm_event *event = NULL;
	struct rm_attr_iter it;
	const struct rm_span *s;
	uint32_t x;

	stub_start(few);
	x = begin(400);
	RM_CHECK(give(rm_exchange_ctx(x), 1, 1) && give(rm_exchange_ctx(x), 1, 2) && !give(rm_exchange_ctx(x), 1, 3) &&
		 !give(rm_exchange_ctx(x), 1, 4));
	s = end(x, (int64_t[]){ 1, 2 }, 2);
	RM_CHECK(s->dropped_events == 2);
	it = rm_record_attrs(&s->record);
	RM_CHECK(rm_event_next(&it, &event) && event->dropped_attrs == 1 && event->record.attr_count == 1);
}

RM_TEST("an exchange that ended, or is not recorded, takes none")
{
	rm_ctx old;
	uint32_t x;

	stub_start(no_environment);
	x = begin(400);
	old = rm_exchange_ctx(x);
	RM_CHECK(give(old, 1, 1));
	rm_exchange_drop(x);
	RM_CHECK(!give(old, 1, 1) && rm_text_live() == 0);
	RM_CHECK(begin(400) == x && !give(old, 1, 1));
	end(x, NULL, 0);
	x = begin(400);
	rm_text_put(rm_exchange_at(x)->record);
	rm_exchange_at(x)->record = 0;
	RM_CHECK(!give(rm_exchange_ctx(x), 1, 1));
	rm_exchange_drop(x);
	RM_CHECK(rm_text_live() == 0);
}

static _Atomic rm_ctx current;
static atomic_uint given;
static atomic_bool over;

static void *give_many(void *arg)
{
	while (!atomic_load(&over)) {
		rm_ctx ctx = atomic_load(&current);
		struct rm_event_draft d;

		if (!rm_event_begin(&d, 50, RM_STR("e"), ctx))
			continue;
		atomic_fetch_add(&given, rm_event_give(&d, ctx));
	}
	return NULL;
}

RM_TEST("of events that other threads give while exchanges end none gets to the wrong one, or is left behind")
{
	pthread_t threads[THREADS];
	unsigned seen = 0;

	stub_start(no_environment);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, give_many, NULL);
	/* On a machine that does other things some rounds more may pass until one is met. */
	for (int i = 0; i < ROUNDS || !seen; i++) {
		uint32_t x = begin(400);
		rm_ctx ctx = rm_exchange_ctx(x);
		const struct rm_event *event;
		const struct rm_span *s;
		struct rm_attr_iter it;

		atomic_store(&current, ctx);
		for (int k = 0; k < i % 200; k++)
			__asm__ volatile("" ::: "memory");
		if (i % 16 == 0)
			sched_yield();
		rm_exchange_end(x, 2, rm_thread_self());
		s = stub_span();
		RM_CHECK(s && rm_record_valid(&s->record, s->record.bytes));
		it = rm_record_attrs(&s->record);
		while (rm_event_next(&it, &event)) {
			RM_CHECK(event->time_ns == ctx);
			seen++;
		}
	}
	atomic_store(&over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	RM_CHECK(seen > 0 && seen <= atomic_load(&given) && rm_text_live() == 0);
}
