/*
 * OTEL_RESOURCE_ATTRIBUTES: a list of key=value, both percent-encoded. Any mistake makes the whole
 * value void. Spec: OpenTelemetry, resource/sdk.md, "Specifying resource information via an
 * environment variable". Context of all: any, signal-safe.
 */
#ifndef RM_AGENT_RESOURCE_ATTRS_H
#define RM_AGENT_RESOURCE_ATTRS_H

#include "base/str.h"
#include "base/strbuf.h"

enum { RM_RESOURCE_ATTRS_MAX = 128 };

struct rm_resource_attrs {
	uint32_t count; /* more than RM_RESOURCE_ATTRS_MAX are left out */
	struct rm_str key[RM_RESOURCE_ATTRS_MAX], value[RM_RESOURCE_ATTRS_MAX];
};

/* True when every item can be decoded. */
bool rm_resource_attrs_valid(struct rm_str raw);

/*
 * Decodes the list; of equal keys the last one stays. Nothing when it is not valid.
 * Ownership: slices of `room`, which should hold as many bytes as `raw`.
 */
void rm_resource_attrs_decode(struct rm_str raw, struct rm_strbuf *room,
			      struct rm_resource_attrs *ret);

/* The value of a key; p is NULL when there is none. */
struct rm_str rm_resource_attrs_find(const struct rm_resource_attrs *a, struct rm_str key);

/* Decodes the value of one key alone into `room`; p is NULL without one, or if it does not fit. */
struct rm_str rm_resource_attrs_get(struct rm_str raw, struct rm_str key, char *room, size_t cap);

#endif
