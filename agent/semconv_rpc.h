/*
 * gRPC calls as spans: an HTTP request whose content type says so gets the attributes of a remote
 * procedure call instead of those of HTTP. Context: hook.
 * Spec: semantic conventions 1.44, docs/rpc/rpc-spans.md and grpc.md; gRPC over HTTP/2; gRPC-Web.
 */
#ifndef RM_AGENT_SEMCONV_RPC_H
#define RM_AGENT_SEMCONV_RPC_H

#include "agent/config.h"
#include "agent/conn.h"
#include "agent/exchange.h"
#include "agent/fields.h"

/* What kind of call a request is. */
enum rm_rpc rm_rpc_of(const struct rm_head *head);

/* As rm_semconv_request, for a call of that kind. */
void rm_semconv_rpc_request(struct rm_exchange *e, const struct rm_config *c, struct rm_conn *conn,
			    const struct rm_head *head, enum rm_rpc kind, const char *parent_source);

/* The next bytes of the request's content; NULL where nobody saw them. False: nobody wants to see more. */
bool rm_semconv_rpc_request_content(struct rm_exchange *e, const char *p, uint64_t n);

/*
 * The response's head, or its trailers: whichever has the status. True: messages, and the status of gRPC-Web, are in
 * the content, which is to be given to rm_semconv_rpc_content.
 */
bool rm_semconv_rpc_response(struct rm_exchange *e, const struct rm_head *head);
void rm_semconv_rpc_content(struct rm_exchange *e, const char *p, uint64_t n);

/* The call ended; `error` is empty, or what broke the stream. */
void rm_semconv_rpc_over(struct rm_exchange *e, struct rm_str error, uint64_t now_ns);

#endif
