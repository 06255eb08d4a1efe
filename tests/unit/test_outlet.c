/* agent/outlet.c: the segment of a process, its forks, and the relay. */
#include "agent/outlet.h"

#include <pthread.h>
#include <signal.h>

#include "agent/worker.h"
#include "fake_relay.h"
#include "outlet_fixture.h"

/* ---- the segment ---- */

static void none_exporter(const void *arg)
{
	int8_t ring_of_thread = -1;

	start((const char *const[]){ "OTEL_TRACES_EXPORTER=none", NULL });
	RM_CHECK(rm_outlet_segment(&ring_of_thread) == NULL);
	RM_CHECK(ring_of_thread == -1);
}

RM_TEST("with the exporter none alone there is no segment")
{
	in_child(none_exporter, NULL);
}

static void rings_are_spread(const void *arg)
{
	int8_t first = -1, second = -1, kept = 5;
	struct rm_segment *s;

	start_for_worker();
	s = rm_outlet_segment(&first);
	RM_CHECK(s && s->pid == (uint32_t)getpid());
	RM_CHECK(s && s->resource_bytes > 0 &&
		 rm_record_valid((struct rm_record *)s->resource, s->resource_bytes));
	RM_CHECK(rm_outlet_segment(&second) == s && rm_outlet_segment(&kept) == s);
	RM_CHECK(first >= 0 && second >= 0 && first != second && kept == 5);
	RM_CHECK(threads() == 1);
}

RM_TEST("a process has one segment with its resource, and threads get different rings")
{
	in_child(rings_are_spread, NULL);
}

/* Of the process, by the kernel's account. */
static long locked_kb(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");
	long kb = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmLck: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

static void rings_are_not_locked(const void *arg)
{
	long before;
	int8_t own = -1;

	start_for_worker();
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		return; /* this user may not */
	before = locked_kb();
	if (!before)
		return; /* the address sanitizer makes nothing of it */
	RM_CHECK(rm_outlet_segment(&own) != NULL);
	RM_CHECK(locked_kb() - before < 1024);
}

RM_TEST("a program that locks all its memory does not have all rings in it at once")
{
	in_child(rings_are_not_locked, NULL);
}

static void *first_span_of_thread(void *arg)
{
	int8_t own = -1;

	return rm_outlet_segment(&own);
}

static void first_spans_at_once(const void *arg)
{
	pthread_t thread[8];
	void *got[8];

	start_for_worker();
	for (int i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, first_span_of_thread, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], &got[i]);
	for (int i = 0; i < 8; i++)
		RM_CHECK(got[i] && got[i] == got[0]);
}

RM_TEST("threads whose first spans come at once share one segment")
{
	for (int i = 0; i < 20; i++)
		in_child(first_spans_at_once, NULL);
}

static void filling(const void *arg)
{
	const uint32_t quarter = RM_RING_BYTES / 4;
	struct rm_doorbell *bell;
	uint32_t rung;

	start_for_worker();
	push(1);
	bell = rm_worker_bell();
	for (uint32_t fill = 128; fill <= RM_RING_BYTES; fill += 128) {
		rung = atomic_load(&bell->rung);
		rm_outlet_pushed(128, fill);
		RM_CHECK(atomic_load(&bell->rung) - rung == (fill % quarter == 0));
	}
	_exit(rm_test_failed_checks != 0);
}

RM_TEST("the consumer of a ring that fills is woken at each quarter, and not by each span")
{
	in_child(filling, NULL);
}

static void silent_end(const void *arg)
{
	_Alignas(8) static char record[RM_RECORD_MAX_BYTES];

	start_for_worker();
	if (arg) {
		push(1);
		while (rm_segment_pop(rm_outlet_segment(&ring), (uint32_t)ring, record) > 0)
			;
	}
	/* Any call but read, write and exit is now fatal. */
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	rm_outlet_safe_point();
	rm_outlet_pushed(64, 64);
	rm_outlet_end(RM_END_EXEC);
	rm_outlet_resume();
	rm_outlet_end(RM_END_UNDERSCORE_EXIT);
	rm_outlet_end(RM_END_EXIT);
	syscall(SYS_exit, rm_test_failed_checks != 0);
}

RM_TEST("an end with nothing pending makes no system call")
{
	in_child(silent_end, NULL);
	in_child(silent_end, "after a span");
}

/* ---- forks ---- */

static void forked_child(const void *arg)
{
	int status = -1;
	pid_t child;

	start_for_worker();
	push(3);
	rm_outlet_safe_point();
	UNTIL(fake->pushed == 3);
	push(2);
	child = fork();
	if (child == 0) {
		struct rm_segment *s;

		ring = -1;
		rm_outlet_forked();
		rm_outlet_stop();
		rm_outlet_end(RM_END_UNDERSCORE_EXIT); /* nothing of its own yet */
		s = rm_outlet_segment(&ring);
		RM_CHECK(s && s->pid == (uint32_t)getpid() && rm_segment_empty(s));
		push(7);
		rm_outlet_safe_point();
		RM_CHECK(threads() == 2);
		rm_outlet_end(RM_END_EXIT);
		_exit(rm_test_failed_checks != 0);
	}
	waitpid(child, &status, 0);
	RM_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	RM_CHECK(fake->opened == 2);
	RM_CHECK(fake->pushed == 3 + 7 && fake->delivered == 7);
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->pushed == 5 + 7 && fake->delivered == 5 + 7);
}

RM_TEST("a forked child delivers its own spans with its own worker, the parent keeps what it had")
{
	in_child(forked_child, NULL);
}

/* ---- the relay ---- */

static struct rm_doorbell *bell_of_relay;

