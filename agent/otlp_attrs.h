/*
 * Attributes of a record in OTLP. Context of all: any, signal-safe.
 */
#ifndef RM_AGENT_OTLP_ATTRS_H
#define RM_AGENT_OTLP_ATTRS_H

#include "agent/telemetry.h"
#include "base/strbuf.h"

/* Puts the attributes of a valid record as repeated KeyValue. */
void rm_otlp_attrs(struct rm_strbuf *b, uint32_t field, const struct rm_record *r);

#endif
