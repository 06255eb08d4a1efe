/*
 * Messages as spans. What is sent is a PRODUCER span; what is received is a CONSUMER span of the type "receive", from the first
 * byte to the last: what the program makes of a message is not on the wire. Context: hook.
 * Spec: semantic conventions 1.44, docs/messaging/messaging-spans.md, kafka.md and rabbitmq.md. They have CLIENT for the
 * kind of a receive span where a span of the type "process" follows it; here none does.
 */
#ifndef RM_AGENT_SEMCONV_MESSAGING_H
#define RM_AGENT_SEMCONV_MESSAGING_H

#include "agent/config.h"
#include "agent/conn.h"
#include "agent/exchange.h"

/* Starts the record of a sampled exchange. Leaves e->record 0 when there is no memory (counted as RM_LOST_EXCHANGE). */
void rm_semconv_message(struct rm_exchange *e, const struct rm_config *c, const struct rm_peer *peer,
			const struct rm_message *m, const char *parent_source);

/* Adds a link to the span that sent a message. */
void rm_semconv_link(struct rm_exchange *e, const struct rm_spanctx *sender);

/* Adds what became of it. */
void rm_semconv_message_outcome(struct rm_exchange *e, const struct rm_outcome *outcome);

#endif
