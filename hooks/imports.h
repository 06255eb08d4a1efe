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
	struct rm_library *with; /* looked for only where that one was found, whose rows come first; and calls that one makes are its own */
	const void *instance;    /* where that function is; NULL while there is none */
	const struct rm_import *from, *to; /* between which its rows are, and perhaps others' too; since the first scan */
	uint32_t anchor_hash;    /* since then, too */
	bool settled;            /* the last scan found nothing to write, and nothing that it did not understand */
	bool has_own;            /* it calls itself through slots that are to lead to the hooks, too */
	bool unwanted;           /* by the settings: nothing is looked for or written to */
};

/* A row. Distances, each from itself to what is meant, as an address would be one more to write at each start; 0: none. */
struct rm_import {
	int32_t library;  /* struct rm_library */
	int32_t name;     /* a text */
	int32_t hook;     /* none: only the real function is wanted */
	int32_t slot;     /* where the address of the real function goes */
	int32_t optional; /* older releases do not have it */
};

/* Declares one; what only a row names would be left out by the compiler. */
#define RM_LIBRARY __attribute__((used)) static struct rm_library

/* `hook` is a text: what the assembler calls it, or 0. */
#define RM_IMPORT_ROW(row, lib, fn, symbol, hook, is_optional)                                                              \
	__attribute__((used)) static __typeof__(&fn) real_##fn;                                                             \
	__asm__(".pushsection .rodata.str1.1,\"aMS\",@progbits,1\n" #row #fn "_name: .string \"" symbol "\"\n.popsection\n"  \
		".pushsection rm_imports,\"a\",@progbits\n.balign 4\n" #row #fn ":\n"                                      \
		".long " #lib " - ., " #row #fn "_name - ., " hook ", real_" #fn " - ., " #is_optional "\n.popsection\n")

/* Declares real_<fn> and hook_<fn> with the type of `fn`; the hook's body follows. */
#define RM_IMPORT(lib, fn)                                     \
	__attribute__((used)) static __typeof__(fn) hook_##fn; \
	RM_IMPORT_ROW(rm_import_row_, lib, fn, #fn, "hook_" #fn " - .", 0)
/* The same of a function that releases of the library may lack: then nobody calls it. */
#define RM_IMPORT_IF_PRESENT(lib, fn)                          \
	__attribute__((used)) static __typeof__(fn) hook_##fn; \
	RM_IMPORT_ROW(rm_import_row_, lib, fn, #fn, "hook_" #fn " - .", 1)
/* The same of a member of a C++ class: `symbol` is what linkers call it. */
#define RM_IMPORT_MEMBER(lib, fn, symbol)                      \
	__attribute__((used)) static __typeof__(fn) hook_##fn; \
	RM_IMPORT_ROW(rm_import_row_, lib, fn, symbol, "hook_" #fn " - .", 1)
/* Declares real_<fn>, for hooks to call; nobody's calls are led away. NULL, if present only. */
#define RM_USE(lib, fn) RM_IMPORT_ROW(rm_use_row_, lib, fn, #fn, "0", 0)
#define RM_USE_IF_PRESENT(lib, fn) RM_IMPORT_ROW(rm_use_row_, lib, fn, #fn, "0", 1)

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

struct rm_object;

/* Whether the object defines a library that is looked for; whether it calls one by any of the rows. That never changes. Context: hook. */
bool rm_imports_defines(const struct rm_object *o);
bool rm_imports_calls(const struct rm_object *o);

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
