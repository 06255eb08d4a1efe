/*
 * Opens libplugin.so, which only its own RUNPATH leads to, as PHP opens extensions. For calls.c.
 */
#include <dlfcn.h>

void *open_by(const char *name);

void *open_by(const char *name)
{
	return dlopen(name, RTLD_NOW | RTLD_DEEPBIND);
}
