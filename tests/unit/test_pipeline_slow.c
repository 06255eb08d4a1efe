/* The pipeline: a backend that makes us wait, beside others that do not. */
#include "pipeline_fixture.h"

#include <unistd.h>

#define MS_NS 1000000ull

/* A backend that answers after `ms`, or earlier, once `other` has so many spans. */
struct wait {
	unsigned ms;
	const struct fake *other;
	uint32_t spans;
	bool met;
};

static struct wait waits[2];

static void wait_as(struct wait *w, const struct rm_export_io *io)
{
	uint64_t end_ns = rm_clock_mono_ns() + w->ms * MS_NS;

	while (rm_clock_mono_ns() < end_ns && rm_clock_mono_ns() < io->deadline_ns && !atomic_load(&abort_flag)) {
		usleep(1000);
		io->idle(io->idle_arg);
		w->met |= w->other && w->other->spans >= w->spans;
		if (w->met)
			break;
	}
}

static void first_waits(const struct rm_export_io *io)
{
	wait_as(&waits[0], io);
}

static void second_waits(const struct rm_export_io *io)
{
	wait_as(&waits[1], io);
}

#define BOTH_OF "OTEL_TRACES_EXPORTER=otlp,second", "OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4"

/* Two backends; the first is known to be as slow as `ms`, the second to be quick. */
static void begin_known(unsigned ms)
{
	BEGIN(BOTH_OF);
	memset(waits, 0, sizeof(waits));
	first.wait = first_waits;
	second.wait = second_waits;
	waits[0].ms = ms;
	push(1);
	api->run(p);
	RM_CHECK(first.spans == 1 && second.spans == 1);
}

static void push_more(void)
{
	if (pushed < 20)
		push(1);
}

static void push_on(void *arg)
{
	push_more();
}

RM_TEST("while a backend makes us wait the others get everything, also what comes meanwhile")
{
	begin_known(200);
	idle = push_on;
	waits[0] = (struct wait){ .ms = 60000, .other = &second, .spans = 20 };
	push(1);
	api->run(p);
	idle = NULL;
	RM_CHECK(waits[0].met && second.spans == 20 && first.calls == 2 && first.batch[1] == 1);
	waits[0] = (struct wait){ 0 };
	flush();
	RM_CHECK(first.spans == 20 && first.ids == 210 && second.ids == 210);
	end();
}

RM_TEST("a backend that is slow is not asked while one is waited for that is not")
{
	begin_known(2000); /* a wait of a tenth must not become as long on a busy machine */
	push(4);
	waits[1] = (struct wait){ .ms = 120, .other = &first, .spans = 5 };
	api->run(p);
	RM_CHECK(!waits[1].met && first.spans == 5 && second.spans == 5);
	end();
}

RM_TEST("a backend that was never asked waits a while for one that does not answer, and no longer")
{
	BEGIN(BOTH_OF);
	memset(waits, 0, sizeof(waits));
	first.wait = first_waits;
	second.wait = second_waits;
	waits[0] = (struct wait){ .ms = 60000, .other = &second, .spans = 1 };
	push(1);
	api->run(p);
	RM_CHECK(waits[0].met && second.spans == 1);
	end();
}

RM_TEST("what a backend refuses meanwhile, and an abort, is as ever")
{
	begin_known(200);
	script(&second, RM_EXPORT_DONE);
	script(&second, RM_EXPORT_REFUSED);
	waits[0] = (struct wait){ .ms = 300 };
	push(2);
	api->run(p);
	RM_CHECK(stats().dropped_refused == 2 && first.spans == 3 && second.spans == 1);
	waits[0] = (struct wait){ .ms = 60000, .other = &second, .spans = 3 };
	second.during = NULL;
	push(2);
	api->run(p);
	RM_CHECK(waits[0].met && second.spans == 3);
	end();
}
