/*
 * See repeat.h. Lies in agent/memo.h's memory, beside the fields that it is for. A record is kept as it stands before the
 * response; what is an exchange's own is written over, and so is the port of the peer, in which connections differ.
 */
#include "agent/repeat.h"

#include <string.h>

#include "agent/conn.h"
#include "agent/crash_facts.h"
#include "agent/exchange.h"
#include "agent/memo.h"
#include "agent/semconv.h"
#include "base/bytes.h"

enum { ANSWER_BYTES = 700 /* for what is said of the response */ };

_Static_assert(offsetof(struct rm_repeat, span) % 8 == 0, "aligned as records are");

struct rm_repeat *rm_repeat_of(struct rm_memo *memo, const struct rm_head *head)
{
	struct rm_repeat *r;

	if (!memo || !head->same)
		return NULL;
	r = &memo->repeats[head->same % RM_REPEATS];
	if (r->same == head->same)
		return r;
	r->same = head->same;
	r->told_bytes = 0;
	r->worth = (struct rm_worth){ 0 };
	rm_fields_read(head, &r->fields);
	return r;
}

static bool is_peer(const struct rm_repeat *r, const struct rm_peer *peer)
{
	if (r->peer_bytes != peer->bytes || r->path != peer->path || !r->port_at != !peer->port)
		return false;
	/* Behind a short one is what was there before, or nothing: it may seem to be another one, but never is. */
	return peer->bytes > RM_BLOCK ? rm_bytes_same(r->peer, peer->text, peer->bytes) : rm_block_same(r->peer, peer->text);
}

static bool says_same(const struct rm_repeat *r, const struct rm_exchange *e, const struct rm_conn *conn, const struct rm_head *head)
{
	return r->told_bytes && r->line_bytes == head->line_bytes && r->kind == e->kind && r->secure == conn->secure &&
	       is_peer(r, &conn->peer) && rm_bytes_same(r->line, head->raw.p, r->line_bytes);
}

bool rm_repeat_request(struct rm_repeat *r, struct rm_exchange *e, const struct rm_config *c, const struct rm_conn *conn,
		       const struct rm_head *head)
{
	int64_t port = conn->peer.port;
	struct rm_builder *b = &e->builder;
	struct rm_span *span;

	if (e->tracestate_bytes || !says_same(r, e, conn, head))
		return false;
	rm_worth_found(&r->worth);
	rm_crash_span_begins();
	e->record = rm_text_get(r->told_bytes + ANSWER_BYTES);
	if (!e->record) {
		rm_lost(rm_thread_self(), RM_LOST_EXCHANGE);
		return true;
	}
	span = (struct rm_span *)(void *)rm_text_at(e->record);
	memcpy(span, &r->span, r->told_bytes);
	rm_semconv_own(span, e, rm_thread_self());
	if (r->port_at)
		memcpy((char *)span + r->port_at, &port, sizeof(port));
	*b = (struct rm_builder){ .record = &span->record, .at = (char *)span + r->told_bytes, .max_attrs = c->max_attrs,
				  .max_value_bytes = c->max_value_chars, .attrs_left = r->attrs_left };
	b->end = (char *)span + rm_text_cap(e->record);
	rm_exchange_promise(e);
	return true;
}

/* Where the value of the peer's port is in a record; 0: it has none. */
static uint16_t find_port(const struct rm_record *record)
{
	struct rm_attr_iter it = rm_record_attrs(record);
	struct rm_attr attr;

	while (rm_attr_next(&it, &attr))
		if (attr.key.p == rm_key_name(RM_KEY_NETWORK_PEER_PORT).p)
			return (uint16_t)(it.p - sizeof(int64_t) - (const char *)record);
	return 0;
}

/* Of a service more is to be remembered than a record. Who is asked is the peer where no authority is named. */
static bool can_be_kept(const struct rm_exchange *e, const struct rm_conn *conn, const struct rm_head *head, size_t bytes)
{
	return !e->tracestate_bytes && !e->rpc && !e->api && !e->api_body && !e->builder.dropped && head->authority.n &&
	       bytes <= RM_REPEAT_RECORD_BYTES && conn->peer.bytes <= RM_REPEAT_PEER_BYTES &&
	       head->line_bytes >= RM_BLOCK && head->line_bytes <= RM_REPEAT_LINE_BYTES;
}

void rm_repeat_keep(struct rm_repeat *r, const struct rm_exchange *e, const struct rm_config *c, const struct rm_conn *conn,
		    const struct rm_head *head)
{
	struct rm_builder copy = e->builder;
	size_t bytes = (size_t)(copy.at - (char *)copy.record);

	if (!e->record || c->server_response.count || c->client_response.count || !rm_worth_keep(&r->worth))
		return;
	r->told_bytes = 0;
	if (!can_be_kept(e, conn, head, bytes))
		return;
	memcpy(&r->span, copy.record, bytes);
	rm_builder_move(&copy, &r->span, RM_REPEAT_RECORD_BYTES);
	rm_builder_end(&copy);
	memcpy(r->line, head->raw.p, head->line_bytes);
	memcpy(r->peer, conn->peer.text, sizeof(r->peer));
	r->line_bytes = (uint16_t)head->line_bytes;
	r->peer_bytes = conn->peer.bytes;
	r->path = conn->peer.path;
	r->kind = e->kind;
	r->secure = conn->secure;
	r->port_at = find_port(&r->span.record);
	r->attrs_left = (uint16_t)copy.attrs_left;
	r->told_bytes = (uint16_t)bytes;
}
