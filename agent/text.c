/*
 * Text memory by size class, each a pool. Owns the pools; never gives memory back to the system,
 * so the high-water mark is bounded by the limits below: 32 + 64 + 160 + 20 + 17 MiB at the very worst,
 * touched only as far as it was ever used at once.
 */
#include "agent/text.h"

#include "base/pool.h"

enum { CLASSES = 5, CLASS_SHIFT = 28 };

static struct rm_pool pools[CLASSES] = {
	RM_POOL_INIT(512, 1024, 65536),
	RM_POOL_INIT(2048, 512, 32768),
	RM_POOL_INIT(5 * 1024, 512, 32768),
	RM_POOL_INIT(20 * 1024, 16, 1024),
	RM_POOL_INIT(68 * 1024, 4, 256),
};

rm_text rm_text_get(size_t bytes)
{
	for (uint32_t c = 0; c < CLASSES; c++) {
		uint32_t index;

		if (bytes > pools[c].object_bytes)
			continue;
		index = rm_pool_get(&pools[c]);
		if (index)
			return c << CLASS_SHIFT | index;
	}
	return 0;
}

void rm_text_put(rm_text t)
{
	if (t)
		rm_pool_put(&pools[t >> CLASS_SHIFT], t & ((1u << CLASS_SHIFT) - 1));
}

char *rm_text_at(rm_text t)
{
	return rm_pool_at(&pools[t >> CLASS_SHIFT], t & ((1u << CLASS_SHIFT) - 1));
}

size_t rm_text_cap(rm_text t)
{
	return pools[t >> CLASS_SHIFT].object_bytes;
}

uint32_t rm_text_live(void)
{
	uint32_t live = 0;

	for (uint32_t c = 0; c < CLASSES; c++)
		live += rm_pool_live(&pools[c]);
	return live;
}
