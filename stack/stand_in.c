/*
 * What libunwind and libiberty refer to and the preloaded object may not take from libc (docs/SAFETY.md, L1 to L3). It
 * is linked to them alone (stack/link.py); nothing else in the object sees these names. Most of it is never reached: as
 * they are used here they open no files, look at no memory by themselves, and lock and give back nothing.
 * Context: a crash, one thread at a time.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/sys.h"

#define STAND_IN __attribute__((visibility("hidden"), used))

/* The only thing that is allocated: an address space, anew for each stack. */
enum { SPACE_BYTES = 32 * 1024 };

/* If this is reached after all, the fault ends the look at the stack (agent/crash.c). */
STAND_IN __attribute__((noreturn)) void abort(void)
{
	__builtin_trap();
}

/* What would touch files, or look at memory through the kernel: refused. */
STAND_IN long refuse(void)
{
	return -1;
}

#define SAME(name, as) __asm__(".globl " #name "\n\t.hidden " #name "\n\t.set " #name ", " #as)

SAME(close, refuse);
SAME(dl_iterate_phdr, refuse);
SAME(fstat, refuse);
SAME(mincore, refuse);
SAME(msync, refuse);
SAME(open, refuse);
SAME(pipe2, refuse);
SAME(read, refuse);
SAME(stat, refuse);
SAME(syscall, refuse);
SAME(write, refuse);
/* Not reached. */
SAME(__snprintf_chk, abort);
SAME(__stack_chk_fail, abort);
SAME(getpid, abort);
SAME(malloc, abort);
SAME(realloc, abort);
SAME(stpcpy, abort);
SAME(strcpy, abort);
SAME(strerror, abort);
SAME(strncpy, abort);
SAME(strrchr, abort);

STAND_IN void *calloc(size_t count, size_t bytes)
{
	static _Alignas(64) char space[SPACE_BYTES];

	if (bytes == 0 || count > SPACE_BYTES / bytes)
		return NULL;
	memset(space, 0, count * bytes);
	return space;
}

STAND_IN void free(void *p)
{
}

/* Of <sys/mman.h>, which would give the function another name here. */
enum { ANONYMOUS = 0x20 };

/* For the pools of libunwind, when there are more register states than it has room for. */
STAND_IN void *mmap(void *at, size_t bytes, int protection, int flags, int fd, long offset)
{
	void *p = flags & ANONYMOUS ? rm_sys_map(bytes) : NULL;

	return p ? p : (void *)-1;
}

STAND_IN int munmap(void *at, size_t bytes)
{
	return (int)rm_sys2(__NR_munmap, at, bytes);
}

/* Code that a program generates, and says so: only debuggers read that list. */
STAND_IN uintptr_t _U_dyn_info_list_addr(void)
{
	return 0;
}

/* Only the size of a page is asked for, and for nothing that is done here. */
enum { PAGE_BYTES = 4096 };

STAND_IN int getpagesize(void)
{
	return PAGE_BYTES;
}

STAND_IN long sysconf(int name)
{
	return PAGE_BYTES;
}

/* Signals are blocked as far as they can be, and there is one thread at a time. */
STAND_IN int sigfillset(void *set)
{
	return 0;
}

STAND_IN int sigprocmask(int how, const void *set, void *before)
{
	return 0;
}

STAND_IN int pthread_mutex_init(void *mutex, const void *attr)
{
	return 0;
}

STAND_IN int pthread_mutex_lock(void *mutex)
{
	return 0;
}

STAND_IN int pthread_mutex_unlock(void *mutex)
{
	return 0;
}

STAND_IN int *__errno_location(void)
{
	static int number;

	return &number;
}

STAND_IN int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

STAND_IN int strncmp(const char *a, const char *b, size_t n)
{
	while (n > 0 && *a && *a == *b) {
		a++;
		b++;
		n--;
	}
	return n > 0 ? (unsigned char)*a - (unsigned char)*b : 0;
}

/* The demangler writes numbers with it, and nothing else: "%d". */
STAND_IN int __sprintf_chk(char *to, int flag, size_t room, const char *format, ...)
{
	unsigned digits[10], n = 0, v;
	char *p = to;
	va_list args;
	int number;

	if (strcmp(format, "%d") != 0)
		abort();
	va_start(args, format);
	number = va_arg(args, int);
	va_end(args);
	v = number < 0 ? 0u - (unsigned)number : (unsigned)number;
	if (number < 0)
		*p++ = '-';
	do {
		digits[n++] = v % 10;
		v /= 10;
	} while (v);
	while (n > 0)
		*p++ = (char)('0' + digits[--n]);
	*p = '\0';
	return (int)(p - to);
}
