/*
 * One number: the bytes that are mapped. Who would take it past the limit puts back what it added; another
 * thread may then find no memory a moment too early. Context: any, signal-safe.
 */
#include "base/memory.h"

#include <stdatomic.h>

#include "base/sys.h"

static _Atomic int64_t mapped;
static _Atomic int64_t limit = INT64_MAX;

void rm_memory_limit(uint64_t bytes)
{
	atomic_store(&limit, bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX);
}

void *rm_memory_get(size_t bytes)
{
	int64_t before = atomic_fetch_add(&mapped, (int64_t)bytes);
	void *memory = NULL;

	if (before <= atomic_load(&limit) - (int64_t)bytes)
		memory = rm_sys_map(bytes);
	if (!memory)
		atomic_fetch_sub(&mapped, (int64_t)bytes);
	return memory;
}

void rm_memory_put(void *memory, size_t bytes)
{
	rm_sys2(__NR_munmap, memory, bytes);
	atomic_fetch_sub(&mapped, (int64_t)bytes);
}

uint64_t rm_memory_mapped(void)
{
	return (uint64_t)atomic_load(&mapped);
}
