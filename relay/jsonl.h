/*
 * The file of `remora run --json`: one OTLP ExportTraceServiceRequest or ExportLogsServiceRequest in JSON per
 * line, the spans or the log records of one process that arrived together. A line is written by one write(2), so
 * that a reader that follows the file sees whole lines. Context of everything here: worker.
 * Spec: OpenTelemetry protocol, file exporter (JSON lines) and JSON Protobuf encoding.
 */
#ifndef RM_RELAY_JSONL_H
#define RM_RELAY_JSONL_H

#include "agent/telemetry.h"

enum { RM_JSONL_RECORDS_MAX = 512 }; /* of one line */

struct rm_jsonl;

/* Creates or empties `path`. Errors: NULL, with errno. */
struct rm_jsonl *rm_jsonl_open(const char *path);

/*
 * Adds a span or a log record (copied) of the process behind `resource` (borrowed until the next rm_jsonl_write) to
 * the line of its kind; writes that when it is full, or has another process's.
 */
void rm_jsonl_add(struct rm_jsonl *j, const struct rm_record *resource, const struct rm_record *record);

/* Writes the lines, if there is anything for them. */
void rm_jsonl_write(struct rm_jsonl *j);

/* The errno of the first write that failed, after which nothing more is written; 0 if all is well. */
int rm_jsonl_error(const struct rm_jsonl *j);

/* Closes the file. */
void rm_jsonl_close(struct rm_jsonl *j);

#endif
