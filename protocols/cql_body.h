/*
 * What stands in the bodies of Cassandra's messages, up to where they are read. Context: any.
 * Spec: Apache Cassandra, native_protocol_v3.spec to native_protocol_v5.spec, sections 3 and 4.
 */
#ifndef RM_PROTOCOLS_CQL_BODY_H
#define RM_PROTOCOLS_CQL_BODY_H

#include "base/str.h"

/* Cut off the front of *rest. False: it is not all there; *rest is undefined then. */
bool rm_cql_byte(struct rm_str *rest, uint8_t *ret);
bool rm_cql_short(struct rm_str *rest, uint32_t *ret);
bool rm_cql_int(struct rm_str *rest, uint32_t *ret);
bool rm_cql_string(struct rm_str *rest, struct rm_str *ret);      /* [string] and [short bytes] */
bool rm_cql_skip_value(struct rm_str *rest);                      /* [bytes] and [value] */
bool rm_cql_skip_payload(struct rm_str *rest);                    /* [bytes map] */
bool rm_cql_skip_strings(struct rm_str *rest);                    /* [string list] */

/* A [long string], as much of it as is there. */
bool rm_cql_text(struct rm_str *rest, struct rm_str *ret);

/* Has a [string map] this key? One that is not all there has it, perhaps. */
bool rm_cql_map_has(struct rm_str map, struct rm_str key);

#endif
