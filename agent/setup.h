/*
 * What it took to set up a connection: connecting, and the handshake of TLS. Told once, with the first request that goes out
 * on it, if it was set up for that (REMORA_CONNECTIONS). Context of all: hook, connection locked, unless said otherwise.
 */
#ifndef RM_AGENT_SETUP_H
#define RM_AGENT_SETUP_H

#include "agent/conn.h"
#include "agent/exchange.h"

/* True when anything of this is wanted. Context: any. */
bool rm_setup_wanted(void);

/* As rm_setup_tell, where there is something. */
void rm_setup_tell_seen(struct rm_conn *c, struct rm_thread *t, uint32_t x);

/* CLIENT or PRODUCER exchange `x`, whose record was begun, goes out on the connection. */
static inline void rm_setup_tell(struct rm_conn *c, struct rm_thread *t, uint32_t x)
{
	if (c->setup.connect_ns | c->setup.hello_ns)
		rm_setup_tell_seen(c, t, x);
}

#endif
