/*
 * The one list of adapters, and when each gets its turn. An adapter is asked to move in at safe points,
 * as long as it waits for its runtime to start, or objects were loaded since the last time.
 */
#include "adapters/adapters.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "agent/adapter_api.h"
#include "agent/tls.h"
#include "base/objects.h"
#include "base/sys.h"

enum { SETTLED = 1, WAITS = 2 }; /* what is known of an adapter */

extern const struct rm_adapter rm_adapter_java, rm_adapter_node, rm_adapter_python, rm_adapter_ruby, rm_adapter_tokio;

static const struct rm_adapter *const adapters[] = {
	&rm_adapter_java,
	&rm_adapter_node,
	&rm_adapter_python,
	&rm_adapter_ruby,
	&rm_adapter_tokio,
	NULL,
};

static atomic_uchar known[sizeof(adapters) / sizeof(adapters[0])];
static atomic_bool loaded = true; /* something, since the last look */
static atomic_bool waits;         /* some adapter */
static atomic_uint serve;         /* a bit for each adapter that waits for a connection */
atomic_uint rm_adapters_awaiting_tls;

/*
 * What CPython loads before it starts processes that work for all: their first work may come before their first socket, and
 * what has moved in here by then, or is about to, is in them, too.
 */
static bool is_before_forks(struct rm_str path)
{
	struct rm_str name = rm_str_file_name(path);

	return name.n < path.n && rm_str_begins(name, RM_STR("_multiprocessing."));
}

void rm_adapters_loading(const char *path)
{
	if (is_before_forks(rm_str_c(path)))
		rm_adapters_arrive();
	atomic_store_explicit(&loaded, true, memory_order_relaxed);
}

/* True when it is to be asked again without anything having been loaded. */
static bool ask(unsigned i, bool anew)
{
	unsigned char was = atomic_load_explicit(&known[i], memory_order_relaxed);

	if (was == SETTLED || (!anew && was != WAITS))
		return false;
	if (!rm_ctx_wanted(adapters[i]->name)) {
		atomic_store(&known[i], SETTLED);
		return false;
	}
	switch (adapters[i]->arrive()) {
	case RM_ARRIVAL_DONE:
		atomic_store(&known[i], SETTLED);
		if (adapters[i]->serve)
			atomic_fetch_or(&serve, 1u << i);
		if (adapters[i]->secure)
			atomic_fetch_or(&rm_adapters_awaiting_tls, 1u << i);
		return false;
	case RM_ARRIVAL_LATER:
		atomic_store(&known[i], WAITS);
		return true;
	default:
		return false;
	}
}

static void look(void)
{
	bool anew = atomic_exchange(&loaded, false), wait = false;

	rm_objects_hold_signals();
	for (unsigned i = 0; adapters[i]; i++)
		wait |= ask(i, anew);
	atomic_store(&waits, wait);
}

void rm_adapters_arrive(void)
{
	if (atomic_load_explicit(&loaded, memory_order_relaxed) ||
	    atomic_load_explicit(&waits, memory_order_relaxed))
		look();
}

/* Runtimes accept connections of their own kind, too, wherever they are: their tools ask them over AF_UNIX. */
static bool is_network(int fd)
{
	int domain = 0;
	socklen_t n = sizeof(domain);

	return rm_sys5(__NR_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 &&
	       (domain == AF_INET || domain == AF_INET6);
}

static void tell(unsigned waiting)
{
	for (unsigned i = 0; adapters[i]; i++)
		if (waiting & 1u << i && !adapters[i]->serve())
			atomic_fetch_and(&serve, ~(1u << i));
}

void rm_adapters_serve(int fd)
{
	unsigned waiting = atomic_load_explicit(&serve, memory_order_relaxed);
	int saved = errno;

	if (waiting && is_network(fd))
		tell(waiting);
	errno = saved;
}

static void tell_secure(unsigned waiting)
{
	for (unsigned i = 0; adapters[i]; i++)
		if (waiting & 1u << i && !adapters[i]->secure())
			atomic_fetch_and(&rm_adapters_awaiting_tls, ~(1u << i));
}

void rm_adapters_tell_secure(void)
{
	unsigned waiting = atomic_load_explicit(&rm_adapters_awaiting_tls, memory_order_relaxed);
	int saved = errno;

	if (waiting && rm_tls_begins_here())
		tell_secure(waiting);
	errno = saved;
}
