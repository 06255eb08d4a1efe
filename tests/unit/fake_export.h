/*
 * What the fake exporter object (fake_export.c) tells the test and is told by it: one page in a
 * file that both map, named by FAKE_EXPORT_STATE.
 */
#ifndef RM_TESTS_FAKE_EXPORT_H
#define RM_TESTS_FAKE_EXPORT_H

#include <stdatomic.h>

struct fake_export {
	atomic_int hang;   /* told: run() and flush() come back only when aborted */
	atomic_int refuse; /* told: open() gives nothing */
	atomic_int opened, closed, hanging;
	atomic_int pushed, delivered, runs, resource_bytes;
	atomic_int fds; /* the thread's at open(), besides the one that lists them */
	atomic_int sigterm_blocked;
	atomic_int policy, nice, processors;
	atomic_int stderr_is_null; /* at the last run() */
	char name[16];		   /* of the thread */
};

#endif
