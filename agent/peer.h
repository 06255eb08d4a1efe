/*
 * The peer's address as spans want it: made once a connection, not once a request.
 */
#ifndef RM_AGENT_PEER_H
#define RM_AGENT_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

enum { RM_PEER_TEXT_BYTES = 63 };

struct rm_peer {
	uint16_t port;       /* 0: none */
	uint8_t bytes;       /* of text; 0: not known, or it has no name */
	bool asked;
	bool path;           /* the path of a Unix-domain socket */
	char text[RM_PEER_TEXT_BYTES];
};

/* Takes an address of `len` bytes, more than its family alone. Context: hook. */
void rm_peer_set(struct rm_peer *p, const struct sockaddr *sa, size_t len);

/* Asks the kernel for the address of the peer of `fd`. Context: hook. */
void rm_peer_find(struct rm_peer *p, int fd);

/* The same, once. */
static inline void rm_peer_ask(struct rm_peer *p, int fd)
{
	if (!p->asked)
		rm_peer_find(p, fd);
}

#endif
