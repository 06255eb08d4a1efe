/*
 * The smallest OTLP encoder: records (agent/telemetry.h) to one ExportTraceServiceRequest in
 * protobuf, for last words at the end of a process, when nothing may be allocated and no library
 * called. What remora-export.so sends comes from exporters/otlp.c; both write the same fields.
 * Context of all: any, signal-safe.
 */
#ifndef RM_AGENT_OTLP_WIRE_H
#define RM_AGENT_OTLP_WIRE_H

#include "agent/telemetry.h"
#include "base/strbuf.h"

struct rm_otlp_wire {
	struct rm_strbuf out;
	size_t resource_spans, scope_spans; /* where the two open messages begin */
	uint32_t span_count;
};

/*
 * Starts a request over `cap_bytes` (at least 4096) of the caller's memory, borrowed until
 * rm_otlp_end, with a valid resource record. If the resource does not fit, no span does.
 */
void rm_otlp_begin(struct rm_otlp_wire *w, char *memory, size_t cap_bytes,
		   const struct rm_record *resource);

/* Adds one valid span. RM_E_FULL: it did not fit and the request is as it was before. */
int rm_otlp_span(struct rm_otlp_wire *w, const struct rm_span *span);

/* Closes the request and returns its bytes. */
struct rm_str rm_otlp_end(struct rm_otlp_wire *w);

#endif
