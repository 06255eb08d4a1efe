/*
 * Symbol look-up over the loader's list of objects: in each one's GNU hash table (base/objects.c).
 * Reads only; takes no lock, so it is for the time when nobody unloads objects.
 * Must never call libc: in a process without one this is how we find that out. Context: init, app.
 */
#include "base/lookup.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

#include "base/objects.h"

#pragma weak _r_debug
#pragma weak dlsym
#pragma weak dlerror

extern ElfW(Dyn) our_dynamic[] __asm__("_DYNAMIC") __attribute__((visibility("hidden")));

static void *find(const struct link_map *m, const char *name, uint32_t hash)
{
	struct rm_object o;

	rm_object_read(&o, m->l_addr, m->l_ld);
	return rm_object_function_hashed(&o, name, hash);
}

/* The message of a name that is missing would be taken for one of the program's own. */
static void *ask(const char *name)
{
	void *found = dlsym ? dlsym(RTLD_NEXT, name) : NULL;

	if (!found && dlerror)
		dlerror();
	return found;
}

void *rm_lookup_next(const char *name)
{
	uint32_t hash = rm_object_hash(name);
	const struct link_map *m;
	void *found = NULL;

	if (!&_r_debug)
		return ask(name);
	for (m = _r_debug.r_map; m && m->l_ld != our_dynamic; m = m->l_next)
		;
	for (m = m ? m->l_next : NULL; m && !found; m = m->l_next)
		found = find(m, name, hash);
	return found;
}

void *rm_lookup_first(const char *name)
{
	uint32_t hash = rm_object_hash(name);
	void *found = NULL;

	if (!&_r_debug)
		return NULL;
	for (const struct link_map *m = _r_debug.r_map; m && !found; m = m->l_next)
		if (m->l_ld != our_dynamic)
			found = find(m, name, hash);
	return found;
}
