/*
 * What libc.so has no symbol for, or had none before glibc 2.33 (a part of libc that is linked into
 * each program had it), for the exporter object: built on a new system it must open in a process of an
 * old one. Hidden, and only there. Context: worker.
 */
#undef _FILE_OFFSET_BITS /* it renames stat to stat64 */
#include <errno.h>
#include <fcntl.h>
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

/*
 * In no libc.so either. What asks for it here is OpenSSL, to tidy up while the program's other threads
 * may still use what is tidied up: never (http.c asks it not to, this makes sure).
 */
int atexit(void (*function)(void))
{
	return 0;
}
