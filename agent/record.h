/*
 * Builds records (agent/telemetry.h) in memory of the caller. Past the cap an attribute is left out
 * and counted in dropped_attrs: nothing is cut without being counted. Context: any, signal-safe.
 */
#ifndef RM_AGENT_RECORD_H
#define RM_AGENT_RECORD_H

#include "agent/telemetry.h"

enum rm_key {
	RM_KEY_NONE = 0,
#define RM_KEY(id, name) RM_KEY_##id,
#include "agent/semconv_keys.h"
#undef RM_KEY
	RM_KEY_COUNT,
};

struct rm_builder {
	struct rm_record *record; /* start of the caller's memory, 8-byte aligned; whole after rm_builder_end */
	char *at, *end;           /* where the next attribute goes, where the memory ends */
	uint32_t max_attrs;       /* OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT; 0 = no limit */
	uint32_t max_value_bytes; /* OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, in characters; 0 = no limit */
	uint32_t attrs_left;
	uint32_t dropped;
};

/* Name of a key: "http.request.method". */
struct rm_str rm_key_name(enum rm_key key);

/*
 * Starts a span record; `head` gives every fixed field (lengths and counts are set here).
 * b->max_attrs and b->max_value_bytes are the caller's to set, before; a resource has no limits.
 * A name or tracestate that does not fit makes the record RM_E_FULL.
 */
int rm_builder_span(struct rm_builder *b, void *memory, uint32_t cap_bytes,
		    const struct rm_span *head, struct rm_str name, struct rm_str tracestate);
int rm_builder_resource(struct rm_builder *b, void *memory, uint32_t cap_bytes);

/* Empty strings are left out (OpenTelemetry: an absent attribute, not an empty one). */
void rm_builder_str(struct rm_builder *b, enum rm_key key, struct rm_str value);
void rm_builder_i64(struct rm_builder *b, enum rm_key key, int64_t value);
/* One string of several parts. */
void rm_builder_joined(struct rm_builder *b, enum rm_key key, const struct rm_str *parts, uint32_t count);
void rm_builder_named_str(struct rm_builder *b, struct rm_str key, struct rm_str value);
/* A list of strings under a free key, as http.request.header.<key>. */
void rm_builder_named_strs(struct rm_builder *b, struct rm_str key, const struct rm_str *values,
			   uint32_t count);

/* Finds a string that was added. False: there is none. The slice is valid until the record ends. */
bool rm_builder_find_str(const struct rm_builder *b, enum rm_key key, struct rm_str *ret);

/* Ends the record: returns its size in bytes, ready for rm_segment_push. */
uint32_t rm_builder_end(struct rm_builder *b);

#endif
