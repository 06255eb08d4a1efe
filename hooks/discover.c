/* See discover.h. The loader's list is locked meanwhile, for some 50 us where libraries are found. */
#include "hooks/discover.h"

#include <stdatomic.h>

#include "base/loader_lock.h"
#include "base/log.h"
#include "base/objects.h"
#include "base/patience.h"
#include "hooks/imports.h"
#include "hooks/nss.h"
#include "hooks/openssl.h"

static _Atomic uint32_t wanted; /* how often somebody came */
static _Atomic uint64_t at_work; /* the process, of which a forked child has another number, and its thread that looks */

enum { WAIT_NS = 1000000000 };

/*
 * On the connection of who comes meanwhile plaintext may follow before the look is over, if its thread does
 * not get to run. It needs nothing that others hold here, so this ends; and if not, then by its bound.
 */
static void wait_for(uint64_t other)
{
	uint64_t until_ns = 0;

	while (atomic_load(&at_work) == other && rm_patience(&until_ns, WAIT_NS))
		;
}

void rm_discover(void)
{
	uint64_t here = (uint64_t)rm_sys0(__NR_getpid) << 32, self = here | (uint64_t)rm_sys0(__NR_gettid);
	uint64_t seen = atomic_load(&at_work);
	uint32_t done;

	rm_objects_hold_signals();
	atomic_fetch_add(&wanted, 1);
	/* One's own is left over from a look that a signal handler jumped out of. */
	if ((seen >> 32 == here >> 32 && seen != self) || !atomic_compare_exchange_strong(&at_work, &seen, self)) {
		wait_for(seen);
		return;
	}
	if (!rm_loader_lock_is_live()) {
		rm_debug(RM_LOG_INIT, "forked while the loader's list changed: no TLS library is looked for");
		atomic_store(&at_work, 0);
		return;
	}
	do {
		done = atomic_load(&wanted);
		rm_openssl_scan();
		rm_imports_scan();
		rm_nss_scan();
	} while (done != atomic_load(&wanted));
	atomic_store(&at_work, 0);
}
