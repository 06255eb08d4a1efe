/*
 * The batch processor of spans and logs: takes records, keeps a bounded queue for each exporter of
 * each signal, makes batches, delivers, retries with back-off, gives up, counts. It has no thread: the
 * agent's worker or the relay drives it. One destination's trouble never delays or drops another's records,
 * nor one signal's the other's.
 * Spec: OpenTelemetry specification, trace/sdk.md and logs/sdk.md (batching processor),
 * protocol/exporter.md (retry).
 * Context of everything here: worker.
 */
#ifndef RM_EXPORTERS_PIPELINE_H
#define RM_EXPORTERS_PIPELINE_H

#include <stdatomic.h>

#include "agent/rules.h"
#include "agent/telemetry.h"
#include "base/env.h"

enum { RM_EXPORT_ABI = 5 };

struct rm_pipeline;
struct rm_poller;

/* Records of a signal since open(). All but `received` count each exporter's, when there are several. */
struct rm_pipeline_stats {
	uint64_t received, exported;
	uint64_t dropped_queue;	  /* queue full, or no memory */
	uint64_t dropped_refused; /* the backend will not have them */
	uint64_t dropped_timeout; /* the export timeout passed without an answer */
	uint64_t rejected;	  /* parts of batches that were accepted otherwise */
	uint64_t retries;	  /* attempts, not records */
	uint64_t queued;	  /* now */
};

struct rm_pipeline_driver {
	void (*idle)(void *arg); /* called at least every 10 ms while the network is waited for */
	void *arg;
	const atomic_int *abort; /* not 0: come back at once */
};

/* The only way into remora-export.so: a table of functions, so that it exports one symbol. */
struct rm_pipeline_api {
	uint32_t abi; /* RM_EXPORT_ABI */

	/*
	 * Opens the exporters that `env` names for `signals` (a bit for each: 1 << enum rm_signal).
	 * `log_topics`, `log_level`: for this object's log.
	 * Returns NULL when none could be opened (the reason was logged). Ownership: close() frees.
	 */
	struct rm_pipeline *(*open)(const struct rm_env *env, unsigned signals, unsigned log_topics, int log_level,
				    const struct rm_pipeline_driver *driver);

	/*
	 * Copies a resource record and returns its handle (> 0); equal bytes give the same handle.
	 * 0: no memory. Ownership: resource_put() gives it back, or close() with all others.
	 */
	uint32_t (*resource)(struct rm_pipeline *p, const struct rm_record *resource);

	/* Gives a handle back: its record is freed once all that belongs to it has left. */
	void (*resource_put)(struct rm_pipeline *p, uint32_t resource);

	/*
	 * Copies a valid record of a span or log into the queues of its signal; pieces of output are made into logs
	 * first. May be called from the driver's idle().
	 * Errors: RM_E_FULL, some queue dropped it (counted); RM_E_INVALID, no such resource.
	 */
	int (*push)(struct rm_pipeline *p, uint32_t resource, const struct rm_record *record);

	/* False: what is pushed of this signal now may well be dropped, by all of its queues. */
	bool (*has_room)(const struct rm_pipeline *p, enum rm_signal signal);

	/*
	 * Does what is due (full batches, batches older than the delay, retries).
	 * Returns ns until more is due; UINT64_MAX: nothing is queued.
	 */
	uint64_t (*run)(struct rm_pipeline *p);

	/*
	 * Delivers everything queued, or what can be until rm_clock_mono_ns() reaches the
	 * deadline. The first attempt at each backend does not wait for the end of a back-off.
	 * Errors: RM_E_IO, something is still queued.
	 */
	int (*flush)(struct rm_pipeline *p, uint64_t deadline_ns);

	void (*stats)(const struct rm_pipeline *p, enum rm_signal signal, struct rm_pipeline_stats *ret);
	void (*close)(struct rm_pipeline *p);

	/*
	 * What is asked while the program runs: sampling rules that a backend gives out, where `env` says so, which keep
	 * `rules` up to date; and where the program runs, which `pipeline` adds to its resources. Both are borrowed, and
	 * may be NULL. NULL: nothing is to be asked. Ownership: poller_close() frees, before the pipeline is closed.
	 */
	struct rm_poller *(*poller_open)(const struct rm_env *env, const struct rm_pipeline_driver *driver,
					 struct rm_rules *rules, struct rm_pipeline *pipeline);

	/* Asks what is due: two seconds at most for one answer. Returns ns until more is. */
	uint64_t (*poll)(struct rm_poller *p);
	void (*poller_close)(struct rm_poller *p);
};

/* What is known by now of where all processes run: of that each resource gets the attributes that it does not have. */
void rm_pipeline_tell(struct rm_pipeline *p, const struct rm_record *facts);

#define RM_EXPORT_SYMBOL "remora_export_api"
/* Exported by remora-export.so. NULL when `abi` is not the one it was built for. */
const struct rm_pipeline_api *remora_export_api(uint32_t abi);

#endif
