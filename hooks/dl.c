/*
 * Hook of dlopen: RTLD_DEEPBIND is taken off, since an extension opened with it (PHP opens all of
 * its own so) would find libc's socket calls before ours. libc takes the caller's return address to
 * find out whose RUNPATH and $ORIGIN count, so the hook must not stand between them: its body in
 * abi/ asks here and then jumps. That an object is loaded is noted: it may be a TLS library, or a runtime.
 * Context: app.
 */
#include "adapters/adapters.h"
#include "agent/hookapi.h"
#include "agent/tls.h"
#include "hooks/abi/shim.h"
#include "hooks/hook.h"
#include "hooks/lookout.h"

#include <dlfcn.h>

RM_HOOK(dlopen, NULL);

static void *no_dlopen(const char *path, int flags)
{
	return NULL;
}

struct rm_hook_dlopen rm_hook_dlopen(const char *path, long flags)
{
	__typeof__(&dlopen) real = RM_LATE(dlopen);

	rm_lookout(); /* what the calls before this one have loaded */
	rm_tls_loading();
	rm_adapters_loading(path);
	rm_lookout_loading();
	return (struct rm_hook_dlopen){
		.target = real ? real : no_dlopen,
		.flags = rm_active() ? flags & ~(long)RTLD_DEEPBIND : flags,
	};
}
