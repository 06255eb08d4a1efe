/*
 * Compressed messages of MongoDB: what is read of a message, unpacked. Context: hook, connection locked.
 * Spec: MongoDB, the driver specifications, "Wire Compression".
 */
#ifndef RM_PROTOCOLS_MONGODB_PACKED_H
#define RM_PROTOCOLS_MONGODB_PACKED_H

#include "protocols/proto.h"

/*
 * *text, the beginning of an OP_COMPRESSED's body, `bytes` long in all, becomes the beginning of what was compressed, not more than
 * `most` bytes, in the scratch of this feed; *ret_code is the opcode of that. False: it cannot be unpacked.
 */
bool rm_mongodb_unpack(struct rm_sink *sink, uint32_t bytes, uint32_t most, struct rm_str *text, uint32_t *ret_code);

#endif
