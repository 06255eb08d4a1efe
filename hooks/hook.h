/*
 * What a hook is made of: one row and one body. RM_HOOK names a libc function and the function that
 * stands in for it until table.c has found the real one, so that a hook works in code that runs
 * before our constructor. The rows lie in a linker section: there is no second list, and the export
 * list of the object and `remora list hooks` are read from it. docs/HOOKS.md has the rules.
 */
#ifndef RM_HOOKS_HOOK_H
#define RM_HOOKS_HOOK_H

#define RM_EXPORT __attribute__((visibility("default")))

enum { RM_HOOK_NAME_BYTES = 24 };

struct rm_hook {
	const char name[RM_HOOK_NAME_BYTES]; /* in the row: an address would be one more to write at each start */
	void **slot; /* where the address of the real function goes; NULL when none is needed */
};

#define RM_HOOK_ROW(fn, address)                                                               \
	__attribute__((used, section("rm_hooks"), aligned(16))) static const struct rm_hook    \
		rm_hook_row_##fn = { #fn, address }

/* Declares real_<fn> with the type libc's header gives it; `fallback` makes the raw system call. */
#define RM_HOOK(fn, fallback)                                                                  \
	static __typeof__(&fn) real_##fn = (fallback);                                         \
	RM_HOOK_ROW(fn, (void **)&real_##fn)

/* A hook that is made of other hooks' real functions, or replaces libc's altogether. */
#define RM_HOOK_ALONE(fn) RM_HOOK_ROW(fn, 0)

/*
 * The real function of a row without a fallback (it is no plain system call), looked up now if the
 * constructor has not run yet; NULL when this libc has none.
 */
#define RM_LATE(fn) ((__typeof__(&fn))rm_hook_late(&rm_hook_row_##fn))

/* Behind RM_LATE. Context: app. */
void *rm_hook_late(const struct rm_hook *row);

#endif
