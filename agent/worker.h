/*
 * The background thread of a process without a relay: it takes records out of the segment and
 * drives the pipeline of remora-export.so, which it opens first. There is none until somebody
 * starts it, and it can be stopped and started again.
 */
#ifndef RM_AGENT_WORKER_H
#define RM_AGENT_WORKER_H

#include "agent/telemetry.h"
#include "base/env.h"
#include "base/segment.h"

/* Records of a signal that the pipelines of all workers so far delivered and gave up. */
struct rm_worker_tally {
	uint64_t exported, dropped;
};

/* Finds what the thread needs of libc. Context: init. */
void rm_worker_init(void);

/*
 * Opens the exporting object, so that a later start finds it even where its file is out of reach.
 * Context: app.
 */
void rm_worker_prepare(const struct rm_env *env);

/*
 * From now on no file is opened: the thread works with the object that is open, and only for what a last
 * flush could do too, which asks for no file either. Context: app.
 */
void rm_worker_seal(void);
bool rm_worker_sealed(void);

/*
 * Starts the thread over a complete segment; both are borrowed for ever. False when one runs, is
 * held or stopped, or cannot be made (then never again in this process). Context: app.
 */
bool rm_worker_start(const struct rm_env *env, struct rm_segment *s);

/* True when rm_worker_start has a chance. Context: hook. */
bool rm_worker_absent(void);

/* True while there is a thread, also one that has not begun to take records. Context: hook. */
bool rm_worker_runs(void);

/* True while spans that left the rings may not have been delivered. Context: hook, signal-safe. */
bool rm_worker_busy(void);

/*
 * Keeps the worker from taking records, so that the caller may: none is started, and one that has
 * not begun leaves. False when one has begun. Context: hook, signal-safe.
 */
bool rm_worker_hold(void);

/* Ends rm_worker_hold. Context: hook. */
void rm_worker_release(void);

/*
 * Asks for everything to be delivered and waits for that, until the deadline (rm_clock_mono_ns)
 * and not longer. False when no worker answered. Context: hook, signal-safe.
 */
bool rm_worker_flush(uint64_t deadline_ns);

/* How long it has to deliver at a stop, and to be gone then, or at the end of the process. Tests let a busy machine have more. */
extern struct rm_worker_patience {
	uint64_t delivery_ns, stop_ns, quit_ns;
} rm_worker_patience;

/*
 * Stops the thread: it has 100 ms to deliver, then its transfers are aborted. Waits until the
 * kernel has dropped the task: 2 s at most, 0.1 s where threads get to run. Context: app.
 */
void rm_worker_stop(void);

/* The same at the end of the process, with nothing more to deliver: 150 ms at most. Context: hook. */
void rm_worker_quit(void);

/* In the child of a fork: there is no thread. Context: hook. */
void rm_worker_forked(void);

/* What producers ring. Context: hook. */
struct rm_doorbell *rm_worker_bell(void);

struct rm_worker_tally rm_worker_tally(enum rm_signal signal);

#endif
