/*
 * A backend: one const struct in one file of exporters/. The pipeline (exporters/pipeline.h) does
 * batching, retry and time limits; an exporter encodes one batch and delivers it once.
 */
#ifndef RM_AGENT_EXPORTER_H
#define RM_AGENT_EXPORTER_H

#include <stdatomic.h>

#include "agent/telemetry.h"
#include "base/env.h"

enum rm_export_code {
	RM_EXPORT_DONE,    /* delivered; `rejected` records were refused for good (partial success) */
	RM_EXPORT_RETRY,   /* not delivered, may work later; not before retry_after_ns */
	RM_EXPORT_REFUSED, /* will never be accepted as it is: drop and count */
	RM_EXPORT_TOO_LARGE, /* as one request: the pipeline halves it, and drops a record that is alone */
};

struct rm_export_result {
	enum rm_export_code code;
	uint64_t retry_after_ns; /* from now; 0 = the pipeline's own back-off */
	uint32_t rejected;
	char message[256];       /* what the backend said, for the debug log; may be empty */
};

/* What an exporter may use while it waits for the network. */
struct rm_export_io {
	uint64_t deadline_ns;      /* rm_clock_mono_ns() by which the call must be back */
	const atomic_int *abort;   /* not 0: return at once with RM_EXPORT_RETRY */
	void (*idle)(void *arg);   /* call at least every 10 ms while waiting; may be NULL */
	void *idle_arg;
};

struct rm_exporter {
	const char *name; /* as in OTEL_TRACES_EXPORTER or OTEL_LOGS_EXPORTER */
	enum rm_signal signal; /* what it takes; who takes both is in the list twice, under one name */
	const char *help; /* one line for `remora list exporters` */
	/* Reads its settings. On RM_E_INVALID it has said why through rm_warn. Context: worker. */
	int (*open)(const struct rm_env *env, void **ret_state);
	/* Encodes and delivers a batch (borrowed, const). Context: worker. */
	void (*export)(void *state, const struct rm_batch *batch, const struct rm_export_io *io,
		       struct rm_export_result *ret);
	void (*close)(void *state);
	/* Longest time for one batch, retries included; 0 or no function: the pipeline's own limit. */
	uint64_t (*budget_ns)(const void *state);
	/* Batches of one, sent at once: the console. */
	bool immediate;
};

#endif
