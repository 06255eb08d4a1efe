/* What a segment says of its service. Context: worker. Spec: AWS X-Ray, "Segment documents". */
#ifndef RM_EXPORTERS_XRAY_PLACE_H
#define RM_EXPORTERS_XRAY_PLACE_H

#include "base/json.h"
#include "exporters/xray_facts.h"

/* Writes `origin`, `user`, `service` and `aws` into the segment that is open. */
void rm_xray_place(struct rm_json *j, const struct rm_xray_facts *f);

#endif
