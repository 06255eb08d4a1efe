/* See lend.h. Runs in hooks with the connection locked. */
#include "agent/lend.h"

#include "agent/context.h"
#include "agent/setup.h"
#include "agent/stream.h"
#include "agent/tls_hello.h"
#include "agent/topics.h"

void rm_lend_set_greeting(struct rm_sink *sink, uint64_t greeting)
{
	((struct rm_visit *)sink)->conn->greeting = greeting;
}

uint64_t rm_lend_greeting(struct rm_sink *sink)
{
	return ((struct rm_visit *)sink)->conn->greeting;
}

char *rm_lend_stash(struct rm_sink *sink, enum rm_stash which, uint32_t bytes)
{
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_conn *c = v->conn;
	rm_text old = c->stash[which], grown;

	if (old && rm_text_cap(old) >= bytes)
		return rm_text_at(old);
	grown = bytes <= RM_HEAD_MAX_BYTES ? rm_text_get(bytes) : 0;
	v->starved = !grown;
	if (!grown)
		return NULL;
	if (old) {
		memcpy(rm_text_at(grown), rm_text_at(old), rm_text_cap(old));
		rm_text_put(old);
	}
	c->stash[which] = grown;
	return rm_text_at(grown);
}

void rm_lend_unstash(struct rm_sink *sink, enum rm_stash which)
{
	struct rm_conn *c = ((struct rm_visit *)sink)->conn;

	rm_text_put(c->stash[which]);
	c->stash[which] = 0;
}

void *rm_lend_scratch(struct rm_sink *sink, uint32_t bytes)
{
	struct rm_visit *v = (struct rm_visit *)sink;

	if (!v->scratch)
		v->scratch = rm_text_get(bytes);
	else if (rm_text_cap(v->scratch) < bytes)
		return NULL;
	v->starved = !v->scratch;
	return v->scratch ? rm_text_at(v->scratch) : NULL;
}

void *rm_lend_memo(struct rm_sink *sink)
{
	struct rm_visit *v = (struct rm_visit *)sink;

	if (!v->memo_asked)
		v->memo = rm_memo_take(v->thread);
	v->memo_asked = true;
	return v->memo ? v->memo->protocol : NULL;
}

uint32_t rm_lend_untold(struct rm_sink *sink)
{
	(void)sink;
	return rm_context_config()->message_bytes;
}

bool rm_lend_secured(struct rm_sink *sink, const uint8_t random[RM_TLS_RANDOM_BYTES])
{
	struct rm_visit *v = (struct rm_visit *)sink;

	rm_tls_hello(v, random);
	if (v->conn->role != RM_ROLE_CLIENT || !rm_setup_wanted())
		return false;
	/* It is not left alone yet: now is the time all the same. */
	rm_tls_discover();
	return true;
}

void rm_lend_handshaken(struct rm_sink *sink, const uint8_t random[RM_TLS_RANDOM_BYTES], uint8_t minor, bool over)
{
	rm_tls_handshaken((struct rm_visit *)sink, random, minor, over);
}

void rm_lend_set_topic(struct rm_sink *sink, const uint8_t id[RM_TOPIC_ID_BYTES], struct rm_str name)
{
	(void)sink;
	rm_topics_add(id, name);
}

struct rm_str rm_lend_topic(struct rm_sink *sink, const uint8_t id[RM_TOPIC_ID_BYTES])
{
	(void)sink;
	return rm_topics_find(id);
}
