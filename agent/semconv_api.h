/*
 * Calls of services over HTTP as spans: what their own conventions add to a CLIENT span of HTTP. Context: hook.
 * Spec: semantic conventions 1.44, docs/cloud-providers/aws-sdk.md, docs/object-stores/s3.md, docs/db/dynamodb.md,
 * docs/db/elasticsearch.md, docs/db/database-spans.md, docs/graphql/graphql-spans.md, docs/rpc/json-rpc.md.
 */
#ifndef RM_AGENT_SEMCONV_API_H
#define RM_AGENT_SEMCONV_API_H

#include "agent/api_body.h"
#include "agent/exchange.h"
#include "base/strbuf.h"

/* The name of the span, appended to `ret`: "DynamoDB.GetItem", "search orders"; nothing: it has HTTP's. */
void rm_semconv_api_name(const struct rm_api *api, struct rm_strbuf *ret);

/* Its attributes, once the record is there. */
void rm_semconv_api_request(struct rm_exchange *e, const struct rm_api *api);

/* The request has a body that may say more, of this form: it is to be read. */
void rm_semconv_api_reads(struct rm_exchange *e, enum rm_api_body_form form, const struct rm_head *head, const struct rm_api *api);

/* Is the query of its URL part of what it asks, which nobody is to see? */
bool rm_semconv_api_hides_query(const struct rm_exchange *e, const struct rm_api *api);

/* What comes of it; NULL where nobody saw it. False: nothing more is looked for. */
bool rm_semconv_api_request_content(struct rm_exchange *e, const char *p, uint64_t n);

/* The request is over, or the answer begins: name and attributes are what was read. */
void rm_semconv_api_request_over(struct rm_exchange *e);

/* Is the answer to be read, too? Then what comes of it, and its end. */
bool rm_semconv_api_reads_answer(struct rm_exchange *e, const struct rm_head *head);
void rm_semconv_api_content(struct rm_exchange *e, const char *p, uint64_t n);
void rm_semconv_api_over(struct rm_exchange *e);

/* Those of the answer. Returns what went wrong in the service's own words, empty: nothing, or it does not say. */
struct rm_str rm_semconv_api_response(struct rm_exchange *e, const struct rm_head *head, struct rm_str status);

#endif
