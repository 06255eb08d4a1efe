/*
 * Numbers as protocols write them: in network order (be) and in the other one (le). The bytes are there, in any
 * alignment. Context: any, signal-safe.
 */
#ifndef RM_BASE_ENDIAN_H
#define RM_BASE_ENDIAN_H

#include <stdint.h>

static inline uint16_t rm_be16(const void *bytes)
{
	const uint8_t *p = bytes;

	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t rm_be24(const void *bytes)
{
	const uint8_t *p = bytes;

	return (uint32_t)p[0] << 16 | rm_be16(p + 1);
}

static inline uint32_t rm_be32(const void *bytes)
{
	const uint8_t *p = bytes;

	return (uint32_t)rm_be16(p) << 16 | rm_be16(p + 2);
}

static inline uint64_t rm_be64(const void *bytes)
{
	const uint8_t *p = bytes;

	return (uint64_t)rm_be32(p) << 32 | rm_be32(p + 4);
}

static inline uint16_t rm_le16(const void *bytes)
{
	const uint8_t *p = bytes;

	return (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t rm_le24(const void *bytes)
{
	const uint8_t *p = bytes;

	return (uint32_t)p[2] << 16 | rm_le16(p);
}

static inline uint32_t rm_le32(const void *bytes)
{
	const uint8_t *p = bytes;

	return (uint32_t)rm_le16(p + 2) << 16 | rm_le16(p);
}

static inline uint64_t rm_le64(const void *bytes)
{
	const uint8_t *p = bytes;

	return (uint64_t)rm_le32(p + 4) << 32 | rm_le32(p);
}

#endif
