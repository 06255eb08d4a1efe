/* relay/relay.c and gather.c: that nothing is lost of what processes left behind, dead or alive. */
#include "relay_bench.h"

#include <fcntl.h>
#include <stdio.h>

/* Steps until there are so many processes. */
static bool becomes(struct bench *b, uint32_t alive, struct rm_room room)
{
	for (int i = 0; i < TRIES && rm_relay_alive(b->relay) != alive; i++)
		rm_relay_step(b->relay, MS, room);
	return rm_relay_alive(b->relay) == alive;
}

/* A process that has joined, with what `work` left behind, and is dead. */
static void leave_behind(struct bench *b, void (*work)(struct producer *, int), int count, struct rm_room room)
{
	pid_t pid = produce(b, work, count);

	RM_CHECK(becomes(b, 1, room));
	RM_CHECK(was_killed(pid));
}

RM_TEST("what a process left behind when it was killed is all there, under its service")
{
	struct bench b;
	struct rm_tree_stats stats;
	pid_t pid;

	setup(&b);
	pid = produce(&b, push_some, 1000);
	RM_CHECK(settle(&b, 1000, 0));
	RM_CHECK(was_killed(pid));
	rm_tree_stats(b.gather.tree, &stats);
	RM_CHECK(stats.services == 1);
	RM_CHECK(rm_gather_lost(&b.gather) == 0);
	teardown(&b);
}

RM_TEST("twenty processes at once lose nothing")
{
	struct bench b;
	pid_t pid[20];

	setup(&b);
	for (int i = 0; i < 20; i++)
		pid[i] = produce(&b, push_some, 50);
	RM_CHECK(settle(&b, 1000, 0));
	for (int i = 0; i < 20; i++)
		RM_CHECK(was_killed(pid[i]));
	teardown(&b);
}

static void push_more_than_fits(struct producer *p, int count)
{
	name_service(p->segment, "busy");
	for (int i = 0; i < count; i++) {
		while (push(p->segment, 0, (uint32_t)i) == RM_E_FULL) {
			rm_doorbell_ring(p->bell);
			usleep(100);
		}
	}
}

RM_TEST("rings that fill faster than the sweeps come are emptied when the bell rings")
{
	struct bench b;
	uint64_t full;
	pid_t pid;

	setup(&b);
	/* More than all rings hold. */
	pid = produce(&b, push_more_than_fits, 120000);
	RM_CHECK(settle(&b, 120000, 0));
	RM_CHECK(was_killed(pid));
	full = b.gather.lost[RM_LOST_RING_FULL];
	RM_CHECK(rm_gather_lost(&b.gather) == full); /* the producer tried again: counted, yet none is missing */
	teardown(&b);
}

static void promise(struct producer *p, int spans)
{
	push_some(p, 1);
	atomic_store(&p->segment->ring[0].under_way, 1);
	atomic_store(&p->segment->ring[RM_SEGMENT_SPAN_RINGS - 1].under_way, (uint32_t)spans - 1);
}

RM_TEST("what was under way in a process that was killed is counted as lost")
{
	struct bench b;
	pid_t pid;

	setup(&b);
	pid = produce(&b, promise, 3);
	RM_CHECK(settle(&b, 1, 0));
	RM_CHECK(was_killed(pid));
	RM_CHECK(b.gather.killed == 3 && rm_gather_lost(&b.gather) == 3);
	teardown(&b);
}

static void promise_and_wait(struct producer *p, int spans)
{
	promise(p, spans);
	while (atomic_load(&p->bell->waiting) != RM_DOORBELL_GONE)
		usleep(1000);
}

RM_TEST("what is under way in a process that lives on is its own affair")
{
	struct bench b;
	pid_t pid;

	setup(&b);
	pid = produce(&b, promise_and_wait, 3);
	RM_CHECK(settle(&b, 1, 1));
	rm_relay_free(b.relay);
	b.relay = NULL;
	RM_CHECK(was_killed(pid));
	RM_CHECK(rm_gather_lost(&b.gather) == 0);
	teardown(&b);
}

RM_TEST("a process that could not say who it is still has its spans kept")
{
	struct bench b;
	struct producer p;

	setup(&b);
	RM_CHECK(make_segment(&p));
	push(p.segment, 3, 1);
	atomic_store(&p.segment->lost[RM_LOST_MUTED], 4);
	/* The join waits for an answer, so the relay has to run beside it. */
	if (fork() == 0)
		_exit(rm_relay_join(rm_str_c(b.address), p.memory_fd, &p.bell, &(size_t){ sizeof(*p.bell) }) != RM_OK);
	RM_CHECK(settle(&b, 1, 0));
	RM_CHECK(b.gather.lost[RM_LOST_MUTED] == 4);
	wait(NULL);
	free_segment(&p);
	teardown(&b);
}

