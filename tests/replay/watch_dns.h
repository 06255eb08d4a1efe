/* What a watch tells of the DNS: a part of watch.c, which includes it behind what it uses. */
#ifndef RM_TESTS_REPLAY_WATCH_DNS_H
#define RM_TESTS_REPLAY_WATCH_DNS_H

#include "protocols/dns_message.h"
#include "tests/replay/watch_log.h"

static void on_question(struct rm_sink *sink, rm_xid x, const struct rm_dns_message *m)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	MUST(w->fed_dir == RM_DIR_REQUEST && !m->response && m->name.n);
	if (e) {
		MUST(!e->head && !e->received);
		e->head = e->operation = true;
	}
	fprintf(w->log, "question %u %d ", x, m->type);
	put_escaped(w->log, m->name);
	fputc('\n', w->log);
}

static void log_answer(void *arg, uint16_t type, const uint8_t *address, struct rm_str name)
{
	struct watch *w = arg;

	fprintf(w->log, "  %d ", type);
	for (int i = 0; address && i < (type == RM_DNS_A ? 4 : 16); i++)
		fprintf(w->log, "%02x", address[i]);
	put_escaped(w->log, name);
	fputc('\n', w->log);
}

static void on_answered(struct rm_sink *sink, rm_xid x, struct rm_str text, struct rm_dns_message *m)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);
	char name[RM_DNS_NAME_BYTES];
	struct rm_strbuf room;

	MUST(w->fed_dir == RM_DIR_RESPONSE && m->response);
	if (e) {
		MUST(e->head && e->response && !e->response_head);
		e->response_head = true;
	}
	fprintf(w->log, "answered %u\n", x);
	rm_strbuf_init(&room, name, sizeof(name));
	rm_dns_answers((const uint8_t *)text.p, text.n, m, &room, log_answer, w);
	fprintf(w->log, "  code %d\n", m->rcode);
}

#endif
