/* AWS_XRAY_DAEMON_ADDRESS. Context: worker. Spec: AWS X-Ray developer guide, environment variables. */
#ifndef RM_EXPORTERS_XRAY_ADDRESS_H
#define RM_EXPORTERS_XRAY_ADDRESS_H

#include "base/str.h"

#define RM_XRAY_DAEMON "127.0.0.1:2000"
enum { RM_XRAY_HOST_BYTES = 256 };

struct rm_xray_address {
	char host[RM_XRAY_HOST_BYTES]; /* of datagrams; NUL-terminated, an IPv6 address without brackets */
	uint16_t port;
	char tcp_host[RM_XRAY_HOST_BYTES]; /* of what is asked */
	uint16_t tcp_port;
};

/*
 * Reads `host:port`, which is both, or `udp:host:port` and `tcp:host:port` in any order. False when it is neither.
 */
bool rm_xray_address(struct rm_str setting, struct rm_xray_address *ret);

/* Where the daemon is asked, as a URL; `setting` as above, where it is none the daemon's own address. */
enum { RM_XRAY_URL_BYTES = RM_XRAY_HOST_BYTES + 32 };
void rm_xray_url(struct rm_str setting, char ret[RM_XRAY_URL_BYTES]);

#endif
