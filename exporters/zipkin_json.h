/*
 * Spans in the form of Zipkin's POST /api/v2/spans. Context: worker.
 * Spec: OpenTelemetry specification, trace/sdk_exporters/zipkin.md; Zipkin API v2 (openapi of openzipkin).
 */
#ifndef RM_EXPORTERS_ZIPKIN_JSON_H
#define RM_EXPORTERS_ZIPKIN_JSON_H

#include "agent/telemetry.h"
#include "base/json.h"

/* Appends the batch as one array; j->failed says whether memory was short. */
void rm_zipkin_json(struct rm_json *j, const struct rm_batch *batch);

#endif
