/* Runtime adapters as the hooks see them. Each is a struct rm_adapter (agent/adapter_api.h). */
#ifndef RM_ADAPTERS_ADAPTERS_H
#define RM_ADAPTERS_ADAPTERS_H

/* A moment at which a runtime that is there can be moved into. A flag's test as a rule. Context: app. */
void rm_adapters_arrive(void);

/* The program accepted this connection: it may be a server. Keeps errno; a flag's test as a rule. Context: app. */
void rm_adapters_serve(int fd);

/* Before a write to a connection that is watched: it may begin with TLS. Keeps errno; a flag's test as a rule. Context: hook. */
void rm_adapters_secure(void);

/* An object is about to be loaded: it may bring a runtime. Context: any. */
void rm_adapters_loading(void);

#endif