RM_TEST("without room spans wait in the segment, also of a process that is dead")
{
	const struct rm_room none = { { 0, 0 } };
	struct bench b;

	setup(&b);
	leave_behind(&b, push_some, 1000, none);
	RM_CHECK(becomes(&b, 0, none));
	RM_CHECK(b.gather.spans == 0);
	RM_CHECK(!rm_relay_drain(b.relay, (struct rm_room){ { 10, 10 } }));
	RM_CHECK(b.gather.spans == 10);
	while (!rm_relay_drain(b.relay, (struct rm_room){ { 300, 300 } }))
		;
	RM_CHECK(b.gather.spans == 1000);
	teardown(&b);
}

/* ---- logs ---- */

static uint32_t pushed_logs;

static uint32_t take_resource(struct rm_pipeline *p, const struct rm_record *resource)
{
	return 1;
}

static void put_resource(struct rm_pipeline *p, uint32_t resource)
{
}

static int take_log(struct rm_pipeline *p, uint32_t resource, const struct rm_record *record)
{
	pushed_logs += record->type == RM_RECORD_LOG;
	return RM_E_FULL;
}

static bool has_no_room(const struct rm_pipeline *p, enum rm_signal signal)
{
	return false;
}

static void push_logs(struct producer *p, int count)
{
	_Alignas(8) char memory[256];
	struct rm_builder b = { 0 };

	name_service(p->segment, "logs");
	rm_builder_log(&b, memory, sizeof(memory), &(struct rm_log){ .time_ns = 1 }, RM_STR(""), RM_STR(""), RM_STR("line"));
	rm_builder_end(&b);
	for (int i = 0; i < count; i++)
		rm_segment_push(p->segment, 0, memory, b.record->bytes, NULL);
}

RM_TEST("logs that the pipeline has no place for wait, and at the end it is told of them all the same")
{
	static const struct rm_pipeline_api full = { .resource = take_resource, .resource_put = put_resource,
						     .push = take_log, .has_room = has_no_room };
	const struct rm_room some = { { 10, 10 } };
	struct bench b;

	setup(&b);
	b.gather.api = &full;
	b.gather.pipeline = (struct rm_pipeline *)&b; /* nobody looks into it */
	pushed_logs = 0;
	leave_behind(&b, push_logs, 100, some);
	RM_CHECK(becomes(&b, 0, some));
	RM_CHECK(!rm_relay_drain(b.relay, some) && pushed_logs == 0);
	rm_relay_free(b.relay);
	b.relay = NULL;
	RM_CHECK(pushed_logs == 100);
	teardown(&b);
}

/* A program that executes another one, which executes another one ... each with a segment of its own. */
static pid_t produce_again_and_again(const struct bench *b, int times)
{
	pid_t pid = fork();
	struct producer p;

	if (pid != 0)
		return pid;
	for (int i = 0; i < times; i++) {
		if (!join(&p, b->address))
			_exit(1);
		push_some(&p, 1);
		free_segment(&p);
	}
	pause();
	_exit(1);
}

RM_TEST("of a process that goes from program to program only the last one is kept")
{
	enum { PROGRAMS = 50 };
	struct bench b;
	pid_t pid;

	setup(&b);
	pid = produce_again_and_again(&b, PROGRAMS);
	RM_CHECK(settle(&b, PROGRAMS, 1));
	kill(pid, SIGKILL);
	RM_CHECK(was_killed(pid));
	RM_CHECK(settle(&b, PROGRAMS, 0));
	teardown(&b);
}

/* ---- who reads ---- */

static int decided[2] = { -1, -1 };

/* Starts a child that joins, pushes, decides, and waits to be killed. */
static pid_t produce_deciding(const struct bench *b, enum rm_segment_reader reader)
{
	pid_t pid = fork();
	struct producer p;

	if (pid != 0)
		return pid;
	if (!join_undecided(&p, b->address))
		_exit(1);
	push_some(&p, 5);
	atomic_store(&p.segment->reader, reader);
	if (write(decided[1], "d", 1) == 1 || reader == RM_READER_UNDECIDED)
		pause();
	_exit(1);
}

