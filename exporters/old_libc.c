/*
 * What libc.so has no symbol for, or had none before glibc 2.33 (a part of libc that is linked into
 * each program had it), for the exporter object: built on a new system it must open in a process of an
 * old one. Which of them are used depends on the system. Hidden, and only there. Context: worker.
 */
#undef _FILE_OFFSET_BITS /* it renames stat to stat64 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/sys.h"

static int look(int dir, const char *path, struct stat *ret, int flags)
{
	long error = rm_sys4(__NR_newfstatat, dir, path, ret, flags);

	if (error == 0)
		return 0;
	errno = (int)-error;
	return -1;
}

int stat(const char *path, struct stat *ret)
{
	return look(AT_FDCWD, path, ret, 0);
}

int lstat(const char *path, struct stat *ret)
{
	return look(AT_FDCWD, path, ret, AT_SYMLINK_NOFOLLOW);
}

int fstat(int fd, struct stat *ret)
{
	return look(fd, "", ret, AT_EMPTY_PATH);
}

int fstatat(int dir, const char *path, struct stat *ret, int flags)
{
	return look(dir, path, ret, flags);
}

/*
 * In no libc.so either. What asks for it here is OpenSSL, to tidy up while the program's other threads
 * may still use what is tidied up: never (http.c asks it not to, this makes sure).
 */
int atexit(void (*function)(void))
{
	return 0;
}

/* OpenSSL asks for at most 256 bytes, which come at once, and has other sources. Of 2.25. */
int getentropy(void *ret, size_t n)
{
	return rm_sys3(__NR_getrandom, ret, n, 0) == (long)n ? 0 : -1;
}

/* The identifiers of c-ares' questions. Of 2.36. */
void arc4random_buf(void *ret, size_t n);
void arc4random_buf(void *ret, size_t n)
{
	long got = 1;

	for (size_t have = 0; have < n && (got > 0 || got == -EINTR);
	     have += got > 0 ? (size_t)got : 0)
		got = rm_sys3(__NR_getrandom, (char *)ret + have, n - have, 0);
}

/* glibc has two of each, which differ: a reference without a version gets the older, dlsym the newer. */
#define NEWER(ret, name, params, args)                                                   \
	ret name params                                                                  \
	{                                                                                \
		__typeof__(&name) found = (__typeof__(&name))dlsym(RTLD_DEFAULT, #name); \
                                                                                         \
		return found args;                                                       \
	}

NEWER(int, pthread_cond_init, (pthread_cond_t * cond, const pthread_condattr_t *attr), (cond, attr))
NEWER(int, pthread_cond_destroy, (pthread_cond_t * cond), (cond))
NEWER(int, pthread_cond_signal, (pthread_cond_t * cond), (cond))
NEWER(int, pthread_cond_broadcast, (pthread_cond_t * cond), (cond))
NEWER(int, pthread_cond_wait, (pthread_cond_t * cond, pthread_mutex_t *mutex), (cond, mutex))
NEWER(int, pthread_cond_timedwait,
      (pthread_cond_t * cond, pthread_mutex_t *mutex, const struct timespec *until),
      (cond, mutex, until))
NEWER(char *, realpath, (const char *path, char *ret), (path, ret))

/* Since 2.38 headers turn calls of the second names into the first, which take binary numbers too. */
#define C23(ret, name, params, args)          \
	ret old_##name params __asm__(#name); \
	ret __isoc23_##name params;           \
	ret __isoc23_##name params            \
	{                                     \
		return old_##name args;       \
	}

C23(long, strtol, (const char *text, char **end, int base), (text, end, base))
C23(unsigned long, strtoul, (const char *text, char **end, int base), (text, end, base))
C23(long long, strtoll, (const char *text, char **end, int base), (text, end, base))
C23(unsigned long long, strtoull, (const char *text, char **end, int base), (text, end, base))
C23(int, vsscanf, (const char *text, const char *format, va_list ret), (text, format, ret))

int __isoc23_sscanf(const char *text, const char *format, ...);
int __isoc23_sscanf(const char *text, const char *format, ...)
{
	va_list ret;
	int n;

	va_start(ret, format);
	n = old_vsscanf(text, format, ret);
	va_end(ret);
	return n;
}
