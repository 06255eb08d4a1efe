/*
 * ClientHellos that passed through sockets of this process, for the sessions that will claim them.
 */
#ifndef RM_AGENT_TLS_HELLO_H
#define RM_AGENT_TLS_HELLO_H

#include "agent/stream.h"

/*
 * A ClientHello was seen on a connection: what that knows is kept under the random number, in a table of
 * limited size whose oldest entries make room. Context: hook, connection locked.
 */
void rm_tls_hello(struct rm_visit *v, const uint8_t random[RM_TLS_RANDOM_BYTES]);

/* As the sink is told (protocols/proto.h): what waits for the session knows when its handshake was over. Context: hook, connection locked. */
void rm_tls_handshaken(struct rm_visit *v, const uint8_t random[RM_TLS_RANDOM_BYTES], uint8_t minor, bool over);

/*
 * Gives a session's connection what the socket's knew: its peer, descriptor, and who connected it when. False: that
 * ClientHello was not seen, or is forgotten. Context: app.
 */
bool rm_tls_claim(rm_conn_name name, struct rm_conn *c, const uint8_t random[RM_TLS_RANDOM_BYTES]);

/*
 * The session over a descriptor, of those that were claimed last; 0: none is known. One that closed since is
 * dead. Context: any.
 */
rm_conn_name rm_tls_session_of(int fd);

/*
 * A connection was left alone: are there libraries that decrypt what it carries? They are hooked now.
 * Context: hook.
 */
void rm_tls_discover(void);

/*
 * A connection begins: the same where objects were loaded since the last time. A library whose first call
 * makes the handshake and reads on is hooked before that call so. Context: hook.
 */
void rm_tls_expect(void);

#endif
