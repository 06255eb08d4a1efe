/*
 * Memory from the kernel, by raw system call: the application's allocator is never involved and an
 * interposed mmap is never entered. Context: any, signal-safe.
 */
#include "base/sys.h"

#include <sys/mman.h>

void *rm_sys_map(size_t bytes)
{
	long ret = rm_sys6(__NR_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* The last page of addresses holds the kernel's negative error numbers. */
	if ((unsigned long)ret > -4096ul)
		return NULL;
	return (void *)ret;
}
