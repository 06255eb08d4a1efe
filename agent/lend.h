/*
 * What the agent, as the sink of a protocol, lends it: memory that outlives a call or does not, what is known of the connection and
 * of settings. The contract is that of struct rm_sink_calls. Context: hook, connection locked.
 */
#ifndef RM_AGENT_LEND_H
#define RM_AGENT_LEND_H

#include "protocols/proto.h"

char *rm_lend_stash(struct rm_sink *sink, enum rm_stash which, uint32_t bytes);
void rm_lend_unstash(struct rm_sink *sink, enum rm_stash which);
void *rm_lend_scratch(struct rm_sink *sink, uint32_t bytes);
void *rm_lend_memo(struct rm_sink *sink);
bool rm_lend_secured(struct rm_sink *sink, const uint8_t random[RM_TLS_RANDOM_BYTES]);
void rm_lend_handshaken(struct rm_sink *sink, const uint8_t random[RM_TLS_RANDOM_BYTES], uint8_t minor, bool over);
void rm_lend_set_greeting(struct rm_sink *sink, uint64_t greeting);
uint64_t rm_lend_greeting(struct rm_sink *sink);
uint32_t rm_lend_untold(struct rm_sink *sink);
void rm_lend_set_topic(struct rm_sink *sink, const uint8_t id[RM_TOPIC_ID_BYTES], struct rm_str name);
struct rm_str rm_lend_topic(struct rm_sink *sink, const uint8_t id[RM_TOPIC_ID_BYTES]);

#endif
