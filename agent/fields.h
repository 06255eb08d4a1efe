/*
 * The fields of a request head that the agent reads, found in one pass: carriers of trace context,
 * the user agent, and what proxies say of the request they were sent. Context: any, signal-safe.
 */
#ifndef RM_AGENT_FIELDS_H
#define RM_AGENT_FIELDS_H

#include "protocols/proto.h"

struct rm_fields {
	struct rm_carriers carriers;
	const struct rm_field *traceparent, *xray; /* the last one; NULL without any */
	/* The first of each name; p is NULL without any. */
	struct rm_str user_agent, forwarded, forwarded_for, forwarded_host, forwarded_proto;
};

/* Ownership: everything points into the head. */
void rm_fields_read(const struct rm_head *head, struct rm_fields *ret);

/* What the first proxy was asked, by whom; empty where no proxy says so. */
struct rm_origin {
	struct rm_str scheme, host, client; /* host and client with their ports */
};

/* Spec: RFC 7239 (Forwarded), which counts before the X-Forwarded fields. */
void rm_fields_origin(const struct rm_fields *f, struct rm_origin *ret);

/*
 * Splits host[:port] or [v6]:port; an address of IPv6 without brackets is a host. *ret_port is 0
 * where there is none, or none that is right. The brackets are left out.
 */
struct rm_str rm_authority_split(struct rm_str authority, uint64_t *ret_port);

#endif
