/*
 * Fixed-size objects, named by a 32-bit index, in memory mapped by us and never given back.
 * Lock-free and signal-safe: the free list is a tagged stack, so that a fork at any moment leaves
 * it whole. Index 0 is never handed out and means "none".
 */
#ifndef RM_BASE_POOL_H
#define RM_BASE_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { RM_POOL_CHUNKS = 64 };

struct rm_pool {
	uint32_t object_bytes;   /* multiple of 16 */
	uint32_t chunk_shift;    /* objects in one mapping, as a power of two */
	uint32_t max_objects;    /* hard limit; at most RM_POOL_CHUNKS mappings of them */
	_Atomic uint64_t free;   /* tag << 32 | index of the first free object */
	_Atomic uint32_t next;   /* objects ever handed out */
	_Atomic(char *) chunk[RM_POOL_CHUNKS];
};

/* `per_chunk` is a power of two. */
#define RM_POOL_INIT(bytes, per_chunk, max) \
	{ .object_bytes = (bytes), .chunk_shift = __builtin_ctz(per_chunk), .max_objects = (max) }

/* Takes an object, contents unspecified (zero on first use). 0 when the limit or memory is reached. */
uint32_t rm_pool_get(struct rm_pool *p);

/* Gives back an object. The caller must hold the only live use of the index. */
void rm_pool_put(struct rm_pool *p, uint32_t index);

/* Address of an object that was handed out. Stable for the life of the process. */
static inline void *rm_pool_at(struct rm_pool *p, uint32_t index)
{
	uint32_t chunk = (index - 1) >> p->chunk_shift, at = (index - 1) - (chunk << p->chunk_shift);

	return atomic_load_explicit(&p->chunk[chunk], memory_order_acquire) +
	       (size_t)at * p->object_bytes;
}

/*
 * The object of an index that another pool gave, which has as many in a chunk, in a pool that gives none itself: what few of its objects
 * need. Contents are those that were left there, zero at first. NULL: no memory.
 */
void *rm_pool_beside(struct rm_pool *p, uint32_t index);

/* Objects in use. Walks the free list: only for tests, while nobody else uses the pool. */
uint32_t rm_pool_live(struct rm_pool *p);

#endif
