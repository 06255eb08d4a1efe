/*
 * Asks the kernel to fault pages in (MADV_POPULATE_READ, MADV_POPULATE_WRITE), which fails with an
 * error where an access would fail with a signal. Nothing else is to be had without a descriptor, a
 * signal handler or a permission: process_vm_readv is refused in many containers.
 */
#include "base/probe.h"

#include <errno.h>

#include "base/sys.h"

enum { PAGE = 4096, POPULATE_READ = 22, POPULATE_WRITE = 23 };
enum access { READ = 1, WRITE = 2 };

static uintptr_t page_of(uintptr_t at)
{
	return at & ~(uintptr_t)(PAGE - 1);
}

static uintptr_t *place(struct rm_probe *known, uintptr_t page)
{
	return &known->page[page / PAGE % (sizeof(known->page) / sizeof(known->page[0]))];
}

static bool all_known(struct rm_probe *known, uintptr_t first, uintptr_t last, enum access how)
{
	uintptr_t stack = page_of((uintptr_t)__builtin_frame_address(0));

	for (uintptr_t page = first; page <= last; page += PAGE) {
		uintptr_t seen = *place(known, page);

		if (page != stack && (page_of(seen) != page || seen < page + how))
			return false;
	}
	return true;
}

/* EINVAL is said of pages without the right, and by kernels that do not know the advice. */
static bool populate(uintptr_t first, uintptr_t last, int advice)
{
	long result = rm_sys3(__NR_madvise, first, last - first + PAGE, advice);

	if (result == -EINVAL)
		return rm_sys3(__NR_madvise, page_of((uintptr_t)&result), PAGE, advice) != 0;
	return result != -ENOMEM && result != -EFAULT;
}

static bool may(struct rm_probe *known, uintptr_t at, size_t n, enum access how)
{
	uintptr_t first = page_of(at), last = page_of(at + n - 1);

	if (n == 0)
		return true;
	/* Nothing lies in the first page, nor where addresses end. */
	if (first == 0 || at + n < at)
		return false;
	if (all_known(known, first, last, how))
		return true;
	if (!populate(first, last, how == WRITE ? POPULATE_WRITE : POPULATE_READ))
		return false;
	for (uintptr_t page = first; page <= last; page += PAGE)
		*place(known, page) = page + how;
	return true;
}

bool rm_readable(struct rm_probe *known, const void *p, size_t n)
{
	return may(known, (uintptr_t)p, n, READ);
}

bool rm_writable(struct rm_probe *known, const void *p, size_t n)
{
	return may(known, (uintptr_t)p, n, WRITE);
}
