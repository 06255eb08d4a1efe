/*
 * OTLP in protobuf: records (agent/telemetry.h) to one ExportTraceServiceRequest or ExportLogsServiceRequest, in memory of
 * the caller and with no library, so that it serves for last words at the end of a process as well as for what
 * remora-export.so sends (exporters/otlp_proto.c).
 * Context of all: any, signal-safe.
 */
#ifndef RM_AGENT_OTLP_WIRE_H
#define RM_AGENT_OTLP_WIRE_H

#include "agent/telemetry.h"
#include "base/strbuf.h"

struct rm_otlp_wire {
	struct rm_strbuf out;
	size_t resource_spans, scope_spans; /* where the two open messages begin, which are numbered alike for logs */
	uint32_t span_count;		    /* or logs */
	bool records_stay;		    /* for the caller to set: spans that were added stay as they are up to rm_otlp_end */
	const struct rm_span *last;	    /* with records_stay: the one that was added last; NULL: none */
	size_t last_attrs, last_attrs_bytes; /* what its attributes became: where in `out`, and how much */
};

/*
 * Starts a request over `cap_bytes` (at least 4096) of the caller's memory, borrowed until
 * rm_otlp_end, with a valid resource record. If the resource does not fit, no span does.
 */
void rm_otlp_begin(struct rm_otlp_wire *w, char *memory, size_t cap_bytes,
		   const struct rm_record *resource);

/* Adds one valid span. RM_E_FULL: it did not fit and the request is as it was before. */
int rm_otlp_span(struct rm_otlp_wire *w, const struct rm_span *span);

/* The same of a log record, in a request that has no spans. */
int rm_otlp_log(struct rm_otlp_wire *w, const struct rm_log *log);

/* Closes the request and returns its bytes. */
struct rm_str rm_otlp_end(struct rm_otlp_wire *w);

#endif
