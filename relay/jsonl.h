/*
 * The file of `remora run --json`: one OTLP ExportTraceServiceRequest in JSON per line, the spans
 * of one process that arrived together. A line is written by one write(2), so that a reader that
 * follows the file sees whole lines. Context of everything here: worker.
 * Spec: OpenTelemetry protocol, file exporter (JSON lines) and JSON Protobuf encoding.
 */
#ifndef RM_RELAY_JSONL_H
#define RM_RELAY_JSONL_H

#include "agent/telemetry.h"

enum { RM_JSONL_SPANS_MAX = 512 }; /* of one line */

struct rm_jsonl;

/* Creates or empties `path`. Errors: NULL, with errno. */
struct rm_jsonl *rm_jsonl_open(const char *path);

/* Adds a span (copied) of the process behind `resource` to the line; writes it when it is full. */
void rm_jsonl_add(struct rm_jsonl *j, const struct rm_record *resource, const struct rm_span *span);

/* Writes the line, if there is anything for it. */
void rm_jsonl_write(struct rm_jsonl *j, const struct rm_record *resource);

/* The errno of the first write that failed, after which nothing more is written; 0 if all is well. */
int rm_jsonl_error(const struct rm_jsonl *j);

/* Closes the file. */
void rm_jsonl_close(struct rm_jsonl *j);

#endif
