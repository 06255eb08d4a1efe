/*
 * Reads the beginning of what Snappy compressed: a block, not its framed format. No memory, no more than `cap` bytes of work.
 * Context: any, signal-safe. Spec: Snappy, "compressed format description".
 */
#ifndef RM_PROTOCOLS_SNAPPY_H
#define RM_PROTOCOLS_SNAPPY_H

#include "base/str.h"

/*
 * Unpacks up to `cap` bytes of the block `in` to `out`. `in` may be cut off. Returns how many were unpacked, and *ret_size, how many
 * there are in all; -1: it is no such block.
 */
int64_t rm_snappy_begin(struct rm_str in, char *out, uint32_t cap, uint32_t *ret_size);

#endif
