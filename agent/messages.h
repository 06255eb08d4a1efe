/*
 * Messages on their way to a broker or from it: their spans, whose they are, and our context in those that are sent. The
 * contract is that of struct rm_sink_calls. Context: hook, connection locked.
 */
#ifndef RM_AGENT_MESSAGES_H
#define RM_AGENT_MESSAGES_H

#include "protocols/proto.h"

bool rm_message_seen(struct rm_sink *sink, rm_xid x, const struct rm_message *m, uint32_t end_at);
void rm_message_batched(struct rm_sink *sink, rm_xid x, const struct rm_field *fields, uint32_t count);

#endif
