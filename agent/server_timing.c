/* See server_timing.h. Reads the program's bytes, and changes none itself. */
#include "agent/server_timing.h"

#include "agent/context.h"
#include "agent/exchange.h"
#include "agent/headroom.h"
#include "base/strbuf.h"
#include "protocols/http1_head.h"

enum { HEAD_BYTES = 8192, LINES_BYTES = 160 };

/* True when one of the list's members, up to a semicolon, is `name`. */
static bool lists(struct rm_str list, struct rm_str name)
{
	while (list.n) {
		struct rm_str member = rm_str_cut(&list, ',');

		if (rm_str_ieq(rm_str_trim(rm_str_cut(&member, ';')), name))
			return true;
	}
	return false;
}

/* True when the head may have the lines; *ret_expose: the second one, too. */
static bool may_have(const struct rm_head *head, bool *ret_expose)
{
	bool allows = false, exposes = false;

	if (head->status < 200 || head->status == 304 || head->fields_cut || !rm_str_eq(head->version, RM_STR("1.1")))
		return false;
	for (uint32_t i = 0; i < head->field_count; i++) {
		const struct rm_field *f = &head->fields[i];

		if (rm_str_ieq(f->name, RM_STR("server-timing")) && lists(f->value, RM_STR("traceparent")))
			return false;
		allows = allows || rm_str_ieq(f->name, RM_STR("access-control-allow-origin"));
		exposes = exposes || (rm_str_ieq(f->name, RM_STR("access-control-expose-headers")) &&
				      lists(f->value, RM_STR("server-timing")));
	}
	*ret_expose = allows && !exposes;
	/* All lines end in CR LF: behind a bare LF readers may not agree where the head ends. */
	return head->raw.n > 1 && head->raw.p[head->raw.n - 2] == '\r';
}

static void write_lines(struct rm_strbuf *out, const struct rm_spanctx *ctx, bool expose)
{
	char value[RM_TRACEPARENT_BYTES];

	rm_traceparent_format(ctx, value);
	rm_strbuf_c(out, "Server-Timing: traceparent;desc=\"");
	rm_strbuf_put(out, value, sizeof(value));
	rm_strbuf_c(out, "\"\r\n");
	if (expose)
		rm_strbuf_c(out, "Access-Control-Expose-Headers: Server-Timing\r\n");
}

/* Whose response begins with the next byte; NULL when that is not known, or not sure. */
static const struct rm_exchange *answered(const struct rm_conn *c)
{
	rm_xid x = c->proto && c->proto->answers && !c->dead && !c->gap ? c->proto->answers(c->state) : 0;
	const struct rm_exchange *e = x ? rm_exchange_at(x) : NULL;

	return e && e->kind == RM_KIND_SERVER && atomic_load(&e->phase) >= RM_PHASE_OPEN ? e : NULL;
}

/* The head that the bytes begin with, if it may have the lines. */
static bool read_head(struct rm_http1_head *m, const char *p, size_t n, bool *ret_expose)
{
	return rm_http1_head_parse(m, RM_DIR_RESPONSE, p, n, false) == RM_HTTP1_DONE && p[m->head.raw.n] == '\r' &&
	       may_have(&m->head, ret_expose);
}

static bool add(struct rm_conn *c, const struct rm_head *head, const struct rm_spanctx *ctx, bool expose)
{
	rm_text text = rm_text_get(LINES_BYTES);
	struct rm_strbuf lines;

	if (!text)
		return false;
	rm_strbuf_init(&lines, rm_text_at(text), LINES_BYTES);
	write_lines(&lines, ctx, expose);
	if (lines.truncated || !rm_headroom(head, rm_strbuf_view(&lines))) {
		rm_text_put(text);
		return false;
	}
	c->pending[c->pending_count++] = (struct rm_pending){
		.at = (uint32_t)head->raw.n, .bytes = (uint32_t)lines.n, .text = text };
	return true;
}

bool rm_server_timing(struct rm_conn *c, const char *p, size_t n)
{
	const struct rm_exchange *e = rm_context_config()->server_timing && !c->pending_count ? answered(c) : NULL;
	struct rm_http1_head m;
	bool expose, done;
	rm_text room;

	n = n < HEAD_BYTES ? n : HEAD_BYTES;
	if (!e || !rm_may_read(p, n))
		return false;
	room = rm_text_get(RM_FIELDS_MAX * sizeof(*m.room));
	if (!room)
		return false;
	m.room = (void *)rm_text_at(room);
	m.room_fields = RM_FIELDS_MAX;
	done = read_head(&m, p, n, &expose) && add(c, &m.head, &e->ctx, expose);
	rm_text_put(room);
	return done;
}
