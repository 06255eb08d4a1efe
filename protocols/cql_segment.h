/*
 * Segments, in which Cassandra's protocol 5 packs its messages once a connection has started: takes them off.
 * Context: any. Spec: Apache Cassandra, native_protocol_v5.spec, section 2, "Frame Format".
 */
#ifndef RM_PROTOCOLS_CQL_SEGMENT_H
#define RM_PROTOCOLS_CQL_SEGMENT_H

#include "base/str.h"

enum { RM_CQL_SEGMENT_HEAD_BYTES = 6 };

struct rm_cql_segment {
	uint8_t head[RM_CQL_SEGMENT_HEAD_BYTES];
	uint8_t head_n;
	uint8_t trailer; /* bytes of the checksum to come */
	uint32_t left;   /* of the payload */
};

enum rm_cql_segment_step { RM_CQL_SEGMENT_MORE, RM_CQL_SEGMENT_PAYLOAD, RM_CQL_SEGMENT_BAD };

/*
 * Goes on at p[*at] to the next piece of payload, or to the end of the bytes. BAD: the head's own checksum is wrong. That
 * of the payload is stepped over: what arrives wrong here the peer refuses.
 */
enum rm_cql_segment_step rm_cql_segment_next(struct rm_cql_segment *s, struct rm_str bytes, size_t *at, struct rm_str *ret);

#endif
