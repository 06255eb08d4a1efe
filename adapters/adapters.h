/* Runtime adapters as the hooks see them. Each is a struct rm_adapter (agent/adapter_api.h). */
#ifndef RM_ADAPTERS_ADAPTERS_H
#define RM_ADAPTERS_ADAPTERS_H

#include <stdatomic.h>

#include "agent/tls.h"

/* A moment at which a runtime that is there can be moved into. A flag's test as a rule. Context: app. */
void rm_adapters_arrive(void);

/* The program accepted this connection: it may be a server. Keeps errno; a flag's test as a rule. Context: app. */
void rm_adapters_serve(int fd);

/* A bit for each adapter that waits for a connection that begins with TLS. */
extern atomic_uint rm_adapters_awaiting_tls __attribute__((visibility("hidden")));

/* Tells them of it, if this thread is where it begins. Keeps errno. Context: hook. */
void rm_adapters_tell_secure(void);

/* Before a write to a connection that is watched: it may begin with TLS. Keeps errno; a flag's test as a rule. Context: hook. */
static inline void rm_adapters_secure(void)
{
	if (rm_tls_may_begin() && atomic_load_explicit(&rm_adapters_awaiting_tls, memory_order_relaxed))
		rm_adapters_tell_secure();
}

/* An object is about to be loaded from this path, NULL: the program itself. It may bring a runtime, or say what one is up to. Context: app. */
void rm_adapters_loading(const char *path);

#endif
