/*
 * Datagram sockets over which programs ask the DNS by themselves (c-ares, dnspython, Node's dns.resolve): those that talk
 * to port 53. Each question is a CLIENT span from its sending to its answer; sent again it is the same one.
 * Each function passes the guard by itself and keeps errno. Context of all: hook.
 */
#ifndef RM_AGENT_DATAGRAM_H
#define RM_AGENT_DATAGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* True for a socket that is known to ask. Context: any. */
bool rm_datagram_watched(int fd);

/* The same, or a datagram socket that may come to. Context: any. */
bool rm_datagram_may(int fd);

/*
 * Something is about to be sent to this address, which may be NULL. True: the socket asks, now or since before.
 */
bool rm_datagram_to(int fd, const struct sockaddr *to, socklen_t len);

/* Before a message is sent. What is returned says whether a question began, for rm_datagram_unsent. */
uint64_t rm_datagram_sends(int fd, const struct iovec *iov, int count, const struct sockaddr *to, socklen_t len);

/* It was not sent after all. */
void rm_datagram_unsent(uint64_t question);

/* After a message of `n` bytes was received. */
void rm_datagram_received(int fd, const struct iovec *iov, int count, ssize_t n);

/* connect(2) succeeded on a datagram socket. Inside a visit. */
void rm_datagram_connected(int fd, const struct sockaddr *to, socklen_t len);

/* The socket is gone: its questions have no answer. Inside a visit. */
void rm_datagram_closed(int fd);

#endif
