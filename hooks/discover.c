/* See discover.h. The loader's list is locked meanwhile, for some 50 us where libraries are found. */
#include "hooks/discover.h"

#include <stdatomic.h>

#include "agent/alive.h"
#include "base/loader_lock.h"
#include "base/log.h"
#include "base/objects.h"
#include "base/patience.h"
#include "hooks/imports.h"
#include "hooks/nss.h"
#include "hooks/openssl.h"

static _Atomic uint32_t wanted, looked; /* how often somebody came; for which of them the last look was early enough */
static _Atomic uint64_t at_work; /* the process, of which a forked child has another number, and its thread that looks */
static _Atomic uint64_t given_up; /* who was waited for in vain */

enum { WAIT_NS = 1000000000 };

/*
 * 0: the place is the caller's, else who has it. One's own is left over from a look that a signal handler jumped out of,
 * a thread's that is no more from one that was cancelled, or ended by a handler.
 */
static uint64_t take_place(uint64_t self)
{
	uint64_t other = atomic_load(&at_work);

	if (other >> 32 == self >> 32 && other != self && !rm_alive_gone((uint32_t)other))
		return other;
	if (!atomic_compare_exchange_strong(&at_work, &other, self))
		return other;
	atomic_store(&given_up, 0);
	return 0;
}

/*
 * On the connection of who comes meanwhile plaintext may follow before the look is over, if its thread does
 * not get to run. It needs nothing that others hold here, so this ends; and if not, then by its bound, for all who come.
 */
static bool wait_for(uint64_t other, uint64_t *until_ns)
{
	if (other == atomic_load(&given_up))
		return false;
	if (rm_patience(until_ns, WAIT_NS))
		return true;
	atomic_store(&given_up, other);
	return false;
}

static void look(void)
{
	uint32_t all;

	do {
		all = atomic_load(&wanted);
		rm_openssl_scan();
		rm_imports_scan();
		rm_nss_scan();
		atomic_store(&looked, all);
	} while (all != atomic_load(&wanted));
}

/* Did a look begin after the caller of that number had come? */
static bool is_looked_for(uint32_t mine)
{
	return (int32_t)(atomic_load(&looked) - mine) >= 0;
}

void rm_discover(void)
{
	uint64_t self = (uint64_t)rm_sys0(__NR_getpid) << 32 | (uint64_t)rm_sys0(__NR_gettid), other, until_ns = 0;
	uint32_t mine;

	rm_objects_hold_signals();
	mine = atomic_fetch_add(&wanted, 1) + 1;
	while ((other = take_place(self)) != 0)
		if (is_looked_for(mine) || !wait_for(other, &until_ns))
			return;
	if (!is_looked_for(mine) && rm_loader_lock_is_live())
		look();
	else if (!is_looked_for(mine))
		rm_debug(RM_LOG_INIT, "forked while the loader's list changed: no TLS library is looked for");
	atomic_store(&at_work, 0);
}
