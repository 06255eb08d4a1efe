/*
 * gRPC calls as spans: an HTTP request whose content type says so gets the attributes of a remote
 * procedure call instead of those of HTTP. Context: hook.
 * Spec: semantic conventions 1.44, docs/rpc/rpc-spans.md and grpc.md; gRPC over HTTP/2.
 */
#ifndef RM_AGENT_SEMCONV_RPC_H
#define RM_AGENT_SEMCONV_RPC_H

#include "agent/config.h"
#include "agent/conn.h"
#include "agent/exchange.h"
#include "agent/fields.h"

/* What kind of call a request is. gRPC-Web has its status in the body, unless there is none. */
enum rm_rpc rm_rpc_of(const struct rm_head *head);

/* As rm_semconv_request, for a call of that kind. */
void rm_semconv_rpc_request(struct rm_exchange *e, const struct rm_config *c, struct rm_conn *conn,
			    const struct rm_head *head, enum rm_rpc kind, const char *parent_source);

/* The response's head, or its trailers: whichever has the status. */
void rm_semconv_rpc_response(struct rm_exchange *e, const struct rm_head *head);

/* The call ended; `error` is empty, or what broke the stream. */
void rm_semconv_rpc_over(struct rm_exchange *e, struct rm_str error, uint64_t now_ns);

#endif
