/*
 * OTLP's JSON encoding of a batch: what http/json sends, and a line of `remora run --json FILE`.
 * Context: worker.
 */
#ifndef RM_EXPORTERS_OTLP_JSON_H
#define RM_EXPORTERS_OTLP_JSON_H

#include "agent/telemetry.h"
#include "base/json.h"

/*
 * Writes a batch as one ExportTraceServiceRequest, one line with its newline, into an
 * initialised writer.
 * Errors: as the writer's, `failed`.
 */
void rm_otlp_json(struct rm_json *j, const struct rm_batch *batch);

#endif
