/*
 * The way out of the process: owns the segment that threads push records to, and what empties it.
 * With REMORA_RELAY the segment is a memfd shared with the relay and nothing runs in here. Else a
 * worker thread, started late and only at a safe point, opens remora-export.so and drives its
 * pipeline. Ends: flush within REMORA_EXIT_TIMEOUT, by the worker where there is one, else by a
 * signal-safe last flush (plain http endpoints), else counted as lost.
 */
#ifndef RM_AGENT_OUTLET_H
#define RM_AGENT_OUTLET_H

#include "agent/hookapi.h"
#include "agent/resource.h"
#include "agent/telemetry.h"
#include "base/segment.h"

/* Remembers the settings (borrowed for ever). No system call. Context: init. */
void rm_outlet_init(const struct rm_env *env, const struct rm_program *program);

/* Whether records of a signal leave the process at all. Context: any. */
bool rm_outlet_takes(enum rm_signal signal);

/*
 * The segment, for spans: made on the first call (and again in a forked child, see rm_outlet_forked). NULL
 * when none are exported (exporter "none" alone) or no memory is to be had. `ret_ring` gets a ring
 * number for a thread that has none (< 0). Context: hook, signal-safe.
 */
struct rm_segment *rm_outlet_segment(int8_t *ring);

/*
 * A span is in the making, and one is less: it left, or none will come. What is promised and not kept when the process is killed
 * counts as lost. Takes the ring of the calling thread, as rm_outlet_segment does, so that threads do not write to one place;
 * gives what rm_outlet_kept wants, 0 where nobody would be there to count it. Context: hook.
 */
unsigned rm_outlet_promise(int8_t *ring);
void rm_outlet_kept(unsigned promise);

/* Spans of this process that were dropped so far because they came too fast: where they wait, or at who reads them. Context: hook. */
uint64_t rm_outlet_crowded(void);

/*
 * Sends a log record of `bytes` on its way, or counts it as lost. Nothing is done where logs are not exported.
 * Context: hook, signal-safe.
 */
void rm_outlet_log(const struct rm_log *log, uint32_t bytes);

/*
 * The same of a piece of output: `head` with its size and number of bytes, which are taken from byte `skip` of
 * `text` (borrowed) on. Its source is filled in here.
 */
void rm_outlet_output(struct rm_output *head, const struct iovec *text, size_t skip);

/* After a push of `bytes` that left `fill` bytes waiting: wakes the consumer if it is time. Context: hook. */
void rm_outlet_pushed(uint32_t bytes, uint32_t fill);

/* True when spans wait, no worker runs, and one may be started. Context: hook. */
bool rm_outlet_wants_worker(void);

/* Starts the worker if it is wanted. Context: app, never a signal handler. */
void rm_outlet_safe_point(void);

/*
 * In the child of a fork: forgets the parent's segment and worker. What waits stays the parent's.
 * Context: hook.
 */
void rm_outlet_forked(void);

/* See rm_process_end. RM_END_EXIT may start the worker; the others never do. */
void rm_outlet_end(enum rm_end how);

/*
 * A signal handler ends the process while this very thread waits in rm_outlet_end: goes on waiting for the
 * worker until the same deadline. Context: any, signal-safe.
 */
void rm_outlet_end_again(void);
void rm_outlet_resume(void);

/*
 * Stops the worker and waits (see rm_worker_stop) until the kernel has dropped the task. It may start
 * again at a safe point, but not at once: how long that takes follows from how long the stop took.
 * Context: app.
 */
void rm_outlet_stop(void);

/*
 * Before the process gets another root: stops the worker and reaches for what is not to be looked for
 * there, the relay or the exporting object. Context: app.
 */
void rm_outlet_root_changes(void);

/*
 * Stops the worker for good: before the main thread's pthread_exit, or what a second thread would
 * spoil. `silent` is for seccomp and its like: from now on no system call is made here either, so
 * that only a relay still gets spans. Context: app.
 */
void rm_outlet_retire(bool silent);

/* True behind that: the agent makes no system call of its own any more. Context: any. */
bool rm_outlet_is_silent(void);

#endif
