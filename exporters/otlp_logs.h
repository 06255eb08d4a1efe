/*
 * OTLP's encoding of a batch of logs in JSON; in protobuf it is otlp_proto.h's. Context: worker.
 */
#ifndef RM_EXPORTERS_OTLP_LOGS_H
#define RM_EXPORTERS_OTLP_LOGS_H

#include "agent/telemetry.h"
#include "base/json.h"

/* In JSON, one line with its newline, into an initialised writer. Errors: as the writer's, `failed`. */
void rm_otlp_json_logs(struct rm_json *j, const struct rm_batch *batch);

#endif
