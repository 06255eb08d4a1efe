/*
 * May memory of the program be touched? For the few places that look at a caller's memory before
 * the kernel does, or write where it did not: where the kernel would answer EFAULT, we must not
 * fault.
 */
#ifndef RM_BASE_PROBE_H
#define RM_BASE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pages asked for before: one of these for each thread. Zeroed: none. */
struct rm_probe {
	uintptr_t page[8]; /* a page's address + 1, + 2 when it can be written; by its number's last bits */
};

/*
 * True when all of [p, p + n) can be read (written). The page of the caller's stack frame and pages
 * that were asked for lately cost nothing, others a system call (0.4 us for a run of pages). A page
 * that the program unmaps afterwards is still taken for what it was: a program that gives memory
 * away and then sends it is not what this protects.
 * Context: any, signal-safe.
 * Errors: true where the kernel cannot tell (before Linux 5.14, or a filter forbids the call).
 */
bool rm_readable(struct rm_probe *known, const void *p, size_t n);
bool rm_writable(struct rm_probe *known, const void *p, size_t n);

#endif
