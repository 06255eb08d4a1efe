/*
 * close_range(2) with CLOSE_RANGE_UNSHARE where there is one (Linux 5.9; container filters usually
 * allow it), else unshare(2) and a walk through /proc. Descriptors 0 to 2 are always taken, so that
 * no socket gets a number that a library writes messages to.
 */
#include "agent/private_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/memfd.h>
#include <linux/sched.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "base/sys.h"

enum { FIRST_CLOSED = 3 };

struct entry { /* struct linux_dirent64 */
	uint64_t ino;
	int64_t off;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

static void close_listed(const char *p, long n, long listing)
{
	const struct entry *e;
	uint64_t fd;

	for (long at = 0; at < n; at += e->bytes) {
		e = (const struct entry *)(p + at);
		if (rm_str_u64(rm_str_c(e->name), &fd) && fd >= FIRST_CLOSED && (long)fd != listing)
			rm_sys1(__NR_close, fd);
	}
}

static bool close_by_walk(void)
{
	_Alignas(8) char entries[4096];
	long listing = rm_sys4(__NR_openat, AT_FDCWD, "/proc/thread-self/fd",
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long n;

	if (listing < 0)
		return false;
	/* The kernel lists by number: closing what was listed does not disturb the walk. */
	while ((n = rm_sys3(__NR_getdents64, listing, entries, sizeof(entries))) > 0)
		close_listed(entries, n, listing);
	rm_sys1(__NR_close, listing);
	return n == 0;
}

/* The null device, or in a root without one an empty file in memory. */
static bool put_null(int fd)
{
	long null = rm_sys4(__NR_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);

	if (null < 0)
		null = rm_sys2(__NR_memfd_create, "null", MFD_CLOEXEC);
	if (null < 0)
		return false;
	if (null == fd)
		return true;
	if (rm_sys3(__NR_dup3, null, fd, O_CLOEXEC) < 0)
		return false;
	rm_sys1(__NR_close, null);
	return true;
}

bool rm_private_fds(void)
{
	if (rm_sys3(__NR_close_range, FIRST_CLOSED, ~0u, CLOSE_RANGE_UNSHARE) < 0 &&
	    (rm_sys1(__NR_unshare, CLONE_FILES) < 0 || !close_by_walk()))
		return false;
	if (!put_null(0) || !put_null(1))
		return false;
	return rm_sys2(__NR_fcntl, 2, F_GETFD) >= 0 || put_null(2);
}

void rm_private_fds_mute(void)
{
	put_null(2);
}
