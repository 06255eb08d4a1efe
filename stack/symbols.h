/*
 * The function that an address lies in, by the symbols of its module's file, or of the file with its debugging
 * information where the distribution keeps such (/usr/lib/debug/.build-id). A file that is no longer the one which is mapped
 * tells nothing. Context of all: any, signal-safe; maps the file meanwhile.
 */
#ifndef RM_STACK_SYMBOLS_H
#define RM_STACK_SYMBOLS_H

#include "stack/module.h"

enum { RM_PATH_BYTES = 4096 };

/* A file that is mapped to be looked at. */
struct rm_symbols {
	char path[RM_PATH_BYTES]; /* of the module it belongs to; empty: none */
	const char *bytes;
	size_t size;
	struct { /* of the symbols and their names, in the file */
		const char *symbol, *text;
		size_t symbol_bytes, text_bytes;
	} table[2]; /* all of them, or those for others to use */
};

/* Zeroed: no file. Opens that of a module, if it is not open already; false when it tells nothing. */
bool rm_symbols_open(struct rm_symbols *s, const struct rm_module *m);
void rm_symbols_close(struct rm_symbols *s);

/*
 * The name of the function at `at`, an address in the file, and how far into it that is. Empty where no symbol covers it.
 * The slice is valid until the file is closed.
 */
struct rm_str rm_symbols_name(const struct rm_symbols *s, uint64_t at, uint64_t *ret_offset);

/* The address in memory of a function or variable that the module exports, from its dynamic symbols; 0: none. */
uintptr_t rm_module_symbol(struct rm_maps *m, const struct rm_module *module, const char *name);

/* Reads the tables of a whole file in memory. For rm_symbols_open, and tests. False: it has none. */
bool rm_symbols_read(struct rm_symbols *s, const char *bytes, size_t size);

#endif
