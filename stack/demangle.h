/*
 * Names of functions and types of C++ and Rust as they stand in the source, by libiberty, whose demangler allocates
 * nothing when it is given a place to write to.
 */
#ifndef RM_STACK_DEMANGLE_H
#define RM_STACK_DEMANGLE_H

#include "base/strbuf.h"

/*
 * Writes the name of the function that a symbol stands for, without its parameters; the symbol as it is where that is no mangled
 * one. Longer names are cut, and end in "...". Context: any, signal-safe; takes up to 100 KB of stack.
 */
void rm_demangle(struct rm_str symbol, struct rm_strbuf *out);

/* The same of a type as std::type_info names it: "St13runtime_error". */
void rm_demangle_type(struct rm_str name, struct rm_strbuf *out);

#endif
