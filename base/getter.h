/*
 * What a function gives that does nothing but give a constant, read from its code instead of called:
 * a program may have a function of the same name that does something else.
 */
#ifndef RM_BASE_GETTER_H
#define RM_BASE_GETTER_H

/* So many bytes of the function are looked at. */
enum { RM_GETTER_BYTES = 32 };

/*
 * The constant address that the function at `code` returns; NULL if it does anything else, or does it in a
 * way that no compiler was seen to. `code` has RM_GETTER_BYTES that can be read.
 * Context: any.
 */
const void *rm_getter_value(const void *code);

#endif
