/* What went wrong, as X-Ray has it. Context: worker. */
#ifndef RM_EXPORTERS_XRAY_CAUSE_H
#define RM_EXPORTERS_XRAY_CAUSE_H

#include "agent/telemetry.h"
#include "base/json.h"

/* Writes `cause` with the exceptions of a span and their stacks; false, and nothing, when it has none. */
bool rm_xray_cause(struct rm_json *j, const struct rm_span *span, bool is_remote);

#endif
