/*
 * The hooks that C cannot say, written in assembly for each architecture, and what they call.
 */
#ifndef RM_HOOKS_ABI_SHIM_H
#define RM_HOOKS_ABI_SHIM_H

#include <sys/types.h>

/*
 * Both returns of vfork's system call end here, as a tail call: marks this thread as being the
 * child, or not (any more), and turns the kernel's result into libc's. Context: hook.
 */
pid_t rm_hook_vfork_return(long result);

/* Where dlopen is to jump, and the flags to take there; two registers in both calling conventions. */
struct rm_hook_dlopen {
	void *(*target)(const char *path, int flags);
	long flags;
};

/* Decides for one call of dlopen; the target is never NULL. Context: app. */
struct rm_hook_dlopen rm_hook_dlopen(const char *path, long flags);

/*
 * Looks at a call of syscall(2) and returns where it is to jump, never NULL. The arguments are the
 * first three after the number, whether the caller gave them or not. Context: hook.
 */
long (*rm_hook_syscall(long number, long a, long b, long c))(long, ...);

/* The hook of __cxa_throw; and what it jumps to, which is never NULL where it can be reached. Context: hook. */
typedef void (*rm_cxa_throw_fn)(void *object, void *type, void (*destroy)(void *object));
void rm_hook_cxa_throw(void *object, void *type, void (*destroy)(void *object));
rm_cxa_throw_fn rm_hook_thrown(void *object, void *type);

#endif
