/* See alive.h. */
#include "agent/alive.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/outlet.h"
#include "base/sys.h"

uint32_t rm_alive_self(void)
{
	return rm_outlet_is_silent() ? 0 : (uint32_t)rm_sys0(__NR_gettid);
}

/* A folder has a link in each of its own folders, of which this one has one for each thread. */
bool rm_alive_alone(void)
{
	struct stat threads;

	return !rm_outlet_is_silent() && rm_sys4(__NR_newfstatat, AT_FDCWD, "/proc/self/task", &threads, 0) == 0 &&
	       threads.st_nlink == 3;
}

bool rm_alive_gone(uint32_t tid)
{
	/* No signal is sent. */
	return tid && !rm_outlet_is_silent() && rm_sys3(__NR_tgkill, rm_sys0(__NR_getpid), tid, 0) == -ESRCH;
}
