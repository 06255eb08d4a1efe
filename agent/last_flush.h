/*
 * Last words: what waits in a process's own segment goes out by itself, without the worker and
 * without remora-export.so, over plain HTTP to an address that needs no resolver. For processes
 * that end through _exit or exec, and short ones that never started their worker.
 */
#ifndef RM_AGENT_LAST_FLUSH_H
#define RM_AGENT_LAST_FLUSH_H

#include "agent/telemetry.h"
#include "base/env.h"
#include "base/segment.h"

/* How many of the exporters that the settings name a last flush can serve. */
enum rm_last_reach {
	RM_LAST_NONE, /* https, a host name, OTLP as JSON or over gRPC, or no OTLP at all */
	RM_LAST_SOME, /* others are named beside OTLP */
	RM_LAST_ALL,
};

/*
 * Over all signals that are exported. `sealed`: paths lead into another root by now, so that a socket's is not
 * followed.
 */
enum rm_last_reach rm_last_flush_reach(const struct rm_env *env, bool sealed);

/* How much the backends took. */
struct rm_last_taken {
	uint64_t of[RM_SIGNAL_COUNT];
};

/*
 * Empties the rings of a complete segment into OTLP requests, as far as the deadline
 * (rm_clock_mono_ns) and the backends allow: spans first. There must be no other consumer. What it cannot
 * serve stays in the rings, with `sealed` that of sockets, too; the records of a request that failed are lost, and REMORA_DEBUG=export has why.
 * Context: hook, signal-safe; waits.
 */
struct rm_last_taken rm_last_flush(const struct rm_env *env, struct rm_segment *s, bool sealed, uint64_t deadline_ns);

#endif
