/*
 * OTLP's JSON encoding of a batch of spans: what http/json sends, and a line of `remora run --json FILE`.
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

/* What the parts of a signal's request are called. */
struct rm_otlp_json_names {
	const char *resources, *scopes, *records;
};

/* Writes the records of a group, as elements of an array. */
typedef void rm_otlp_json_records(struct rm_json *j, const struct rm_batch_group *g);

/* As rm_otlp_json, of any signal. */
void rm_otlp_json_batch(struct rm_json *j, const struct rm_batch *batch, const struct rm_otlp_json_names *names,
			rm_otlp_json_records *put);

/* The member "attributes" of an object, left out when there are none. */
void rm_otlp_json_attributes(struct rm_json *j, const struct rm_record *r);

#endif
