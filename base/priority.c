/*
 * See priority.h. A thread begins with its maker's policy, nice value and processors (clone(2)): one that an audio
 * thread of real-time priority starts would go before all other work of the machine, and one that a busy
 * thread pinned to its processor starts would get to run when that one sleeps. The kernel always allows all of this, but
 * a filter (seccomp) may kill for it: that of a systemd unit with SystemCallFilter=~@resources does.
 */
#include "base/priority.h"

#include <stdbool.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/sys.h"

enum {
	POLICY_DEADLINE = 6,             /* SCHED_DEADLINE, which older libcs do not name */
	RESET_ON_FORK = 0x40000000,      /* SCHED_RESET_ON_FORK, a bit beside the policy */
	BEST_NICE = -20,
	WORST_AS_TOLD = 20 - BEST_NICE,  /* the kernel tells 20 - nice, which is never negative */
	PROCESSORS_BYTES = 1024,
};

static void leave_real_time(void)
{
	const struct sched_param none = { 0 };
	long told = rm_sys1(__NR_sched_getscheduler, 0), policy = told & ~RESET_ON_FORK;

	if (told >= 0 && (policy == SCHED_FIFO || policy == SCHED_RR || policy == POLICY_DEADLINE))
		rm_sys3(__NR_sched_setscheduler, 0, SCHED_OTHER | (told & RESET_ON_FORK), &none);
}

static bool is_told(long nice)
{
	return nice > 0 && nice <= WORST_AS_TOLD;
}

static void be_as_nice_as(long first)
{
	long own = rm_sys2(__NR_getpriority, PRIO_PROCESS, 0), its = rm_sys2(__NR_getpriority, PRIO_PROCESS, first);

	if (is_told(own) && is_told(its) && own > its)
		rm_sys3(__NR_setpriority, PRIO_PROCESS, 0, 20 - its);
}

static void run_where(long first)
{
	uint64_t own[PROCESSORS_BYTES / 8] = { 0 }, its[PROCESSORS_BYTES / 8] = { 0 };
	long n = rm_sys3(__NR_sched_getaffinity, first, sizeof(its), its);

	if (n > 0 && rm_sys3(__NR_sched_getaffinity, 0, sizeof(own), own) == n && memcmp(own, its, (size_t)n) != 0)
		rm_sys3(__NR_sched_setaffinity, 0, n, its);
}

void rm_priority_lower(void)
{
	long first = rm_sys0(__NR_getpid);

	if (rm_sys1(__NR_prctl, PR_GET_SECCOMP) != 0)
		return;
	leave_real_time();
	be_as_nice_as(first);
	run_where(first);
}
