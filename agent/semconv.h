/*
 * From what a protocol saw to span records: names, attributes and status by the OpenTelemetry
 * semantic conventions (stable HTTP; calls of gRPC are in semconv_rpc.c). Each function names the section it implements.
 * Context: hook.
 */
#ifndef RM_AGENT_SEMCONV_H
#define RM_AGENT_SEMCONV_H

#include "agent/config.h"
#include "agent/conn.h"
#include "agent/exchange.h"
#include "agent/fields.h"
#include "protocols/proto.h"

/*
 * Starts the record of a sampled exchange whose request head was just read: fixed fields, name,
 * request attributes. Leaves e->record 0 when there is no memory (counted as RM_LOST_EXCHANGE).
 * Spec: semantic conventions, docs/http/http-spans.md.
 */
void rm_semconv_request(struct rm_exchange *e, const struct rm_config *c, struct rm_conn *conn,
			const struct rm_head *head, const struct rm_fields *fields,
			const char *parent_source);

/* Whether the content behind that is looked at; and its next `n` bytes, as struct rm_sink_calls says. */
bool rm_semconv_reads_request(const struct rm_exchange *e);
bool rm_semconv_request_content(struct rm_exchange *e, const char *p, uint64_t n);

/*
 * Adds what the response head tells: status code, error.type, span status, captured headers. True: the
 * content may tell more.
 */
bool rm_semconv_response(struct rm_exchange *e, const struct rm_config *c, const struct rm_head *head);

/* Adds what the next `n` bytes of that content tell; NULL where nobody saw them. */
void rm_semconv_content(struct rm_exchange *e, const char *p, uint64_t n);

/* Adds what the fields behind the response tell. */
void rm_semconv_trailers(struct rm_exchange *e, const struct rm_head *head);

/* The response is whole: adds the sizes of the bodies. */
void rm_semconv_bodies(struct rm_exchange *e, uint64_t response_body_bytes, uint64_t now_ns);

/* The exchange got no whole response: `error` becomes error.type, the status Error. */
void rm_semconv_broken(struct rm_exchange *e, struct rm_str error, uint64_t now_ns);

/* Fills in what is the exchange's own in the record of a span: whose it is, and when it began. */
void rm_semconv_own(struct rm_span *s, const struct rm_exchange *e, struct rm_thread *t);

/* For the files of conventions: starts the record of at least `bytes`; and adds the peer. */
bool rm_semconv_start(struct rm_exchange *e, const struct rm_config *c, size_t bytes, struct rm_str name);
void rm_semconv_peer(struct rm_builder *b, const struct rm_peer *peer);

#endif
