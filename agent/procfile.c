/*
 * Opens for the shortest time possible: another thread of the program may fork meanwhile.
 * Context: any, signal-safe.
 */
#include "agent/procfile.h"

#include <errno.h>
#include <fcntl.h>

#include "base/sys.h"

struct rm_str rm_procfile_read(const char *path, char *ret, size_t cap)
{
	/* A name may turn out to be a pipe or a terminal: then nothing may wait or attach. */
	long fd = rm_sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
			  0);
	size_t n = 0;

	if (fd < 0)
		return (struct rm_str){ ret, 0 };
	while (n < cap) {
		long got = rm_sys3(__NR_read, fd, ret + n, cap - n);

		if (got == -EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	rm_sys1(__NR_close, fd);
	return (struct rm_str){ ret, n };
}

struct rm_str rm_procfile_link(const char *path, char *ret, size_t cap)
{
	long n = rm_sys4(__NR_readlinkat, AT_FDCWD, path, ret, cap);

	/* A full buffer may hold only the beginning. */
	return (struct rm_str){ ret, n > 0 && (size_t)n < cap ? (size_t)n : 0 };
}
