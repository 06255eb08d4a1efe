/* Socket addresses as text. Context: any, signal-safe. */
#ifndef RM_BASE_FMT_ADDR_H
#define RM_BASE_FMT_ADDR_H

#include <sys/socket.h>

#include "base/strbuf.h"

/*
 * Writes the address alone: dotted IPv4, RFC 5952 IPv6 (IPv4-mapped ones as IPv4), the path of a
 * Unix socket ('@' for the abstract namespace's NUL). No more than `len` bytes are read.
 * Returns false, writing nothing, for other families, an address cut short or an unnamed Unix socket.
 */
bool rm_fmt_sockaddr(struct rm_strbuf *out, const struct sockaddr *sa, size_t len, uint16_t *ret_port);

#endif
