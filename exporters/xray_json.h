/*
 * Spans as AWS X-Ray's documents: one for each span. Context: worker.
 * Spec: AWS X-Ray developer guide, "Segment documents".
 */
#ifndef RM_EXPORTERS_XRAY_JSON_H
#define RM_EXPORTERS_XRAY_JSON_H

#include "agent/telemetry.h"
#include "base/json.h"

enum { RM_XRAY_DOCUMENT_MAX_BYTES = 64000 };

/* What the user chose; borrowed, empty where it was nothing. */
struct rm_xray_style {
	struct rm_str name;	   /* of all segments, in place of the service's */
	struct rm_str host_pattern; /* segments of requests to such a host are named after the host */
	struct rm_str annotations; /* list of attributes to search by, with wildcards */
};

/*
 * Appends the document of one span, without a line's end: a segment for what begins in this service (a request
 * that came in, a root), an independent subsegment for the rest. A call without a parent becomes a segment
 * with the call below it. One that would be longer than RM_XRAY_DOCUMENT_MAX_BYTES goes without metadata,
 * which its annotation `remora_metadata_left_out` says. False: it is still too long, or memory is short.
 */
bool rm_xray_json(struct rm_json *j, const struct rm_xray_style *style, const struct rm_record *resource,
		  const struct rm_span *span);

#endif
