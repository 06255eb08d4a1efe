/*
 * Objects by index. Free ones form a stack linked through their first four bytes; the head carries
 * a tag that changes with each operation, so that an index which left and came back in between is
 * noticed (ABA). Memory is mapped one chunk at a time and never unmapped once published: a stale
 * index can be read at any time without a fault. Every step is one atomic operation on whole
 * state, so a fork or a signal between any two of them leaves the pool usable.
 */
#include "base/pool.h"

#include "base/memory.h"

/*
 * The link of an object that was free a moment ago. Its new owner may be writing there by now; the
 * value is then thrown away, since the tag has changed.
 */
__attribute__((noinline, no_sanitize("thread"))) static uint32_t read_link(const volatile uint32_t *at)
{
	return *at;
}

static uint32_t take_free(struct rm_pool *p)
{
	uint64_t head = atomic_load_explicit(&p->free, memory_order_acquire);

	while ((uint32_t)head != 0) {
		uint64_t tag = (head >> 32) + 1;
		uint32_t link = read_link(rm_pool_at(p, (uint32_t)head));

		if (atomic_compare_exchange_weak_explicit(&p->free, &head, tag << 32 | link,
							  memory_order_acquire,
							  memory_order_acquire))
			return (uint32_t)head;
	}
	return 0;
}

static int map_chunk(struct rm_pool *p, uint32_t chunk)
{
	size_t bytes = (size_t)p->object_bytes << p->chunk_shift;
	char *none = NULL, *memory;

	if (atomic_load_explicit(&p->chunk[chunk], memory_order_acquire))
		return 0;
	memory = rm_memory_get(bytes);
	if (!memory)
		return -1;
	if (!atomic_compare_exchange_strong_explicit(&p->chunk[chunk], &none, memory,
						     memory_order_acq_rel, memory_order_acquire))
		rm_memory_put(memory, bytes); /* another thread was faster */
	return 0;
}

uint32_t rm_pool_get(struct rm_pool *p)
{
	uint32_t index = take_free(p);
	uint32_t used, chunk;

	if (index != 0)
		return index;
	used = atomic_load_explicit(&p->next, memory_order_relaxed);
	do {
		if (used >= p->max_objects)
			return 0;
		chunk = used >> p->chunk_shift;
		if (chunk >= RM_POOL_CHUNKS || map_chunk(p, chunk) != 0)
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(&p->next, &used, used + 1,
							memory_order_relaxed, memory_order_relaxed));
	return used + 1;
}

void rm_pool_put(struct rm_pool *p, uint32_t index)
{
	_Atomic uint32_t *link = rm_pool_at(p, index);
	uint64_t head = atomic_load_explicit(&p->free, memory_order_relaxed);
	uint64_t tag;

	do {
		tag = (head >> 32) + 1;
		atomic_store_explicit(link, (uint32_t)head, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(&p->free, &head, tag << 32 | index,
							memory_order_release, memory_order_relaxed));
}

void *rm_pool_beside(struct rm_pool *p, uint32_t index)
{
	return map_chunk(p, (index - 1) >> p->chunk_shift) == 0 ? rm_pool_at(p, index) : NULL;
}

uint32_t rm_pool_live(struct rm_pool *p)
{
	uint32_t live = atomic_load(&p->next), at = (uint32_t)atomic_load(&p->free);

	for (; at; at = read_link(rm_pool_at(p, at)))
		live--;
	return live;
}
