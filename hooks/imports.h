/*
 * Hooks of libraries other than libc: instead of exporting a name, which every process would then
 * seem to have, the slots through which loaded objects call the library are written to. RM_IMPORT
 * is a row as RM_HOOK is; the rows lie in a linker section, from which `remora list hooks` is read.
 * docs/HOOKS.md says which slots are written to and which are not.
 */
#ifndef RM_HOOKS_IMPORTS_H
#define RM_HOOKS_IMPORTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A library, and which of its copies in this process the real functions of its rows are of. */
struct rm_library {
	const char *name;
	const char *anchor;      /* a function by which it is known: who defines it is the library */
	const void *instance;    /* where that function is; NULL while there is none */
	bool has_own;            /* it calls itself through slots that are to lead to the hooks, too */
	bool unwanted;           /* by the settings: nothing is looked for or written to */
};

struct rm_import {
	struct rm_library *library;
	const char *name;
	void *hook;    /* NULL: only the real function is wanted */
	void **slot;   /* where the address of the real function goes */
	bool optional; /* older releases do not have it */
};

#define RM_IMPORT_ROW(row, lib, fn, hook, is_optional)                                         \
	static __typeof__(&fn) real_##fn;                                                      \
	__attribute__((used, section("rm_imports"), aligned(8))) static const struct rm_import \
		row##fn = { &lib, #fn, hook, (void **)&real_##fn, is_optional }

/* Declares real_<fn> and hook_<fn> with the type of `fn`; the hook's body follows. */
#define RM_IMPORT(lib, fn)               \
	static __typeof__(fn) hook_##fn; \
	RM_IMPORT_ROW(rm_import_row_, lib, fn, (void *)hook_##fn, false)
/* The same of a function that releases of the library may lack: then nobody calls it. */
#define RM_IMPORT_IF_PRESENT(lib, fn)    \
	static __typeof__(fn) hook_##fn; \
	RM_IMPORT_ROW(rm_import_row_, lib, fn, (void *)hook_##fn, true)
/* The same of a member of a C++ class: `symbol` is what linkers call it. */
#define RM_IMPORT_MEMBER(lib, fn, symbol)                                                      \
	static __typeof__(fn) hook_##fn;                                                       \
	static __typeof__(&fn) real_##fn;                                                      \
	__attribute__((used, section("rm_imports"), aligned(8))) static const struct rm_import \
		rm_import_row_##fn = { &lib, symbol, (void *)hook_##fn, (void **)&real_##fn, true }
/* Declares real_<fn>, for hooks to call; nobody's calls are led away. NULL, if present only. */
#define RM_USE(lib, fn) RM_IMPORT_ROW(rm_use_row_, lib, fn, NULL, false)
#define RM_USE_IF_PRESENT(lib, fn) RM_IMPORT_ROW(rm_use_row_, lib, fn, NULL, true)

/* What a scan found, over the life of the process. */
struct rm_imports_seen {
	uint32_t hooked; /* slots that lead to a hook now */
	uint32_t left;   /* objects that call a library in a way that is not understood, or not ours to change */
};

/*
 * Looks through all loaded objects and leads their calls to the hooks. To be called again whenever
 * objects may have been loaded; costs nothing much when none was.
 * Context: hook, one thread at a time: the caller sees to that. Takes the loader's lock, see
 * rm_objects_each.
 */
void rm_imports_scan(void);

/*
 * To be called between storing real functions and storing where hooks that call them are reached: callers
 * load the one and then the other without a barrier. Context: hook.
 */
void rm_imports_publish(void);

/* Context: any. */
struct rm_imports_seen rm_imports_seen(void);

/* Another tool watches how the loader binds calls (LD_AUDIT, LD_PROFILE): no scan does anything. Context: init. */
void rm_imports_forbid(void);

#endif
