/*
 * The objects that are loaded into this process, as the loader's own tables show them: their
 * segments, functions and relocations. Reads only.
 */
#ifndef RM_BASE_OBJECTS_H
#define RM_BASE_OBJECTS_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One loaded object. Valid while it stays loaded. */
struct rm_object {
	uintptr_t base;   /* added to the addresses in its file */
	const char *path; /* empty for the program itself */
	const ElfW(Phdr) *segments;
	unsigned segment_count;
	const ElfW(Sym) *symbols;
	const char *strings;
	const ElfW(Versym) *versions; /* NULL: none */
	const uint32_t *hash;         /* GNU hash table; NULL: none */
	const uint32_t *old_hash;     /* the one of the gABI, looked into where there is no other. Both NULL: no functions can be found */
	const ElfW(Rela) *relocations, *jumps; /* `jumps` may be bound at the first call */
	size_t relocation_count, jump_count;
	size_t relative_count; /* of the relocations, the first ones: they are of no symbol */
	bool text_relocations;        /* its code is written to while it is loaded */
	bool prelinked;               /* addresses in its file are taken for real ones */
};

/*
 * Reads the dynamic section of an object loaded at `base` into `ret`, whose path and segments stay
 * empty: who has them fills them in. Context: any.
 */
void rm_object_read(struct rm_object *ret, uintptr_t base, const ElfW(Dyn) *dynamic);

/*
 * The plain function that the object defines under this name, in its default version; NULL when it
 * has none, or only an indirect one (which would have to be called to learn its address). Context: any.
 */
void *rm_object_function(const struct rm_object *o, const char *name);

/* The same for who asks many objects for one name: `hash` is rm_object_hash() of it. Context: any. */
void *rm_object_function_hashed(const struct rm_object *o, const char *name, uint32_t hash);

/* What names are found by in GNU hash tables. Context: any. */
uint32_t rm_object_hash(const char *name);

/*
 * Several of them; their names stand in `names`, one behind the other. Writes `count` addresses to `ret`, NULL for those it has
 * not. False: one of the first `needed` is missing; then `ret` is not whole. Context: any.
 */
bool rm_object_functions(const struct rm_object *o, const char *names, unsigned count, unsigned needed, void **ret);

/* The same of data that it defines. Context: any. */
void *rm_object_data(const struct rm_object *o, const char *name);

/* The loaded segment that holds all of [at, at + n); NULL when none does. Context: any. */
const ElfW(Phdr) *rm_object_segment(const struct rm_object *o, uintptr_t at, size_t n);

/* True when the loader writes to [at, at + n) while it loads the object, and forbids it then (RELRO). */
bool rm_object_is_relro(const struct rm_object *o, uintptr_t at, size_t n);

/*
 * True when the aligned word can be written to as its page is now: false for what the loader has
 * finished and made read-only. The kernel is asked, by adding nothing to a part of it. Context: any.
 */
bool rm_word_is_writable(const uintptr_t *word);

/* Of the kernel's pages, as this machine has them. Context: any. */
size_t rm_page_bytes(void);

/* True ends the walk. */
typedef bool (*rm_object_fn)(const struct rm_object *o, void *arg);

/*
 * Shows every object of the program's own namespace, ours included, while the loader's list stands
 * still: what is shown stays loaded until this returns. May be called again from inside.
 * Context: hook. The loader's list is locked, which other threads do for as long as they change it.
 * Errors: false where this libc cannot show its list.
 */
bool rm_objects_each(rm_object_fn fn, void *arg);

/* Some of the objects, by their places in the list. */
struct rm_objects_choice {
	const uint64_t *skip; /* those whose bit is set are not ... */
	uint32_t skip_count;  /* ... of so many places ... */
	uint32_t first;	      /* ... nor are those before this one */
};

/* As rm_objects_each, of those that are chosen. */
bool rm_objects_chosen(const struct rm_objects_choice *choice, rm_object_fn fn, void *arg);

/* Which objects were there the last time. Zero: none. */
struct rm_objects_known {
	uint64_t unloaded; /* objects so far */
	uint64_t mark;	   /* of where they lie, in their order */
	uint32_t count;
};

typedef void (*rm_object_new_fn)(const struct rm_object *o, uint32_t place, void *arg);

/*
 * Shows the objects that came since the last call with `known`, with their places in the list. Where one went since then, which
 * another one may have taken the address of, and where libc does not tell, all are new: place 0, the program, is then the
 * first. To be called inside a walk, so that one thread does at a time. Context: hook.
 */
void rm_objects_new(struct rm_objects_known *known, rm_object_new_fn fn, void *arg);

/*
 * From now on no signal handler runs in the middle of a walk. One that jumped out of it (siglongjmp), or stopped its
 * thread for a collector of garbage that walks over the list itself, would keep the loader's lock: the program's next
 * dlopen, or that walk, would wait for ever. Not before there are sockets: a filter that the program was born with may
 * allow no call that the loader does not make. Context: hook.
 */
void rm_objects_hold_signals(void);

/* Rises with every object that is loaded or unloaded; 0 where this libc does not tell. Context: hook. */
uint64_t rm_objects_changes(void);

#endif
