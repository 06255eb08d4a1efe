/* AWS_XRAY_DAEMON_ADDRESS. Context: worker. Spec: AWS X-Ray developer guide, environment variables. */
#ifndef RM_EXPORTERS_XRAY_ADDRESS_H
#define RM_EXPORTERS_XRAY_ADDRESS_H

#include "base/str.h"

enum { RM_XRAY_HOST_BYTES = 256 };

struct rm_xray_address {
	char host[RM_XRAY_HOST_BYTES]; /* NUL-terminated, an IPv6 address without brackets */
	uint16_t port;
};

/*
 * Reads `host:port`, or `udp:host:port` and `tcp:host:port` in any order, for the address of the datagrams.
 * False when it is neither, or has no address for them.
 */
bool rm_xray_address(struct rm_str setting, struct rm_xray_address *ret);

#endif
