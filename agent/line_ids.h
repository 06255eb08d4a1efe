/*
 * A line of the program's own, with the ids of its trace and span put in (REMORA_LOG_TRACE_IDS). Knows text only: no
 * descriptor, no memory of its own. Context of all: any, signal-safe.
 */
#ifndef RM_AGENT_LINE_IDS_H
#define RM_AGENT_LINE_IDS_H

#include "base/str.h"
#include "logs/lines.h"

enum { RM_LINE_IDS_BYTES = 88 }; /* most that is put in */

/*
 * Where ids go in a text, and what they are there: members before the last brace of an object of JSON, words at the end of
 * any other line. 0: nowhere, it is no whole line, no text, several lines, goes on with another one, has ids, or nobody can be
 * sure. `ret` has room for RM_LINE_IDS_BYTES; *ret_bytes is what is in it.
 */
size_t rm_line_ids(struct rm_str text, const struct rm_log_trace *trace, char *ret, size_t *ret_bytes);

#endif
