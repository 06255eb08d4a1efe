/*
 * Logs for a last flush: what is in the rings of a segment as log records, pieces of output made into lines,
 * without anything but the memory of this struct. Context: hook, signal-safe.
 */
#ifndef RM_AGENT_LAST_LOGS_H
#define RM_AGENT_LAST_LOGS_H

#include "agent/log_record.h"
#include "base/segment.h"

enum {
	RM_LAST_STREAMS = 2,
	/* More than the lines of a piece become, if each has one letter, and an entry that is as long as can be. */
	RM_LAST_STAGED_BYTES = 1536 * 1024,
};

/* Zeroed memory is a beginning, but for the limits. Large; touched as it is used. */
struct rm_last_logs {
	struct rm_log_limits limits;
	uint32_t ring;	/* the one being emptied */
	bool ended;	/* all were */
	uint32_t at, n; /* staged records: the next, and where they end */
	uint64_t expected[RM_LAST_STREAMS];
	struct rm_lines lines[RM_LAST_STREAMS];
	_Alignas(8) char record[RM_RECORD_MAX_BYTES];
	_Alignas(8) char staged[RM_LAST_STAGED_BYTES];
	char text[RM_LAST_STREAMS][RM_ENTRY_MAX_BYTES];
};

/*
 * The next log record, NULL at the end. Valid until the next call. There must be no other consumer.
 */
const struct rm_log *rm_last_logs_next(struct rm_last_logs *l, struct rm_segment *s);

#endif
