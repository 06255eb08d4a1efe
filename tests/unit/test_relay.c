/* relay/relay.c and gather.c: that nothing is lost of what processes left behind, dead or alive. */
#include "relay_bench.h"

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
		_exit(rm_relay_join(rm_str_c(b.address), p.memory_fd, &p.bell) != RM_OK);
	RM_CHECK(settle(&b, 1, 0));
	RM_CHECK(b.gather.lost[RM_LOST_MUTED] == 4);
	wait(NULL);
	free_segment(&p);
	teardown(&b);
}

RM_TEST("without room spans wait in the segment, also of a process that is dead")
{
	struct bench b;
	pid_t pid;

	setup(&b);
	pid = produce(&b, push_some, 1000);
	for (int i = 0; i < TRIES && rm_relay_alive(b.relay) == 0; i++)
		rm_relay_step(b.relay, MS, 0);
	RM_CHECK(was_killed(pid));
	for (int i = 0; i < TRIES && rm_relay_alive(b.relay) > 0; i++)
		rm_relay_step(b.relay, MS, 0);
	RM_CHECK(rm_relay_alive(b.relay) == 0);
	RM_CHECK(b.gather.spans == 0);
	RM_CHECK(!rm_relay_drain(b.relay, 10));
	RM_CHECK(b.gather.spans == 10);
	while (!rm_relay_drain(b.relay, 300))
		;
	RM_CHECK(b.gather.spans == 1000);
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
