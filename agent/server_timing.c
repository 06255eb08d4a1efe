/* See server_timing.h. Reads the program's bytes, and changes none itself. */
#include "agent/server_timing.h"

#include "agent/context.h"
#include "agent/edit.h"
#include "agent/foresee.h"
#include "agent/headroom.h"
#include "agent/insert.h"
#include "base/strbuf.h"
#include "protocols/hpack.h"
#include "protocols/http1_head.h"

enum { HEAD_BYTES = 8192, LINES_BYTES = 256, METRIC_BYTES = 80, FIELDS_BYTES = 256, ANSWER_BYTES = 64 };

/* Which fields a head may have. */
struct fields {
	bool timing, expose, answer;
};


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

/* What the head of the exchange's response may have; false: nothing. */
static bool may_have(const struct rm_exchange *e, const struct rm_head *head, struct fields *ret)
{
	bool allows = false, exposes = false;

	*ret = (struct fields){ .timing = rm_context_config()->server_timing, .answer = e->parent.asks };
	if (head->status < 200 || head->status == 304 || head->fields_cut)
		return false;
	for (uint32_t i = 0; i < head->field_count; i++) {
		const struct rm_field *f = &head->fields[i];

		if (rm_str_ieq(f->name, RM_STR("server-timing")) && lists(f->value, RM_STR("traceparent")))
			ret->timing = false;
		ret->answer = ret->answer && !rm_str_ieq(f->name, RM_STR("x-amzn-trace-id"));
		allows = allows || rm_str_ieq(f->name, RM_STR("access-control-allow-origin"));
		exposes = exposes || (rm_str_ieq(f->name, RM_STR("access-control-expose-headers")) &&
				      lists(f->value, RM_STR("server-timing")));
	}
	ret->expose = ret->timing && allows && !exposes;
	return ret->timing || ret->answer;
}

static void write_metric(struct rm_strbuf *out, const struct rm_spanctx *ctx)
{
	char value[RM_TRACEPARENT_BYTES];

	rm_traceparent_format(ctx, value);
	rm_strbuf_c(out, "traceparent;desc=\"");
	rm_strbuf_put(out, value, sizeof(value));
	rm_strbuf_c(out, "\"");
}

/* ---- HTTP/1 ---- */

static void write_lines(struct rm_strbuf *out, const struct rm_spanctx *ctx, const struct fields *which)
{
	if (which->timing) {
		rm_strbuf_c(out, "Server-Timing: ");
		write_metric(out, ctx);
		rm_strbuf_c(out, "\r\n");
	}
	if (which->expose)
		rm_strbuf_c(out, "Access-Control-Expose-Headers: Server-Timing\r\n");
	if (which->answer) {
		rm_strbuf_c(out, "X-Amzn-Trace-Id: ");
		rm_xray_answer(ctx, out);
		rm_strbuf_c(out, "\r\n");
	}
}

/* Whose response begins with the next byte; NULL when that is not known, or not sure. */
static const struct rm_exchange *answered(const struct rm_conn *c)
{
	rm_xid x = c->proto->answers ? c->proto->answers(c->state) : 0;
	const struct rm_exchange *e = x ? rm_exchange_at(x) : NULL;

	return e && e->kind == RM_KIND_SERVER && atomic_load(&e->phase) >= RM_PHASE_OPEN ? e : NULL;
}

/*
 * The head that the bytes begin with, if it may have the lines. All its own end in CR LF: behind a bare LF readers
 * may not agree where it ends.
 */
static bool read_head(struct rm_http1_head *m, const struct rm_exchange *e, const char *p, size_t n, struct fields *ret)
{
	struct rm_str *raw = &m->head.raw;

	return rm_http1_head_parse(m, RM_DIR_RESPONSE, p, n, false) == RM_HTTP1_DONE && p[raw->n] == '\r' &&
	       raw->n > 1 && raw->p[raw->n - 2] == '\r' && rm_str_eq(m->head.version, RM_STR("1.1")) &&
	       may_have(e, &m->head, ret);
}

static bool add_lines(struct rm_conn *c, const struct rm_head *head, const struct rm_spanctx *ctx, const struct fields *which)
{
	rm_text text = rm_text_get(LINES_BYTES);
	struct rm_strbuf lines;

	if (!text)
		return false;
	rm_strbuf_init(&lines, rm_text_at(text), LINES_BYTES);
	write_lines(&lines, ctx, which);
	if (lines.truncated || !rm_headroom(head, rm_strbuf_view(&lines))) {
		rm_text_put(text);
		return false;
	}
	c->pending[c->pending_count++] = (struct rm_pending){
		.at = (uint32_t)head->raw.n, .bytes = (uint32_t)lines.n, .text = text };
	return true;
}

static bool begin_with_lines(struct rm_conn *c, const char *p, size_t n)
{
	const struct rm_exchange *e = answered(c);
	struct rm_http1_head m;
	struct fields which;
	bool done;
	rm_text room;

	n = n < HEAD_BYTES ? n : HEAD_BYTES;
	if (!e || !(rm_context_config()->server_timing || e->parent.asks) || !rm_may_read(p, n))
		return false;
	room = rm_text_get(RM_FIELDS_MAX * sizeof(*m.room));
	if (!room)
		return false;
	m.room = (void *)rm_text_at(room);
	m.room_fields = RM_FIELDS_MAX;
	done = read_head(&m, e, p, n, &which) && add_lines(c, &m.head, &e->ctx, &which);
	rm_text_put(room);
	return done;
}

/* ---- HTTP/2 ---- */

static void add_fields(struct rm_visit *v, const struct rm_exchange *e, const struct rm_head *head)
{
	char metric[METRIC_BYTES], answer[ANSWER_BYTES], fields[FIELDS_BYTES];
	struct rm_strbuf value, xray, out;
	struct fields which;

	if (!may_have(e, head, &which))
		return;
	rm_strbuf_init(&value, metric, sizeof(metric));
	rm_strbuf_init(&out, fields, sizeof(fields));
	rm_strbuf_init(&xray, answer, sizeof(answer));
	write_metric(&value, &e->ctx);
	rm_xray_answer(&e->ctx, &xray);
	if (which.timing)
		rm_hpack_put(&out, RM_STR("server-timing"), rm_strbuf_view(&value));
	if (which.expose)
		rm_hpack_put(&out, RM_STR("access-control-expose-headers"), RM_STR("Server-Timing"));
	if (which.answer)
		rm_hpack_put(&out, RM_STR("x-amzn-trace-id"), rm_strbuf_view(&xray));
	if (!value.truncated && !xray.truncated && !out.truncated && rm_headroom(head, rm_strbuf_view(&out)))
		rm_edit_block(v, head->block, false, rm_strbuf_view(&out));
}

bool rm_server_timing(struct rm_conn *c, struct rm_thread *t, const struct iovec *iov, int count, size_t from)
{
	int first = 0;

	if (!(rm_context_config()->server_timing || c->asked) || !c->proto || c->pending_count || c->dead || c->gap)
		return false;
	if (c->proto->unread_response)
		return rm_foresee(c, t, iov, count, from, add_fields);
	while (first < count - 1 && !iov[first].iov_len)
		first++;
	if (from || !begin_with_lines(c, iov[first].iov_base, iov[first].iov_len))
		return false;
	c->ahead = (uint32_t)rm_iov_total(iov, count);
	return true;
}