static void relayed_until_killed(const void *setting)
{
	int before = open_fds(), status;
	pid_t child = fork();

	if (child == 0) {
		start((const char *const[]){ setting, NULL });
		push(4);
		rm_outlet_safe_point();
		rm_outlet_end(RM_END_UNDERSCORE_EXIT);
		if (threads() == 1 && open_fds() == before && fake->opened == 0)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	waitpid(child, &status, 0);
	RM_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

RM_TEST("with a relay, spans are in its memory at once and no thread or descriptor is made")
{
	_Alignas(8) static char record[RM_RECORD_MAX_BYTES];
	struct fake_relay relay;
	char setting[256];
	int spans = 0;

	fake_relay_open(&relay, ANSWER_WELCOME);
	snprintf(setting, sizeof(setting), "REMORA_RELAY=%s", relay.setting);
	in_child(relayed_until_killed, setting);
	fake_relay_wait(&relay);
	RM_CHECK(relay.segment && rm_segment_spans(relay.segment) == 4 &&
		 relay.segment->resource_bytes > 0);
	for (uint32_t i = 0; relay.segment && i < RM_SEGMENT_RINGS; i++)
		while (rm_segment_pop(relay.segment, i, record) > 0)
			spans++;
	RM_CHECK(spans == 4);
	fake_relay_close(&relay);
}

static void relay_is_rung(const void *setting)
{
	start((const char *const[]){ setting, NULL });
	push(1);
	push(2 * RM_RING_BYTES / 4 / 150);
}

RM_TEST("the relay is woken when a ring fills")
{
	struct fake_relay relay;
	char setting[256];

	fake_relay_open(&relay, ANSWER_WELCOME);
	relay.bell->waiting = RM_DOORBELL_IDLE;
	snprintf(setting, sizeof(setting), "REMORA_RELAY=%s", relay.setting);
	in_child(relay_is_rung, setting);
	fake_relay_wait(&relay);
	RM_CHECK(relay.bell->rung > 0 && relay.bell->rung < rm_segment_spans(relay.segment));
	fake_relay_close(&relay);
}

static void relay_ends(const void *setting)
{
	struct rm_segment *s;

	start((const char *const[]){ setting, "OTEL_TRACES_EXPORTER=console", NULL });
	push(2);
	s = rm_outlet_segment(&ring);
	RM_CHECK(s->reader == RM_READER_RELAY);
	rm_outlet_end(RM_END_UNDERSCORE_EXIT);
	RM_CHECK(fake->opened == 0);
	bell_of_relay->waiting = RM_DOORBELL_GONE;
	RM_CHECK(s->reader == RM_READER_RELAY); /* it hears of that with its next span, or at its end */
	push(3);
	RM_CHECK(s->reader == RM_READER_PROCESS);
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->delivered == 5);
}

static void relay_ended_before_the_end(const void *setting)
{
	start((const char *const[]){ setting, "OTEL_TRACES_EXPORTER=console", NULL });
	push(2);
	bell_of_relay->waiting = RM_DOORBELL_GONE;
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->delivered == 2);
}

RM_TEST("a process whose relay has ended delivers by itself what the relay has not read")
{
	void (*const bodies[])(const void *) = { relay_ends, relay_ended_before_the_end };
	struct fake_relay relay;
	char setting[256];

	for (int i = 0; i < 2; i++) {
		fake_relay_open(&relay, ANSWER_WELCOME);
		bell_of_relay = relay.bell;
		snprintf(setting, sizeof(setting), "REMORA_RELAY=%s", relay.setting);
		in_child(bodies[i], setting);
		fake_relay_wait(&relay);
		fake_relay_close(&relay);
	}
}

static void without_relay(const void *setting)
{
	start((const char *const[]){ setting, "OTEL_TRACES_EXPORTER=console", NULL });
	push(2);
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->delivered == 2);
}

RM_TEST("a process that the relay does not admit exports by itself")
{
	struct fake_relay relay;
	char setting[256];

	fake_relay_open(&relay, ANSWER_CLOSE);
	snprintf(setting, sizeof(setting), "REMORA_RELAY=%s", relay.setting);
	in_child(without_relay, setting);
	fake_relay_wait(&relay);
	RM_CHECK(relay.segment && relay.segment->reader == RM_READER_PROCESS);
	fake_relay_close(&relay);
}

static void fork_leaves_the_relays_memory(const void *setting)
{
	struct rm_segment *s;
	pid_t child;

	start((const char *const[]){ setting, "OTEL_TRACES_EXPORTER=console", NULL });
	push(2);
	s = rm_outlet_segment(&ring);
	child = fork();
	if (child == 0) {
		rm_outlet_forked();
		ring = -1;
		rm_relay_patience_ms = 100;
		push(5); /* the fake relay takes one visitor only: this child is on its own */
		RM_CHECK(rm_outlet_segment(&ring) == s && rm_segment_spans(s) == 5);
		_exit(rm_test_failed_checks != 0);
	}
	int status = -1;
	waitpid(child, &status, 0);
	RM_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	RM_CHECK(rm_segment_spans(s) == 2);
}

RM_TEST("a forked child leaves the memory that its parent shares with the relay alone")
{
	struct fake_relay relay;
	char setting[256];

	fake_relay_open(&relay, ANSWER_WELCOME);
	snprintf(setting, sizeof(setting), "REMORA_RELAY=%s", relay.setting);
	in_child(fork_leaves_the_relays_memory, setting);
	fake_relay_wait(&relay);
	RM_CHECK(relay.segment && rm_segment_spans(relay.segment) == 2);
	fake_relay_close(&relay);
}
