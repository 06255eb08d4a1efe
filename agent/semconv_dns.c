/* See semconv_dns.h. */
#include "agent/semconv_dns.h"

#include "agent/semconv.h"
#include "base/strbuf.h"

enum { RECORD_BYTES = 2000, NAME_BYTES = 300, SHOWN_BYTES = 255, PORT = 53 };

static void put_server(struct rm_builder *b, const struct rm_peer *peer, bool stream)
{
	rm_builder_str(b, RM_KEY_SERVER_ADDRESS, (struct rm_str){ peer->text, peer->bytes });
	if (peer->port && peer->port != PORT)
		rm_builder_i64(b, RM_KEY_SERVER_PORT, peer->port);
	rm_semconv_peer(b, peer);
	rm_builder_str(b, RM_KEY_NETWORK_TRANSPORT, stream ? RM_STR("tcp") : RM_STR("udp"));
}

void rm_semconv_dns_request(struct rm_exchange *e, const struct rm_config *c, const struct rm_dns_asked *asked, const char *source)
{
	struct rm_str shown = { asked->name.p, asked->name.n < SHOWN_BYTES ? asked->name.n : SHOWN_BYTES };
	struct rm_builder *b = &e->builder;
	struct rm_strbuf name;
	char room[NAME_BYTES];

	rm_strbuf_init(&name, room, sizeof(room));
	rm_strbuf_c(&name, asked->reverse ? "DNS reverse lookup " : "DNS lookup ");
	rm_strbuf_str(&name, shown);
	if (!rm_semconv_start(e, c, RECORD_BYTES + e->tracestate_bytes, rm_strbuf_view(&name)))
		return;
	rm_builder_str(b, RM_KEY_DNS_QUESTION_NAME, shown);
	rm_builder_str(b, RM_KEY_DNS_QUESTION_TYPE, asked->type);
	if (asked->peer)
		put_server(b, asked->peer, asked->stream);
	if (source)
		rm_builder_str(b, RM_KEY_REMORA_PARENT_SOURCE, rm_str_c(source));
}

void rm_semconv_dns_outcome(struct rm_exchange *e, struct rm_str error, const struct rm_str *answers, uint32_t count)
{
	struct rm_builder *b = &e->builder;

	if (count)
		rm_builder_strs(b, RM_KEY_DNS_ANSWERS, answers, count);
	if (!error.n)
		return;
	e->status = RM_STATUS_ERROR;
	rm_builder_str(b, RM_KEY_ERROR_TYPE, error);
}
