/* See semconv_messaging.h. Runs in hooks with the connection locked. */
#include "agent/semconv_messaging.h"

#include "agent/semconv.h"
#include "base/strbuf.h"

enum { RECORD_BASE_BYTES = 900, NAME_BYTES = 320, LINK_BYTES = 40, BATCH_LINKS = 64 };

/* messaging-spans.md, "Span name": the operation and what it is about, if that is no name of this moment. */
static void name_of(const struct rm_message *m, struct rm_strbuf *ret)
{
	struct rm_str about = m->pattern.n ? m->pattern : m->destination;

	rm_strbuf_str(ret, m->operation);
	if (m->temporary || !about.n)
		return;
	rm_strbuf_char(ret, ' ');
	rm_strbuf_str(ret, about);
}

static size_t record_bytes(const struct rm_exchange *e, const struct rm_message *m)
{
	uint32_t links = !m->received ? 0 : m->batches ? BATCH_LINKS : 1;
	size_t n = RECORD_BASE_BYTES + e->tracestate_bytes + 2 * (m->destination.n + m->pattern.n) + m->partition.n + m->group.n +
		   m->id.n + m->conversation.n + m->client.n + m->routing_key.n + (size_t)links * LINK_BYTES;

	return n < RM_RECORD_MAX_BYTES ? n : RM_RECORD_MAX_BYTES;
}

static void put_server(struct rm_builder *b, const struct rm_message *m, const struct rm_peer *peer)
{
	struct rm_str host = { peer->text, peer->bytes };

	rm_builder_str(b, RM_KEY_SERVER_ADDRESS, host);
	if (host.n && peer->port && peer->port != m->port)
		rm_builder_i64(b, RM_KEY_SERVER_PORT, peer->port);
	rm_semconv_peer(b, peer);
}

void rm_semconv_message(struct rm_exchange *e, const struct rm_config *c, const struct rm_peer *peer,
			const struct rm_message *m, const char *parent_source)
{
	struct rm_builder *b = &e->builder;
	char room[NAME_BYTES];
	struct rm_strbuf name;

	rm_strbuf_init(&name, room, sizeof(room));
	name_of(m, &name);
	if (!rm_semconv_start(e, c, record_bytes(e, m), rm_strbuf_view(&name)))
		return;
	rm_builder_str(b, RM_KEY_MESSAGING_SYSTEM, m->system);
	rm_builder_str(b, RM_KEY_MESSAGING_OPERATION_NAME, m->operation);
	rm_builder_str(b, RM_KEY_MESSAGING_OPERATION_TYPE, m->received ? RM_STR("receive") : RM_STR("send"));
	rm_builder_str(b, RM_KEY_MESSAGING_DESTINATION_NAME, m->destination);
	rm_builder_str(b, RM_KEY_MESSAGING_DESTINATION_TEMPLATE, m->pattern);
	if (m->temporary)
		rm_builder_bool(b, RM_KEY_MESSAGING_DESTINATION_TEMPORARY, true);
	rm_builder_str(b, RM_KEY_MESSAGING_DESTINATION_PARTITION_ID, m->partition);
	rm_builder_str(b, RM_KEY_MESSAGING_CONSUMER_GROUP_NAME, m->group);
	rm_builder_str(b, RM_KEY_MESSAGING_MESSAGE_ID, m->id);
	rm_builder_str(b, RM_KEY_MESSAGING_MESSAGE_CONVERSATION_ID, m->conversation);
	rm_builder_str(b, RM_KEY_MESSAGING_CLIENT_ID, m->client);
	if (m->batch)
		rm_builder_i64(b, RM_KEY_MESSAGING_BATCH_MESSAGE_COUNT, m->batch);
	if (m->placed)
		rm_builder_i64(b, RM_KEY_MESSAGING_KAFKA_OFFSET, m->offset);
	rm_builder_str(b, RM_KEY_MESSAGING_RABBITMQ_ROUTING_KEY, m->routing_key);
	if (m->delivery_tag)
		rm_builder_i64(b, RM_KEY_MESSAGING_RABBITMQ_DELIVERY_TAG, (int64_t)m->delivery_tag);
	put_server(b, m, peer);
	if (parent_source)
		rm_builder_str(b, RM_KEY_REMORA_PARENT_SOURCE, rm_str_c(parent_source));
}

void rm_semconv_link(struct rm_exchange *e, const struct rm_spanctx *sender)
{
	struct rm_link link = { .trace_flags = sender->flags };

	memcpy(link.trace_id, sender->trace_id, sizeof(link.trace_id));
	memcpy(link.span_id, sender->span_id, sizeof(link.span_id));
	rm_builder_link(&e->builder, &link);
}

void rm_semconv_message_outcome(struct rm_exchange *e, const struct rm_outcome *outcome)
{
	if (outcome->batch)
		rm_builder_i64(&e->builder, RM_KEY_MESSAGING_BATCH_MESSAGE_COUNT, outcome->batch);
	if (!outcome->failed)
		return;
	e->status = RM_STATUS_ERROR;
	rm_builder_str(&e->builder, RM_KEY_ERROR_TYPE, outcome->status.n ? outcome->status : RM_STR("_OTHER"));
}
