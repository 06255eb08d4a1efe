/*
 * Attributes of records as plain JSON, as backends have it that know no types but those of JSON.
 * Context: worker.
 */
#ifndef RM_EXPORTERS_ATTR_JSON_H
#define RM_EXPORTERS_ATTR_JSON_H

#include "agent/telemetry.h"
#include "base/json.h"

/* A value: a text, a number, a boolean or an array of texts. */
void rm_attr_json(struct rm_json *j, const struct rm_attr *a);

/* All attributes of a valid record, as one object. */
void rm_attrs_json(struct rm_json *j, const struct rm_record *r);

#endif
