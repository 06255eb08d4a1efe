/*
 * Finding a libc function without libc's help.
 */
#ifndef RM_HOOKS_LOOKUP_H
#define RM_HOOKS_LOOKUP_H

/*
 * The function `name` of the next object after ours in load order that defines it, in its default
 * version; NULL when there is none. What dlsym(RTLD_NEXT) does, but without dlsym: which is absent
 * before glibc 2.34 in programs without libdl, allocates when it finds nothing, and replaces the
 * program's pending dlerror(). Where the loader shows no list of objects (musl), it is asked.
 * Context: init or app; signal-safe where dlsym is not needed.
 */
void *rm_hook_lookup(const char *name);

#endif
