/* See alive.h. */
#include "agent/alive.h"

#include <errno.h>

#include "agent/outlet.h"
#include "base/sys.h"

uint32_t rm_alive_self(void)
{
	return rm_outlet_is_silent() ? 0 : (uint32_t)rm_sys0(__NR_gettid);
}

bool rm_alive_gone(uint32_t tid)
{
	/* No signal is sent. */
	return tid && !rm_outlet_is_silent() && rm_sys3(__NR_tgkill, rm_sys0(__NR_getpid), tid, 0) == -ESRCH;
}
