/* The checksum of Kafka's batches. Context: any, signal-safe. Spec: RFC 3720, appendix B.4. */
#ifndef RM_PROTOCOLS_CRC32C_H
#define RM_PROTOCOLS_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t rm_crc32c(const char *p, size_t n);

#endif