RM_TEST("of a process that has not decided nothing is read while it lives, and all once it is dead")
{
	struct bench b;
	pid_t pid;

	setup(&b);
	pid = produce_deciding(&b, RM_READER_UNDECIDED);
	RM_CHECK(becomes(&b, 1, RM_ROOM_FOR_ALL));
	for (int i = 0; i < 100; i++)
		rm_relay_step(b.relay, MS, RM_ROOM_FOR_ALL);
	rm_relay_drain(b.relay, RM_ROOM_FOR_ALL);
	RM_CHECK(b.gather.spans == 0 && rm_relay_alive(b.relay) == 1);
	kill(pid, SIGKILL);
	RM_CHECK(was_killed(pid));
	RM_CHECK(settle(&b, 5, 0));
	teardown(&b);
}

RM_TEST("of a process that gave up waiting nothing is ever read, dead or alive")
{
	struct bench b;
	char byte = 0;
	pid_t pid;

	setup(&b);
	RM_CHECK(pipe2(decided, O_NONBLOCK) == 0);
	pid = produce_deciding(&b, RM_READER_PROCESS);
	for (int i = 0; i < TRIES && read(decided[0], &byte, 1) != 1; i++)
		rm_relay_step(b.relay, MS, RM_ROOM_FOR_ALL);
	RM_CHECK(byte == 'd');
	RM_CHECK(becomes(&b, 0, RM_ROOM_FOR_ALL)); /* it is not kept either */
	kill(pid, SIGKILL);
	RM_CHECK(was_killed(pid));
	rm_relay_drain(b.relay, RM_ROOM_FOR_ALL);
	RM_CHECK(b.gather.spans == 0);
	close(decided[0]);
	close(decided[1]);
	teardown(&b);
}

/* Pushes until the relay says that it is gone, and shows on `out` how many spans it has not read then. */
static void outlive(struct producer *p, int out)
{
	_Alignas(8) char record[RM_RECORD_MAX_BYTES];
	int pushed = 0, left = 0;

	name_service(p->segment, "stays");
	while (atomic_load(&p->bell->waiting) != RM_DOORBELL_GONE)
		if (pushed < 20000)
			pushed += push(p->segment, 0, (uint32_t)pushed) == RM_OK;
	for (uint32_t ring = 0; ring < RM_SEGMENT_RINGS; ring++)
		while (rm_segment_pop(p->segment, ring, record) > 0)
			left++;
	dprintf(out, "%d %d %d ", pushed, left, (int)atomic_load(&p->segment->relayed));
}

RM_TEST("a relay that ends before its process leaves it exactly what it has not read")
{
	int out[2], pushed = 0, left = 0, relayed = 0;
	char text[64] = "";
	struct bench b;
	pid_t pid;

	setup(&b);
	RM_CHECK(pipe(out) == 0);
	pid = produce(&b, outlive, out[1]);
	RM_CHECK(becomes(&b, 1, RM_ROOM_FOR_ALL));
	for (int i = 0; i < 20; i++)
		rm_relay_step(b.relay, MS, (struct rm_room){ { 100, 100 } });
	rm_relay_free(b.relay);
	b.relay = NULL;
	RM_CHECK(was_killed(pid));
	RM_CHECK(read(out[0], text, sizeof(text) - 1) > 0);
	RM_CHECK(sscanf(text, "%d %d %d", &pushed, &left, &relayed) == 3);
	RM_CHECK((int)b.gather.spans == relayed);
	RM_CHECK(relayed + left == pushed);
	close(out[0]);
	close(out[1]);
	teardown(&b);
}

/* ---- logs ---- */

static void push_logs_and_spans(struct producer *p, int count)
{
	_Alignas(8) char memory[256];
	const struct rm_log head = { .observed_ns = 1 };
	struct rm_builder b = { 0 };
	uint32_t bytes;

	rm_builder_log(&b, memory, sizeof(memory), &head, RM_STR(""), RM_STR(""), RM_STR("line"));
	bytes = rm_builder_end(&b);
	for (int i = 0; i < count; i++) {
		rm_segment_push(p->segment, 0, memory, bytes, NULL);
		push(p->segment, 0, (uint32_t)i);
	}
}

RM_TEST("logs come in beside spans, each as far as there is room for it")
{
	struct bench b;

	setup(&b);
	leave_behind(&b, push_logs_and_spans, 100, (struct rm_room){ { 0, 0 } });
	RM_CHECK(!rm_relay_drain(b.relay, (struct rm_room){ { 0, 30 } }));
	RM_CHECK(b.gather.spans == 0 && b.gather.logs == 30);
	RM_CHECK(!rm_relay_drain(b.relay, (struct rm_room){ { 20, 0 } }));
	RM_CHECK(b.gather.spans == 20 && b.gather.logs == 30);
	while (!rm_relay_drain(b.relay, (struct rm_room){ { 1000, 1000 } }))
		;
	RM_CHECK(b.gather.spans == 100 && b.gather.logs == 100 && b.gather.broken == 0);
	teardown(&b);
}
