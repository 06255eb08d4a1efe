/*
 * What responses of servers get. With REMORA_SERVER_TIMING they tell which trace they belong to, for what measures in a
 * browser:
 *
 *   Server-Timing: traceparent;desc="00-...-01"
 *   Access-Control-Expose-Headers: Server-Timing
 *
 * The second field only where the response lets other origins read it already (it has
 * Access-Control-Allow-Origin) and does not expose that one yet. Timing-Allow-Origin, which would show
 * timings to more origins, is never added nor changed. With the xray propagator, where a caller asked (Sampled=?) and the
 * response does not say already:
 *
 *   X-Amzn-Trace-Id: Root=1-...;Sampled=1
 *
 * Context: hook, connection locked. Spec: W3C Server Timing; Fetch, section 3.3.5; AWS X-Ray
 * developer guide, "Tracing header".
 */
#ifndef RM_AGENT_SERVER_TIMING_H
#define RM_AGENT_SERVER_TIMING_H

#include <sys/uio.h>

#include "agent/conn.h"

/*
 * Looks at what a server is about to send, from offset `from` of its call on, and notes edits in c->pending, where
 * none wait yet, for heads that may have the fields: of HTTP/1 one that the call begins with, whole, and of at most
 * 8 KiB; of HTTP/2 each whose header block ends with a frame that the call holds. Heads whose end is disputed, interim
 * responses, 304 (what a cache keeps belongs to another request) and answers to CONNECT stay as they are.
 * True: there are edits; c->ahead says how many bytes go with them, and it is to be asked again behind those.
 */
bool rm_server_timing(struct rm_conn *c, struct rm_thread *t, const struct iovec *iov, int count, size_t from);

#endif
