/*
 * Span records of look-ups of names. The conventions name the attributes (docs/registry/attributes/dns.md, in development)
 * but no span; the name is that of the one instrumentation that they describe (docs/dotnet/dotnet-dns-traces.md).
 * Context: hook.
 */
#ifndef RM_AGENT_SEMCONV_DNS_H
#define RM_AGENT_SEMCONV_DNS_H

#include "agent/config.h"
#include "agent/exchange.h"
#include "agent/peer.h"

/* What is asked. `type` is that of the records, empty: not known; `reverse`: the name of an address. */
struct rm_dns_asked {
	struct rm_str name, type;
	const struct rm_peer *peer; /* who is asked; NULL: not known */
	bool stream;                /* over TCP, else by datagrams */
	bool reverse;
};

/* Begins the span's record; `source` as of all requests. */
void rm_semconv_dns_request(struct rm_exchange *e, const struct rm_config *c, const struct rm_dns_asked *asked, const char *source);

/* What came of it: `error` empty is success. */
void rm_semconv_dns_outcome(struct rm_exchange *e, struct rm_str error, const struct rm_str *answers, uint32_t count);

#endif
