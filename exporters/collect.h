/*
 * Pieces of what processes print, made into log records: for each stream of each process the pieces are put
 * back into their order and its lines together (logs/lines.h). Each entry is given when the next one begins,
 * when nothing came for a while, or when the process ends. Context of everything here: worker.
 */
#ifndef RM_EXPORTERS_COLLECT_H
#define RM_EXPORTERS_COLLECT_H

#include "agent/log_record.h"
#include "exporters/resources.h"

/* Takes a record that is whole; it is the collector's, and gone when this returns. */
typedef void (*rm_collect_fn)(void *arg, uint32_t resource, const struct rm_log *log);

enum { RM_COLLECT_BUCKETS = 256 };

struct rm_collect {
	struct rm_log_limits limits;
	rm_collect_fn give;
	void *arg;
	struct rm_collect_stream *bucket[RM_COLLECT_BUCKETS];
	uint64_t skipped_bytes; /* of what was no text */
	uint64_t lost_pieces;	/* that never came, or for which there was no memory */
};

void rm_collect_init(struct rm_collect *c, const struct rm_env *env, rm_collect_fn give, void *arg);

/* Takes a valid piece of a process (copied). */
void rm_collect_take(struct rm_collect *c, uint32_t resource, const struct rm_output *piece);

/* Gives what waited long enough. Returns when there will be more to do (rm_clock_mono_ns); UINT64_MAX: nothing waits. */
uint64_t rm_collect_run(struct rm_collect *c);

/* Gives all there is, of one process or (0) of all: nothing more is waited for. */
void rm_collect_flush(struct rm_collect *c, uint32_t resource);

/* The process is no more: gives all there is, and forgets it. */
void rm_collect_end(struct rm_collect *c, uint32_t resource);

/* Frees everything, and gives nothing; says what was lost or passed over, where that is asked for. */
void rm_collect_fini(struct rm_collect *c);

#endif
