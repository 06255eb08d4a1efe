/*
 * REMORA_SERVER_TIMING: responses of servers tell which trace they belong to, for what measures in a browser:
 *
 *   Server-Timing: traceparent;desc="00-...-01"
 *   Access-Control-Expose-Headers: Server-Timing
 *
 * The second line only where the response lets other origins read it already (it has
 * Access-Control-Allow-Origin) and does not expose that field yet. Timing-Allow-Origin, which would show
 * timings to more origins, is never added nor changed.
 * Context: hook, connection locked. Spec: W3C Server Timing; Fetch, section 3.3.5.
 */
#ifndef RM_AGENT_SERVER_TIMING_H
#define RM_AGENT_SERVER_TIMING_H

#include "agent/conn.h"

/*
 * Looks at the `n` bytes that a server is about to send next, and notes an edit in c->pending if they begin with
 * a whole head that may have the lines. Heads that are sent in pieces, of more than 8 KiB or with an end that is
 * disputed, responses of HTTP/2, interim ones, 304 (what a cache keeps belongs to another request) and answers to
 * CONNECT stay as they are. True: there is an edit.
 */
bool rm_server_timing(struct rm_conn *c, const char *p, size_t n);

#endif
