/* The Huffman code of HPACK strings. Context: any, signal-safe. Spec: RFC 7541 section 5.2, appendix B. */
#ifndef RM_PROTOCOLS_HPACK_HUFFMAN_H
#define RM_PROTOCOLS_HPACK_HUFFMAN_H

#include <stddef.h>
#include <stdint.h>

#include "protocols/tracecontext.h"

/*
 * Decodes `n` bytes into `ret`, at most `cap`. Returns the length of the text.
 * Errors: RM_E_PROTO when the code or its padding is wrong, RM_E_FULL when `cap` is too small.
 */
int64_t rm_hpack_huffman(const uint8_t *p, size_t n, char *ret, size_t cap);

/* The value of a traceparent in that code, 35 to 41 bytes. Returns how many. Spec: as rm_traceparent_format. */
size_t rm_hpack_huffman_traceparent(const struct rm_spanctx *c, uint8_t ret[RM_TRACEPARENT_BYTES]);

#endif
