/*
 * OTLP's binary encoding of a batch. Context: worker.
 */
#ifndef RM_EXPORTERS_OTLP_PROTO_H
#define RM_EXPORTERS_OTLP_PROTO_H

#include "agent/telemetry.h"

/* What both encodings say of a span's flags: opentelemetry.proto.trace.v1.SpanFlags. */
enum { RM_OTLP_HAS_IS_REMOTE = 0x100, RM_OTLP_IS_REMOTE = 0x200 };

/*
 * Encodes a batch as ExportTraceServiceRequest or ExportLogsServiceRequest of at most `max_bytes`.
 * Ownership: *ret_bytes is returned, free() it.
 * Errors: RM_E_RANGE when it would be larger; RM_E_NOMEM.
 */
int rm_otlp_proto(const struct rm_batch *batch, size_t max_bytes, uint8_t **ret_bytes, size_t *ret_n);

#endif
