/*
 * What the agent hands to exporters: records of spans and resources, packed, without pointers, so
 * that the same bytes live in a ring, in shared memory and in an exporter's queue.
 *
 * A record is struct rm_record (spans: struct rm_span), the name and the tracestate each
 * padded to 8 bytes, then `attr_count` attributes. Everything is little-endian host order: producer
 * and consumer are the same machine.
 */
#ifndef RM_AGENT_TELEMETRY_H
#define RM_AGENT_TELEMETRY_H

#include <stdint.h>

#include "base/str.h"

enum rm_record_type {
	RM_RECORD_FILLER = 0,
	RM_RECORD_SPAN = 1,
	RM_RECORD_RESOURCE = 2,
};

struct rm_record {
	uint32_t bytes; /* whole record, multiple of 8 */
	uint16_t type;  /* enum rm_record_type */
	uint16_t attr_count;
};

/* Numbers as in OTLP, opentelemetry.proto.trace.v1.Span.SpanKind and Status.StatusCode. */
enum rm_span_kind { RM_KIND_INTERNAL = 1, RM_KIND_SERVER, RM_KIND_CLIENT, RM_KIND_PRODUCER, RM_KIND_CONSUMER };
enum rm_span_status { RM_STATUS_UNSET = 0, RM_STATUS_OK = 1, RM_STATUS_ERROR = 2 };

enum { RM_SPAN_PARENT_REMOTE = 1 }; /* rm_span.bits: the parent lives in another process */

struct rm_span {
	struct rm_record record;
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t parent_id[8]; /* zero for a root */
	uint64_t start_ns;    /* since the Unix epoch */
	uint64_t end_ns;
	uint8_t kind;         /* enum rm_span_kind */
	uint8_t status;       /* enum rm_span_status */
	uint8_t trace_flags;  /* W3C: bit 0 sampled, bit 1 random */
	uint8_t bits;         /* RM_SPAN_... */
	uint16_t name_bytes;
	uint16_t tracestate_bytes;
	uint32_t dropped_attrs;
	uint32_t reserved;
};

enum rm_attr_type {
	RM_ATTR_STR = 1, /* UTF-8 or raw bytes; exporters replace what is not UTF-8 */
	RM_ATTR_I64 = 2,
	RM_ATTR_F64 = 3,
	RM_ATTR_BOOL = 4,
	RM_ATTR_STRS = 5, /* list: each element is a uint32_t length, then its bytes, unpadded */
};

/* On the wire of the ring: this header, the key's text if `key` is 0, padded to 8; the value, padded to 8. */
struct rm_attr_head {
	uint16_t key;        /* enum rm_key, or 0: the key's text follows */
	uint8_t type;        /* enum rm_attr_type */
	uint8_t key_bytes;   /* length of the text when key is 0 */
	uint32_t value_bytes; /* 8 for I64, F64, BOOL (as int64_t) */
};

/* A decoded attribute: slices into the record, valid as long as the record. */
struct rm_attr {
	struct rm_str key;
	bool named;        /* the key is one of ours (rm_key_name): terminated, and valid for ever */
	enum rm_attr_type type;
	union {
		struct rm_str str; /* STR: the text; STRS: the packed list, see rm_attr_strs_next */
		int64_t i64;       /* I64, BOOL */
		double f64;
	} v;
};

struct rm_attr_iter {
	const char *p, *end;
	uint32_t left;
};

/*
 * Checks a record that came from memory somebody else can write. `bytes` is what was copied out.
 * Returns true when every length in it stays inside. Context: any.
 */
bool rm_record_valid(const struct rm_record *r, uint32_t bytes);

struct rm_str rm_span_name(const struct rm_span *s);
struct rm_str rm_span_tracestate(const struct rm_span *s);

/* Starts over the attributes of a valid span or resource record. */
struct rm_attr_iter rm_record_attrs(const struct rm_record *r);

/* Gives the next attribute; false at the end. */
bool rm_attr_next(struct rm_attr_iter *it, struct rm_attr *ret);

/* Gives the next element of an RM_ATTR_STRS value; *rest starts as attr.v.str. False at the end. */
bool rm_attr_strs_next(struct rm_str *rest, struct rm_str *ret);

/* One exporter call's worth: spans grouped by the resource (process) they come from. */
struct rm_batch_group {
	const struct rm_record *resource; /* RM_RECORD_RESOURCE */
	const struct rm_span *const *spans;
	uint32_t span_count;
};

struct rm_batch {
	const struct rm_batch_group *groups;
	uint32_t group_count;
	uint32_t span_count; /* over all groups */
};

#endif
