/* agent/worker.c and agent/private_fds.c, driven through agent/outlet.c. */
#include "agent/thread.h"
#include "agent/worker.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "outlet_fixture.h"

#define STOP_NS 100000000 /* for one who hangs; others have a minute */

static void worker_flushes(const void *how)
{
	start_for_worker();
	push(10);
	RM_CHECK(threads() == 1);
	rm_outlet_safe_point();
	UNTIL(fake->opened == 1);
	push(5);
	rm_outlet_end(*(const enum rm_end *)how);
	RM_CHECK(fake->pushed == 15 && fake->delivered == 15);
	RM_CHECK(fake->resource_bytes >= (int)sizeof(struct rm_record));
	RM_CHECK(strcmp(fake->name, "remora") == 0 && fake->sigterm_blocked == 1);
	RM_CHECK(!rm_thread_self()->worker);
	/* Destructors run without us beside them; the other ends are as quick as the kernel's. */
	if (*(const enum rm_end *)how == RM_END_EXIT)
		RM_CHECK(threads() == 1 && fake->closed == 1);
}

RM_TEST("a worker that runs delivers everything at every kind of end")
{
	enum rm_end how[] = { RM_END_EXIT, RM_END_UNDERSCORE_EXIT, RM_END_EXEC };

	for (int i = 0; i < 3; i++)
		in_child(worker_flushes, &how[i]);
}

static void started_at_exit(const void *arg)
{
	start_for_worker();
	push(3);
	rm_outlet_end(RM_END_UNDERSCORE_EXIT);
	RM_CHECK(fake->opened == 0 && threads() == 1);
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->opened == 1 && fake->delivered == 3);
}

RM_TEST("an exit starts a worker for what only it can deliver, _exit does not")
{
	in_child(started_at_exit, NULL);
}

static void idle_worker(const void *arg)
{
	struct rm_doorbell *bell = rm_worker_bell();
	uint32_t rung;

	start_for_worker();
	push(1);
	rm_outlet_safe_point();
	UNTIL(fake->pushed == 1);
	/* The fake holds the span back, so the worker sleeps on time: a second one wakes nobody. */
	UNTIL(bell->waiting == RM_DOORBELL_TIMED);
	rung = bell->rung;
	push(1);
	RM_CHECK(bell->rung == rung);
	/* A ring that fills is another matter. */
	push(2 * RM_RING_BYTES / 4 / 150);
	UNTIL(fake->pushed > 2);
	RM_CHECK(bell->rung > rung);
	rm_outlet_end(RM_END_EXEC);
	rm_outlet_resume();
	/* Now nothing is queued, it sleeps for ever: the first span wakes it, whatever the fill. */
	for (int i = 0; i < 50; i++) {
		int before = fake->pushed;

		usleep(500 * (i % 3));
		push(1);
		UNTIL(fake->pushed == before + 1);
		rm_outlet_end(RM_END_EXEC);
		rm_outlet_resume();
	}
	RM_CHECK(fake->delivered == fake->pushed);
}

RM_TEST("a sleeping worker is woken by the first span after idleness and by a ring that fills")
{
	in_child(idle_worker, NULL);
}

static void stop_and_restart(const void *hangs)
{
	start_for_worker();
	fake->hang = hangs != NULL;
	if (hangs)
		rm_worker_patience.delivery_ns = STOP_NS;
	push(4);
	rm_outlet_safe_point();
	UNTIL(hangs ? fake->hanging == 1 : fake->pushed == 4);
	RM_CHECK(threads() == 2);
	rm_outlet_stop();
	RM_CHECK(threads() == 1);
	RM_CHECK(fake->closed == 1 && fake->delivered == (hangs ? 0 : 4));
	rm_outlet_stop();
	fake->hang = 0;
	rm_outlet_safe_point();
	RM_CHECK(threads() == 1);
	push(2);
	UNTIL((rm_outlet_safe_point(), threads() == 2));
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->opened == 2 && fake->pushed == 6 && fake->delivered == (hangs ? 2 : 6));
}

