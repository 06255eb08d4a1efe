/*
 * The hook of mlockall. Once all memory to come is locked, what we map counts against the limit that the
 * program has for it (8 MiB, mostly): its own memory would be refused, and its stack could not grow, which is
 * SIGSEGV. So where there is not plenty, nothing of ours is mapped from then on. Context: app.
 */
#include "agent/hookapi.h"
#include "base/sys.h"
#include "hooks/hook.h"
#include "hooks/raw.h"

#include <errno.h>
#include <sys/mman.h>

/* More than rings, pools and the worker's malloc take. */
enum { PLENTY_BYTES = 256 << 20 };

/* Asks for more memory, without a use of it: what may not be locked is refused, each time in this way. */
static bool is_scarce(void)
{
	long p = rm_sys6(__NR_mmap, 0, PLENTY_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == -EAGAIN)
		return true;
	if (p > 0)
		rm_sys2(__NR_munmap, p, PLENTY_BYTES);
	return false;
}

static int raw_mlockall(int flags)
{
	return (int)raw_result(rm_sys1(__NR_mlockall, flags));
}

RM_HOOK(mlockall, raw_mlockall);
RM_EXPORT int mlockall(int flags)
{
	int result = real_mlockall(flags);

	if (result == 0 && flags & MCL_FUTURE && rm_active() && is_scarce())
		rm_go_quiet();
	return result;
}
