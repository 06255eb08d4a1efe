/* How the watch writes down what it is told, and what it checks of messages. For watch.c. */
#ifndef RM_TESTS_REPLAY_WATCH_LOG_H
#define RM_TESTS_REPLAY_WATCH_LOG_H

#include <stdlib.h>
#include <string.h>

#include "protocols/grpc_body.h"
#include "tests/replay/watch.h"

#define MUST(condition)                                                                        \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__,     \
				#condition);                                                   \
			abort();                                                               \
		}                                                                              \
	} while (0)

struct watch_exchange {
	bool received, head, operation, request_over, response, response_head, over;
	bool shown, rpc;            /* its content is; as a body of gRPC-Web */
	bool asked;                 /* all of the request's content is shown */
	uint64_t content_bytes, asked_bytes;
	struct rm_grpc_body web;
};

static struct watch *watch_of(struct rm_sink *sink)
{
	return (struct watch *)sink;
}

/* A living exchange; NULL for the one without a name. */
static struct watch_exchange *living(struct watch *w, rm_xid x)
{
	if (!x)
		return NULL;
	MUST(x <= w->exchange_count && !w->exchanges[x - 1].over);
	return &w->exchanges[x - 1];
}

static bool inside(struct rm_str part, struct rm_str whole)
{
	return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void put_escaped(FILE *f, struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\r' || c == '\n')
			fputs(c == '\r' ? "\\r" : "\\n", f);
		else if (c < ' ' || c >= 0x7f || c == '\\')
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
}

static void log_part(struct watch *w, const char *name, struct rm_str value)
{
	if (!value.n)
		return;
	fprintf(w->log, "  %s ", name);
	put_escaped(w->log, value);
	fputc('\n', w->log);
}

/* The head lies where it is said to, and becomes what the log says when a field is added. */
static void check_envelope(struct watch *w, const struct rm_envelope *e, uint32_t end)
{
	size_t before = e->at < 0 ? (size_t)-e->at : 0, cap;
	struct rm_strbuf fields, out;
	char room[200];

	MUST(e->head.n > 0 && e->at + (int64_t)e->head.n == end && end <= w->fed_bytes && before < e->head.n);
	MUST(memcmp(e->head.p + before, w->fed + (e->at < 0 ? 0 : e->at), e->head.n - before) == 0);
	rm_strbuf_init(&fields, room, sizeof(room));
	e->put(&fields, RM_STR("name"), RM_STR("value"));
	MUST(fields.n && !fields.truncated);
	cap = e->head.n + e->copies * fields.n + e->extra_bytes;
	rm_strbuf_init(&out, malloc(cap), cap);
	fprintf(w->log, "  room %lu\n", (unsigned long)e->room_bytes);
	if (e->write(e, rm_strbuf_view(&fields), &out)) {
		MUST(!out.truncated);
		log_part(w, "becomes", rm_strbuf_view(&out));
	} else {
		fputs("  stays\n", w->log);
	}
	free(out.p);
}

static void log_message(struct watch *w, const struct rm_message *m)
{
	log_part(w, "destination", m->destination);
	log_part(w, "pattern", m->pattern);
	log_part(w, "partition", m->partition);
	log_part(w, "group", m->group);
	log_part(w, "id", m->id);
	log_part(w, "conversation", m->conversation);
	log_part(w, "client", m->client);
	log_part(w, "routing_key", m->routing_key);
	if (m->delivery_tag)
		fprintf(w->log, "  delivery_tag %lu\n", (unsigned long)m->delivery_tag);
	if (m->placed)
		fprintf(w->log, "  offset %ld\n", (long)m->offset);
	if (m->batch)
		fprintf(w->log, "  batch %u\n", m->batch);
	if (m->temporary)
		fputs("  temporary\n", w->log);
}

static void log_list(struct watch *w, const struct rm_field *fields, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		fputs("  ", w->log);
		put_escaped(w->log, fields[i].name);
		fputs(": ", w->log);
		put_escaped(w->log, fields[i].value);
		fputc('\n', w->log);
	}
}

/* ---- what a sink lends a protocol ---- */

/* The default of REMORA_MESSAGE_LIMIT. */
static uint32_t on_untold(struct rm_sink *sink)
{
	(void)sink;
	return 4000;
}

/* What was told last. */
static void on_set_topic(struct rm_sink *sink, const uint8_t id[RM_TOPIC_ID_BYTES], struct rm_str name)
{
	struct watch *w = (struct watch *)sink;

	memcpy(w->topic_id, id, sizeof(w->topic_id));
	w->topic_bytes = name.n < sizeof(w->topic) ? name.n : sizeof(w->topic);
	memcpy(w->topic, name.p, w->topic_bytes);
	fputs("topic ", w->log);
	put_escaped(w->log, name);
	fputc('\n', w->log);
}

static struct rm_str on_topic(struct rm_sink *sink, const uint8_t id[RM_TOPIC_ID_BYTES])
{
	struct watch *w = (struct watch *)sink;

	return memcmp(w->topic_id, id, sizeof(w->topic_id)) == 0 ? (struct rm_str){ w->topic, w->topic_bytes } : (struct rm_str){ 0 };
}

static void on_set_greeting(struct rm_sink *sink, uint64_t greeting)
{
	struct watch *w = (struct watch *)sink;

	w->greeting = greeting;
	fprintf(w->log, "greeting %lx\n", (unsigned long)greeting);
}

static uint64_t on_greeting(struct rm_sink *sink)
{
	return ((struct watch *)sink)->greeting;
}

/* ---- contents of requests ---- */

/* Of each second exchange they are looked at, of each fourth to their end. */
static bool on_reads_request(struct rm_sink *sink, rm_xid x)
{
	struct watch_exchange *e = living(watch_of(sink), x);

	MUST(!e || (e->head && !e->request_over && !e->asked_bytes));
	if (e)
		e->asked = x % 4 == 1;
	return e && x % 2;
}

static bool on_request_content(struct rm_sink *sink, rm_xid x, const char *p, uint64_t n)
{
	struct watch *w = watch_of(sink);
	struct watch_exchange *e = living(w, x);

	MUST(e && x % 2 && !e->request_over && n && (e->asked || !e->asked_bytes));
	MUST(!p || (w->fed_dir == RM_DIR_REQUEST && inside((struct rm_str){ p, n }, (struct rm_str){ w->fed, w->fed_bytes })));
	e->asked_bytes += n;
	return e->asked;
}

#endif
