/*
 * Fixed-size objects, named by a 32-bit index, in memory mapped by us and never given back.
 * Lock-free and signal-safe: the free list is a tagged stack, so that a fork at any moment leaves
 * it whole. Index 0 is never handed out and means "none".
 */
#ifndef RM_BASE_POOL_H
#define RM_BASE_POOL_H

#include <stdatomic.h>
#include <stdint.h>

enum { RM_POOL_CHUNKS = 64 };

struct rm_pool {
	uint32_t object_bytes;   /* multiple of 16 */
	uint32_t chunk_objects;  /* power of two: objects in one mapping */
	uint32_t max_objects;    /* hard limit; at most chunk_objects * RM_POOL_CHUNKS */
	_Atomic uint64_t free;   /* tag << 32 | index of the first free object */
	_Atomic uint32_t next;   /* objects ever handed out */
	_Atomic(char *) chunk[RM_POOL_CHUNKS];
};

#define RM_POOL_INIT(bytes, per_chunk, max) \
	{ .object_bytes = (bytes), .chunk_objects = (per_chunk), .max_objects = (max) }

/* Takes an object, contents unspecified (zero on first use). 0 when the limit or memory is reached. */
uint32_t rm_pool_get(struct rm_pool *p);

/* Gives back an object. The caller must hold the only live use of the index. */
void rm_pool_put(struct rm_pool *p, uint32_t index);

/* Address of an object that was handed out. Stable for the life of the process. */
void *rm_pool_at(struct rm_pool *p, uint32_t index);

#endif
