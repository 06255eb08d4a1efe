/*
 * Last words: what waits in a process's own segment goes out by itself, without the worker and
 * without remora-export.so, over plain HTTP to an address that needs no resolver. For processes
 * that end through _exit or exec, and short ones that never started their worker.
 */
#ifndef RM_AGENT_LAST_FLUSH_H
#define RM_AGENT_LAST_FLUSH_H

#include "base/env.h"
#include "base/segment.h"

/* How many of the exporters that the settings name a last flush can serve. */
enum rm_last_reach {
	RM_LAST_NONE, /* https, a host name, OTLP as JSON, or no OTLP at all */
	RM_LAST_SOME, /* others are named beside OTLP */
	RM_LAST_ALL,
};

enum rm_last_reach rm_last_flush_reach(const struct rm_env *env);

/*
 * Empties the rings of a complete segment into OTLP requests, as far as the deadline
 * (rm_clock_mono_ns) and the backend allow; there must be no other consumer. Returns how many spans
 * the backend took; those of a request that failed are lost, and REMORA_DEBUG=export has why. Context:
 * hook, signal-safe; waits.
 */
uint64_t rm_last_flush(const struct rm_env *env, struct rm_segment *s, uint64_t deadline_ns);

#endif
