/*
 * Names of topics by their ids, as brokers told them to this process on any of its connections. An id is one topic's for good, so
 * what was once noted stays as it is. Context: hook.
 */
#ifndef RM_AGENT_TOPICS_H
#define RM_AGENT_TOPICS_H

#include "protocols/proto.h"

/* Notes a name, up to some hundred of them; where there is no room left nothing happens. */
void rm_topics_add(const uint8_t id[RM_TOPIC_ID_BYTES], struct rm_str name);

/* Empty: nobody told it. Valid for good. */
struct rm_str rm_topics_find(const uint8_t id[RM_TOPIC_ID_BYTES]);

#endif
