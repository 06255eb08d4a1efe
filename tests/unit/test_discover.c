/* Whose turn it is to look for libraries: hooks/discover.c alone, with looks and a clock of the test's own. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/alive.h"
#include "base/clock.h"
#include "base/loader_lock.h"
#include "base/log.h"
#include "base/objects.h"
#include "base/sys.h"
#include "hooks/discover.h"
#include "hooks/imports.h"
#include "hooks/nss.h"
#include "hooks/openssl.h"
#include "tests/rmtest.h"

enum { STEP_NS = 100000000 };

static _Atomic int looks, clock_reads, held, let_go;
static _Atomic bool dies, holds;

/* ---- what the file under test calls ---- */

void rm_openssl_scan(void)
{
	looks++;
	if (dies) {
		dies = false;
		rm_sys1(__NR_exit, 0);
	}
	if (holds) {
		holds = false;
		held = 1;
		while (!let_go)
			rm_sys0(__NR_sched_yield);
	}
}

void rm_imports_scan(void)
{
}

void rm_nss_scan(void)
{
}

void rm_objects_hold_signals(void)
{
}

bool rm_loader_lock_is_live(void)
{
	return true;
}

bool rm_alive_gone(uint32_t tid)
{
	return rm_sys3(__NR_tgkill, rm_sys0(__NR_getpid), tid, 0) < 0;
}

void rm_debug(enum rm_topic topic, const char *format, ...)
{
}

/* Each look at the clock takes a tenth of a second. */
uint64_t rm_clock_mono_ns(void)
{
	return (uint64_t)++clock_reads * STEP_NS;
}

/* ---- tests ---- */

static void *discover(void *arg)
{
	rm_discover();
	return arg;
}

static void join_one(const pthread_attr_t *attr)
{
	pthread_t thread;

	RM_CHECK(pthread_create(&thread, attr, discover, NULL) == 0);
	pthread_join(thread, NULL);
}

static void in_thread(void)
{
	join_one(NULL);
}

/*
 * A thread that ends by the system call alone is still one that can be joined: the kernel tells who waits. What it leaves
 * on its stack is not for another thread (address sanitizer).
 */
static void in_thread_that_dies(void)
{
	static _Alignas(64) char stack[1 << 20];
	pthread_attr_t attr;

	dies = true;
	pthread_attr_init(&attr);
	RM_CHECK(pthread_attr_setstack(&attr, stack, sizeof(stack)) == 0);
	join_one(&attr);
	pthread_attr_destroy(&attr);
}

/* A thread that is amid its look, until `let_go`. */
static pthread_t thread_that_holds(void)
{
	pthread_t thread;

	looks = let_go = held = 0;
	holds = true;
	RM_CHECK(pthread_create(&thread, NULL, discover, NULL) == 0);
	while (!held)
		rm_sys0(__NR_sched_yield);
	clock_reads = 0;
	return thread;
}

RM_TEST("each call looks")
{
	looks = 0;
	rm_discover();
	in_thread();
	RM_CHECK(looks == 2);
}

RM_TEST("a thread that died in a look hands its place on, and nobody waits for it")
{
	looks = 0;
	in_thread_that_dies();
	clock_reads = 0;
	rm_discover();
	in_thread();
	RM_CHECK(looks == 3);
	RM_CHECK(clock_reads == 0);
}

RM_TEST("one that does not come back is waited for once; what was asked meanwhile is looked at in the end")
{
	pthread_t thread = thread_that_holds();
	int waited;

	rm_discover();
	waited = clock_reads;
	RM_CHECK(waited > 1);
	rm_discover();
	in_thread();
	RM_CHECK(clock_reads == waited);
	let_go = 1;
	pthread_join(thread, NULL);
	RM_CHECK(looks == 2);
}

RM_TEST("one who was given up and came back is waited for again")
{
	pthread_t thread = thread_that_holds();

	rm_discover();
	RM_CHECK(clock_reads > 1);
	let_go = 1;
	pthread_join(thread, NULL);
}