RM_TEST("a stopped worker has delivered what it had and is gone for the kernel; a new one follows")
{
	in_child(stop_and_restart, NULL);
}

RM_TEST("a worker stuck in a transfer is gone after a stop, too, and a new one follows")
{
	in_child(stop_and_restart, "hangs");
}

static void stop_at_any_moment(const void *arg)
{
	start_for_worker();
	for (int i = 0; i < 100; i++) {
		push(1);
		RM_CHECK(rm_worker_start(&env, rm_outlet_segment(&ring)));
		usleep((unsigned)(i * 13));
		rm_outlet_stop();
		RM_CHECK(threads() == 1);
	}
	RM_CHECK(fake->delivered == 100 && fake->closed == fake->opened);
}

RM_TEST("a stop right after the start, or while the exporter is opened, works as well")
{
	in_child(stop_at_any_moment, NULL);
}

static void stop_pauses(const void *arg)
{
	start_for_worker();
	fake->hang = 1;
	rm_worker_patience.delivery_ns = STOP_NS;
	push(1);
	rm_outlet_safe_point();
	UNTIL(fake->hanging == 1);
	rm_outlet_stop(); /* takes 100 ms and more, so nothing starts for seconds */
	push(1);
	for (int i = 0; i < 100; i++) {
		rm_outlet_safe_point();
		RM_CHECK(threads() == 1);
		rm_outlet_stop();
	}
	RM_CHECK(fake->opened == 1);
	fake->hang = 0;
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->delivered == 1);
}

RM_TEST("after a stop that took long no worker starts at once, except at the end of the process")
{
	in_child(stop_pauses, NULL);
}

static void retired(const void *silent)
{
	start_for_worker();
	push(1);
	rm_outlet_safe_point();
	UNTIL(fake->pushed == 1);
	rm_outlet_retire(silent != NULL);
	RM_CHECK(threads() == 1 && fake->delivered == 1);
	push(1);
	rm_outlet_safe_point();
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(threads() == 1 && fake->opened == 1);
}

RM_TEST("a retired outlet never starts a worker again")
{
	in_child(retired, NULL);
	in_child(retired, "silent");
}

static void bounded_end(const void *arg)
{
	start((const char *const[]){ "OTEL_TRACES_EXPORTER=console", "REMORA_EXIT_TIMEOUT=50",
				     NULL });
	fake->hang = 1;
	push(1);
	rm_outlet_safe_point();
	UNTIL(fake->hanging == 1);
	/* Would take a minute if each end had its own time. */
	for (int i = 0; i < 1200; i++)
		rm_outlet_end(RM_END_EXEC);
	RM_CHECK(fake->delivered == 0);
}

RM_TEST("all ends of a process together wait only once for a backend that hangs")
{
	in_child(bounded_end, NULL);
}

static void fds_are_private(const void *arg)
{
	int before;

	for (int i = 0; i < 20; i++)
		if (dup(1) < 0)
			abort();
	start_for_worker();
	before = open_fds();
	push(1);
	rm_outlet_safe_point();
	UNTIL(fake->runs > 0);
	RM_CHECK(fake->fds == 3);
	RM_CHECK(open_fds() == before);
	RM_CHECK(fake->stderr_is_null == 0);
}

RM_TEST("the worker sees none of the application's descriptors and adds none to them")
{
	in_child(fds_are_private, NULL);
}

static void fds_are_private_on_old_kernels(const void *arg)
{
	refuse_call(SYS_close_range, ENOSYS);
	fds_are_private(arg);
}

RM_TEST("so it does where the kernel has no close_range")
{
	in_child(fds_are_private_on_old_kernels, NULL);
}

static void stderr_is_given_back(const void *topic)
{
	int fds[2];

	if (pipe(fds) != 0 || dup2(fds[1], 2) < 0)
		abort();
	rm_log_init(topic ? RM_LOG_TRACE : 0, RM_LEVEL_INFO);
	start((const char *const[]){ "OTEL_EXPORTER_OTLP_ENDPOINT=https://localhost:1", NULL });
	push(1);
	rm_outlet_safe_point();
	UNTIL(fake->runs > 0);
	RM_CHECK(fake->stderr_is_null == (topic == NULL));
	close(2);
	close(fds[1]);
	if (!topic) {
		char byte;

		/* Nobody else holds the pipe: its end is seen while the worker lives. */
		RM_CHECK(read(fds[0], &byte, 1) == 0);
	}
}

