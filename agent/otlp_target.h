/*
 * Where OTLP goes when nothing may be resolved: the address and the request head that
 * OTEL_EXPORTER_OTLP_* describe, for plain http and numeric hosts (or localhost), and for sockets by path.
 * Context of all: any, signal-safe.
 */
#ifndef RM_AGENT_OTLP_TARGET_H
#define RM_AGENT_OTLP_TARGET_H

#include <netinet/in.h>
#include <sys/un.h>

#include "agent/telemetry.h"
#include "base/env.h"
#include "base/strbuf.h"

enum { RM_OTLP_ADDRESSES = 2 }; /* localhost is 127.0.0.1 or ::1 */

union rm_otlp_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

/* Slices point into the settings. */
struct rm_otlp_target {
	union rm_otlp_address address[RM_OTLP_ADDRESSES];
	uint32_t address_count;
	struct rm_str authority;   /* for the Host header */
	struct rm_str path, query; /* query with its '?', or empty */
	struct rm_str append;	   /* to path: "/v1/traces", "/v1/logs" or nothing */
	struct rm_str headers;	   /* key=value list */
};

/* False when the settings ask for something else than http/protobuf to such an address. */
bool rm_otlp_target(const struct rm_env *env, enum rm_signal signal, struct rm_otlp_target *ret);

/* Writes the head of a POST with `content_bytes` of protobuf, blank line included. */
void rm_otlp_head(const struct rm_otlp_target *t, size_t content_bytes, struct rm_strbuf *b);

#endif
