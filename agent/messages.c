/* See messages.h. Runs in hooks with the connection locked. */
#include "agent/messages.h"

#include <string.h>

#include "agent/context.h"
#include "agent/edit.h"
#include "agent/identity.h"
#include "agent/observe.h"
#include "agent/semconv_messaging.h"
#include "agent/setup.h"
#include "agent/stream.h"
#include "base/log.h"

static void read_carriers(const struct rm_field *fields, uint32_t count, struct rm_carriers *ret)
{
	ret->seen = 0;
	memset(ret->count, 0, sizeof(ret->count));
	for (uint32_t i = 0; i < count; i++) {
		int carrier = rm_carrier_of(fields[i].name);

		if (carrier >= 0)
			rm_carriers_add(ret, carrier, fields[i].value);
	}
}

/* A message that came has the span that sent it for a parent, wherever that is. */
static void on_received(struct rm_visit *v, uint32_t x, struct rm_exchange *e, const struct rm_message *m)
{
	const struct rm_config *config = rm_context_config();
	struct rm_carriers carriers;
	struct rm_parent parent;
	struct rm_spanctx in;
	struct rm_strbuf b;
	rm_text state;

	read_carriers(m->fields, m->field_count, &carriers);
	state = carriers.count[RM_CARRIER_TRACESTATE] ? rm_text_get(RM_TRACESTATES_BYTES) : 0;
	rm_strbuf_init(&b, state ? rm_text_at(state) : NULL, state ? RM_TRACESTATES_BYTES : 0);
	rm_extract(config->propagators, &carriers, &in, &b);
	rm_context_resolve_received(&in, &parent);
	if (in.valid)
		parent.tracestate = rm_tracestate_fit(&b);
	e->kind = RM_KIND_CONSUMER;
	rm_identity_adopt(v->thread, x, e, &parent, NULL);
	rm_text_put(state);
	if (e->ctx.flags & RM_FLAG_SAMPLED)
		rm_semconv_message(e, config, &v->conn->peer, m, rm_context_shown_source(&parent));
	if (e->record && in.valid)
		rm_semconv_link(e, &in);
}

static void on_sent(struct rm_visit *v, uint32_t x, struct rm_exchange *e, const struct rm_message *m)
{
	const struct rm_config *config = rm_context_config();
	struct rm_carriers carriers;
	struct rm_parent parent;
	struct rm_strbuf no_state; /* what the program wrote there goes out as it is */
	struct rm_spanctx in;

	read_carriers(m->fields, m->field_count, &carriers);
	rm_strbuf_init(&no_state, NULL, 0);
	rm_extract(config->propagators, &carriers, &in, &no_state);
	e->kind = RM_KIND_PRODUCER;
	rm_context_resolve_sent(v->thread, v->conn, &in, &parent);
	rm_identity_adopt(v->thread, x, e, &parent, NULL);
	if (e->ctx.flags & RM_FLAG_SAMPLED)
		rm_semconv_message(e, config, &v->conn->peer, m, rm_context_shown_source(&parent));
	rm_setup_tell(v->conn, v->thread, x);
	if (parent.source != RM_SOURCE_PROGRAM && m->envelope && !rm_edit_message(v, m->envelope, &carriers, e))
		rm_lost(v->thread, RM_LOST_INJECT);
}

bool rm_message_seen(struct rm_sink *sink, rm_xid x, const struct rm_message *m, uint32_t end_at)
{
	struct rm_visit *v = (struct rm_visit *)sink;
	struct rm_exchange *e = x ? rm_exchange_at(x) : NULL;

	if (e) {
		rm_peer_ask(&v->conn->peer, v->fd);
		e->operation = true;
		if (m->received)
			on_received(v, x, e, m);
		else
			on_sent(v, x, e, m);
		if (rm_log_topics())
			rm_observe_log(v, e);
	}
	v->conn->first_sent |= !m->received;
	v->full = !m->received && v->edit_count == RM_TX_EDITS;
	return !v->full;
}

void rm_message_batched(struct rm_sink *sink, rm_xid x, const struct rm_field *fields, uint32_t count)
{
	struct rm_strbuf no_state;
	struct rm_carriers carriers;
	struct rm_spanctx in;

	if (!x || !rm_exchange_at(x)->record)
		return;
	read_carriers(fields, count, &carriers);
	rm_strbuf_init(&no_state, NULL, 0);
	rm_extract(rm_context_config()->propagators, &carriers, &in, &no_state);
	if (in.valid)
		rm_semconv_link(rm_exchange_at(x), &in);
}
