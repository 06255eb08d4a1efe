/*
 * Requests that follow a redirect: http.request.resend_count. Libraries do that inside of one call, so all
 * there is to see are two requests. The second one is counted where it can be nothing else: the thread that
 * read the redirect sends it as its very next request, for the same parent, to the URL that Location names
 * byte for byte; and that thread never had two requests under way at once. Retries of other kinds, and
 * locations that clients write in a way of their own, are not counted.
 * Context: hook, connection locked. Spec: semantic conventions, docs/http/http-spans.md.
 */
#ifndef RM_AGENT_RESEND_H
#define RM_AGENT_RESEND_H

#include "agent/exchange.h"
#include "protocols/proto.h"

/* The thread sends a request; its record, if there is one, has its URL. */
void rm_resend_request(struct rm_thread *t, uint32_t x, struct rm_exchange *e, const struct rm_head *head);

/* The thread reads the head of its response. */
void rm_resend_response(struct rm_thread *t, uint32_t x, const struct rm_exchange *e, const struct rm_head *head);

/* The thread reads a request of somebody else: what it sends next is for that one. */
void rm_resend_forget(struct rm_thread *t);

#endif
