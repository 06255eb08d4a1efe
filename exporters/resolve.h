/* The address of a host, for backends that are not spoken to by HTTP. Context: worker. */
#ifndef RM_EXPORTERS_RESOLVE_H
#define RM_EXPORTERS_RESOLVE_H

#include <sys/socket.h>

#include "agent/exporter.h"

/*
 * Fills in the first address of `host` (a name or a number), IPv4 before IPv6, with `port`; `localhost` needs
 * no lookup. Names are asked for as http.c does: /etc/hosts and DNS, no NSS. Returns at io's deadline or
 * abort. Errors: RM_E_IO, `ret_error` says why (a text that lives for ever).
 */
int rm_resolve(const char *host, uint16_t port, const struct rm_export_io *io,
	       struct sockaddr_storage *ret, socklen_t *ret_n, const char **ret_error);

#endif
