/*
 * Finding functions of other objects without libc's help.
 */
#ifndef RM_BASE_LOOKUP_H
#define RM_BASE_LOOKUP_H

/*
 * The function `name` of the next object after ours in load order that defines it, in its default
 * version; NULL when there is none. What dlsym(RTLD_NEXT) does, but without dlsym: which is absent
 * before glibc 2.34 in programs without libdl, allocates when it finds nothing, and takes the
 * program's pending dlerror() from it. Where the loader shows no list of objects (musl), it is asked.
 * Context: init or app; signal-safe where dlsym is not needed.
 */
void *rm_lookup_next(const char *name);

/*
 * The same among all objects, the program and the kernel's own included, but ours. NULL where the
 * loader shows no list. Context: init; later only for a name that is there, since objects that were
 * opened at run time, which others may close, come last.
 */
void *rm_lookup_first(const char *name);

#endif