RM_TEST("the worker holds stderr open only for the console and the debug log")
{
	in_child(stderr_is_given_back, NULL);
	in_child(stderr_is_given_back, "topic");
}

static int processors_of(pid_t thread)
{
	cpu_set_t set;

	RM_CHECK(sched_getaffinity(thread, sizeof(set), &set) == 0);
	return CPU_COUNT(&set);
}

/* What the thread may not be, it is not. */
static void become_better(int policy)
{
	const struct sched_param least = { .sched_priority = 1 };

	sched_setscheduler(0, policy, &least);
	setpriority(PRIO_PROCESS, (id_t)gettid(), -5);
}

static void *start_worker(void)
{
	rm_outlet_safe_point();
	UNTIL(fake->opened == 1);
	return NULL;
}

/* As an audio thread, or one that has its processor to itself. */
static void *starts_as_somebody_better(void *arg)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	RM_CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
	become_better(*(const int *)arg);
	return start_worker();
}

/* Has a thread start the worker. */
static void start_from(void *(*thread_main)(void *), const void *arg)
{
	pthread_t thread;

	push(1);
	RM_CHECK(pthread_create(&thread, NULL, thread_main, (void *)(uintptr_t)arg) == 0);
	pthread_join(thread, NULL);
	RM_CHECK(fake->opened == 1);
}

static void worker_has_no_priority(const void *policy)
{
	start_for_worker();
	RM_CHECK(setpriority(PRIO_PROCESS, 0, 3) == 0);
	start_from(starts_as_somebody_better, policy);
	RM_CHECK(fake->policy == SCHED_OTHER && fake->nice == 3);
	RM_CHECK(fake->processors == processors_of(getpid()));
}

static void worker_stays_idle(const void *arg)
{
	const struct sched_param none = { 0 };

	start_for_worker();
	RM_CHECK(sched_setscheduler(0, SCHED_IDLE, &none) == 0 && setpriority(PRIO_PROCESS, 0, 7) == 0);
	push(1);
	start_worker();
	RM_CHECK(fake->policy == SCHED_IDLE && fake->nice == 7);
}

/* What a thread of real-time priority may not do below such a filter, its worker may not either. */
static void *starts_below_a_filter(void *arg)
{
	become_better(SCHED_FIFO);
	filter_call(__NR_sched_setscheduler, SECCOMP_RET_KILL_PROCESS);
	filter_call(__NR_setpriority, SECCOMP_RET_KILL_PROCESS);
	filter_call(__NR_sched_setaffinity, SECCOMP_RET_KILL_PROCESS);
	return start_worker();
}

static void worker_lives_below_a_filter(const void *arg)
{
	start_for_worker();
	start_from(starts_below_a_filter, NULL);
}

RM_TEST("the worker asks for no other priority where a filter may kill for that")
{
	in_child(worker_lives_below_a_filter, NULL);
}

RM_TEST("the worker has no priority over the process, whoever starts it, and takes none")
{
	const int policies[] = { SCHED_FIFO, SCHED_RR | SCHED_RESET_ON_FORK, SCHED_OTHER };

	for (int i = 0; i < 3; i++)
		in_child(worker_has_no_priority, &policies[i]);
	in_child(worker_stays_idle, NULL);
}

static void both_signals(const void *arg)
{
	start((const char *const[]){ "OTEL_TRACES_EXPORTER=console", "OTEL_LOGS_EXPORTER=console", NULL });
	push(3);
	push_logs(4);
	rm_outlet_safe_point();
	UNTIL(fake->pushed == 7);
	push_logs(2);
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->delivered == 9 && fake->opened == 1);
}

RM_TEST("the worker takes spans and logs, each from its rings")
{
	in_child(both_signals, NULL);
}
