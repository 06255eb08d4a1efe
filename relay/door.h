/*
 * The door of the relay: a private directory with a Unix socket, a token, the doorbell page that
 * all producers share, and the handshake that admits a process (agent/relay_proto.h). Everything a
 * peer sends is untrusted: a descriptor that could shrink under us or fault is refused.
 * Context of everything here: worker (the relay's own process).
 */
#ifndef RM_RELAY_DOOR_H
#define RM_RELAY_DOOR_H

#include <sys/types.h>
#include <sys/un.h>

#include "agent/relay_proto.h"
#include "base/segment.h"

struct rm_door {
	int listener;             /* non-blocking SOCK_SEQPACKET */
	int bell_fd;              /* the memfd behind `bell` */
	struct rm_doorbell *bell;
	struct rm_relay_page *page; /* `bell` and rules; NULL: it is alone */
	uint8_t token[RM_RELAY_TOKEN_BYTES];
	char dir[64];
	struct sockaddr_un at;
};

enum { RM_DOOR_ADDRESS_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) + 2 * RM_RELAY_TOKEN_BYTES + 2 };

/*
 * Makes directory, socket, token and doorbell, with room for sampling rules if they are wanted. The directory stands in $XDG_RUNTIME_DIR, or in
 * /tmp for root, whose children may drop privileges and must still reach it.
 * Errors: RM_E_IO, nothing is left behind; errno says why.
 */
int rm_door_open(struct rm_door *d, bool with_rules);

/* Removes socket and directory and frees the rest. */
void rm_door_close(struct rm_door *d);

/* Writes the value of REMORA_RELAY: path, comma, token. */
void rm_door_address(const struct rm_door *d, char ret[RM_DOOR_ADDRESS_BYTES]);

/* The next waiting connection (non-blocking, close-on-exec), or -1. */
int rm_door_accept(const struct rm_door *d);

/*
 * Reads the hello of `conn` and answers it.
 * Returns 1 when the process is in: `ret_segment` is mapped (rm_door_unmap gives it back) and
 * `ret_pid` is its process id, 0 if it lives in a pid namespace that we cannot see; 0 when the
 * hello has not come yet; RM_E_PROTO or RM_E_IO when it is refused; RM_E_GONE when who said it did not wait for the answer, and
 * is on its own. The caller closes `conn`.
 */
int rm_door_hello(const struct rm_door *d, int conn, struct rm_segment **ret_segment, pid_t *ret_pid);

void rm_door_unmap(struct rm_segment *segment);

#endif
