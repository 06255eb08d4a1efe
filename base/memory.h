/*
 * Memory that hooks keep for good: pools and tables. It is never given back, so what a process has of it is
 * what it once needed, and a limit on all of it together is a limit for ever (REMORA_MEMORY_LIMIT).
 * Context of all: any, signal-safe.
 */
#ifndef RM_BASE_MEMORY_H
#define RM_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Sets the limit; what is mapped already counts. Before, there is none. */
void rm_memory_limit(uint64_t bytes);

/* Anonymous zeroed memory, page-aligned. NULL when there is none or the limit is reached. */
void *rm_memory_get(size_t bytes);

/* Gives memory back that nobody has seen yet: another thread was faster. */
void rm_memory_put(void *memory, size_t bytes);

/* Bytes mapped so far. */
uint64_t rm_memory_mapped(void);

#endif
