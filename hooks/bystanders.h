/*
 * Objects that have nothing to do with the libraries that we hook: they neither define nor call any. Nearly all are such, and
 * what an object defines and calls does not change: each is looked at once, and passed over until one is unloaded.
 */
#ifndef RM_HOOKS_BYSTANDERS_H
#define RM_HOOKS_BYSTANDERS_H

#include "base/objects.h"

/* By which OpenSSL is known: 1.1.0 has none. */
#define RM_OPENSSL_ANCHOR "SSL_read_ex"

/* Which objects are known: the places below `count`, since the last time that all were new. */
struct rm_bystanders_known {
	uint32_t resets, count;
};

/* Looks at what is new. To be called inside a walk over the objects, whose lock protects what is kept here. Context: hook. */
struct rm_bystanders_known rm_bystanders_note(void);

/*
 * As rm_objects_each, of objects that define a library, or that call one, from place `first` on. Inside the same walk, after
 * rm_bystanders_note. Context: hook.
 */
void rm_bystanders_definers(rm_object_fn fn, void *arg);
void rm_bystanders_callers(uint32_t first, rm_object_fn fn, void *arg);

#endif
