/*
 * The rows of all hooks, and where the preloaded object starts and ends. The constructor puts the
 * real functions into the rows and then starts the agent; a name this libc does not have keeps its
 * fallback, whose system call is then the whole function.
 *
 * The agent stays off (the hooks pass through) where it does not belong: in a process without a
 * libc, on a libc that is not glibc, and in one that runs with more rights than its caller.
 * Context: init.
 */
#include "agent/hookapi.h"
#include "agent/tls.h"
#include "base/loader_lock.h"
#include "base/lookup.h"
#include "hooks/discover.h"
#include "hooks/hook.h"
#include "hooks/imports.h"
#include "hooks/lookout.h"
#include "hooks/printed.h"
#include "hooks/syslogged.h"

#include <gnu/libc-version.h>
#include <sys/auxv.h>

#pragma weak gnu_get_libc_version
#pragma weak getauxval

/* The linker's names for the ends of the section. */
extern const struct rm_hook first_row[] __asm__("__start_rm_hooks")
	__attribute__((visibility("hidden")));
extern const struct rm_hook end_row[] __asm__("__stop_rm_hooks")
	__attribute__((visibility("hidden")));

static bool started;

static void resolve(const struct rm_hook *row)
{
	void *found = rm_lookup_next(row->name);

	/* Another library's constructor may have left threads that are in the hook already. */
	if (found)
		__atomic_store_n(row->slot, found, __ATOMIC_RELAXED);
}

void *rm_hook_late(const struct rm_hook *row)
{
	if (!__atomic_load_n(row->slot, __ATOMIC_RELAXED))
		resolve(row);
	return __atomic_load_n(row->slot, __ATOMIC_RELAXED);
}

static bool begins_with(const char *text, const char *start)
{
	while (*start && *text == *start) {
		text++;
		start++;
	}
	return !*start;
}

/* Another tool is told of every call as the loader binds it: no slot may lead elsewhere. */
static bool is_watched(char **envp)
{
	for (; *envp; envp++)
		if (begins_with(*envp, "LD_AUDIT=") || begins_with(*envp, "LD_PROFILE="))
			return true;
	return false;
}

__attribute__((constructor)) static void start(int argc, char **argv, char **envp)
{
	for (const struct rm_hook *row = first_row; row < end_row; row++)
		if (row->slot)
			resolve(row);
	/* Without glibc the three arguments are not passed. */
	if (!gnu_get_libc_version || !getauxval || getauxval(AT_SECURE))
		return;
	started = true;
	rm_tls_on_discovery(rm_discover);
	if (is_watched(envp))
		rm_imports_forbid();
	rm_init(argc, argv, envp);
	if (rm_active()) {
		rm_printed_watch();
		rm_syslog_watch();
		rm_loader_lock_learn();
		rm_cxx_watch();
		rm_grpc_watch();
		rm_soup_watch();
		rm_libevent_watch();
		rm_lookout();
	}
}

__attribute__((destructor)) static void end(void)
{
	if (!started)
		return;
	rm_printed_rest();
	rm_process_end(RM_END_EXIT);
	rm_fini();
}
