/*
 * Requests that are sent again: http.request.resend_count. Libraries do that inside of one call, so all there is to
 * see are two requests. The second one is counted where it can be nothing else.
 *
 * Within a call of a client library that makes one request (curl_easy_perform, see hooks/libcurl.c), what follows a
 * redirect is the same request again, wherever it leads, and what goes to the same URL after an answer that asks for
 * credentials or another attempt (401, 407, 417, 421), or after a connection that broke without one. Elsewhere only what
 * follows a redirect is counted: the thread that read it sends as its very next request, for the same parent, one to the URL
 * that Location names byte for byte; and that thread never had two requests under way at once.
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

/* The request ends without an answer. */
void rm_resend_broken(struct rm_thread *t, uint32_t x);

/*
 * True inside of such a call: all that goes out on its own connections is the call's, as it has them to itself. One that a
 * shared cache (CURLSH) lends it is nobody else's meanwhile.
 */
bool rm_resend_in_call(const struct rm_thread *t);

/* The thread reads a request of somebody else: what it sends next is for that one. */
void rm_resend_forget(struct rm_thread *t);

#endif
