/* See edit.h. Context: hook, connection locked. */
#include "agent/edit.h"

#include "agent/context.h"
#include "agent/headroom.h"
#include "base/bytes.h"
#include "protocols/hpack.h"
#include "protocols/http2_edit.h"

enum {
	FIELDS_BYTES = 500, /* of all fields, but for tracestate and baggage */
	/* Requests larger than this are left as they came: servers have limits of their own. */
	INGRESS_MAX_FIELDS = 80,
	INGRESS_MAX_HEAD_BYTES = 6000,
};

static bool may_add(const struct rm_visit *v, uint32_t bytes, uint32_t del)
{
	return v->edit_count < RM_TX_EDITS && bytes >= del && bytes - del <= v->insert_room;
}

static void note(struct rm_visit *v, uint64_t at, uint32_t del, rm_text text, uint32_t bytes)
{
	v->insert_room -= bytes - del;
	v->edits[v->edit_count++] =
		(struct rm_edit){ .at = (uint32_t)at, .del = del, .ins_bytes = bytes, .text = text };
}

/*
 * Notes an edit of the bytes being fed, by the first `bytes` of the text, which is taken over.
 * Without room for it, or without a text, false: the bytes stay as they are.
 */
static bool add_text(struct rm_visit *v, uint64_t at, uint32_t del, rm_text text, uint32_t bytes)
{
	if (!text || !may_add(v, bytes, del)) {
		rm_text_put(text);
		return false;
	}
	note(v, at, del, text, bytes);
	return true;
}

/*
 * Looks where the last letter of the name would stand; another letter tells how far that is away at least
 * (Horspool), one that is not in the name all of it. What no letter is counts as the letter that shares its
 * lower bits.
 */
static bool names_traceparent(struct rm_str text)
{
	enum { BYTES = sizeof("traceparent") - 1 };
	static const uint8_t steps[32] = { ['t' & 31] = 10, ['c' & 31] = 7, ['p' & 31] = 5, ['a' & 31] = 4,
					   ['r' & 31] = 3,  ['e' & 31] = 2, ['n' & 31] = 1 };
	uint8_t step;

	for (size_t end = BYTES - 1; end < text.n; end += step ? step : BYTES) {
		step = steps[text.p[end] & 31];
		if ((text.p[end] | 0x20) == 't' && rm_bytes_are(text.p + end - (BYTES - 1), "traceparent", BYTES))
			return true;
	}
	return false;
}

bool rm_edit_may_be_signed(const struct rm_head *head)
{
	bool found = head->fields_cut || names_traceparent(head->target);

	for (uint32_t i = 0; i < head->field_count && !found; i++)
		found = names_traceparent(head->fields[i].value);
	return found;
}

/* ---- HTTP/1 ---- */

/* Offset, in the visit, of a byte of the head; negative when it came with an earlier visit. */
static int64_t offset_of(const struct rm_visit *v, const struct rm_head *head, const char *p)
{
	int64_t fed = (int64_t)(v->base + head->fed_at); /* where byte `fed_from` of the head stands */

	return fed - head->fed_from + (p - head->raw.p);
}

/* Overwrites the value of a traceparent field in place: same length, nothing moves. */
static bool replace_value(struct rm_visit *v, const struct rm_head *head, const struct rm_field *field,
			  const struct rm_spanctx *ctx)
{
	char value[RM_TRACEPARENT_BYTES];
	int64_t at = offset_of(v, head, field->value.p);

	if (field->value.n != RM_TRACEPARENT_BYTES || at < 0 || rm_edit_may_be_signed(head))
		return false;
	rm_traceparent_format(ctx, value);
	return add_text(v, (uint64_t)at, RM_TRACEPARENT_BYTES,
			rm_stream_text((struct rm_str){ value, sizeof(value) }), RM_TRACEPARENT_BYTES);
}

/*
 * Ends lines as the last one of the head does. After a bare LF, CR LF would make the end of a head of what is
 * none for readers that know only CR LF CR LF.
 */
static void end_alike(const struct rm_head *head, struct rm_strbuf *lines)
{
	struct rm_str raw = head->raw;
	size_t n = 0;

	if (raw.n > 1 && raw.p[raw.n - 2] == '\r')
		return;
	for (size_t i = 0; i < lines->n; i++)
		if (lines->p[i] != '\r')
			lines->p[n++] = lines->p[i];
	lines->n = n;
}

/* True when a field's value has the name in it, as a signature does that covers a field of that name. */
static bool names_xray(const struct rm_head *head)
{
	const struct rm_str name = RM_STR("x-amzn-trace-id");
	bool found = head->fields_cut;

	for (uint32_t i = 0; i < head->field_count && !found; i++) {
		struct rm_str value = head->fields[i].value;

		for (size_t at = 0; at + name.n <= value.n && !found; at++)
			found = rm_str_ieq((struct rm_str){ value.p + at, name.n }, name);
	}
	return found;
}

/* Puts `ctx` into the value of an X-Amzn-Trace-Id, which may grow by that. */
static bool replace_xray(struct rm_visit *v, const struct rm_head *head, const struct rm_field *field,
			 const struct rm_spanctx *ctx)
{
	size_t most = field->value.n + RM_XRAY_BYTES;
	int64_t at = offset_of(v, head, field->value.p);
	struct rm_strbuf out;
	rm_text text;

	if (at < 0 || names_xray(head) || !(text = rm_text_get(most)))
		return false;
	rm_strbuf_init(&out, rm_text_at(text), most);
	if (!rm_xray_rewrite(field->value, ctx, &out) || !rm_headroom_beside(head, RM_STR(""), out.n - field->value.n)) {
		rm_text_put(text);
		return false;
	}
	return add_text(v, (uint64_t)at, (uint32_t)field->value.n, text, (uint32_t)out.n);
}

/* ---- variables of a gateway ---- */

/* Overwrites the one traceparent where it lies, if it does so among the bytes of this visit. */
static bool replace_variable(struct rm_visit *v, const struct rm_head *head, const struct rm_field *field,
			     const struct rm_spanctx *ctx)
{
	int64_t at = (int64_t)v->base + head->gateway->traceparent_at;
	char value[RM_TRACEPARENT_BYTES];

	if (head->gateway->traceparent_at == RM_NOWHERE || at < 0 || field->value.n != RM_TRACEPARENT_BYTES ||
	    rm_edit_may_be_signed(head))
		return false;
	rm_traceparent_format(ctx, value);
	return add_text(v, (uint64_t)at, RM_TRACEPARENT_BYTES,
			rm_stream_text((struct rm_str){ value, sizeof(value) }), RM_TRACEPARENT_BYTES);
}

/* ---- HTTP/2 ---- */

bool rm_edit_block(struct rm_visit *v, const struct rm_block *b, bool replace, struct rm_str fields)
{
	int64_t at = (int64_t)v->base + b->frame_at;
	size_t most = b->frame_bytes + fields.n + RM_HTTP2_EDIT_EXTRA_BYTES;
	struct rm_strbuf out;
	rm_text text;

	if (at < 0 || fields.n > v->insert_room + (uint64_t)b->old_bytes)
		return false;
	text = rm_text_get(most);
	rm_strbuf_init(&out, text ? rm_text_at(text) : NULL, text ? most : 0);
	if (!rm_http2_edit(b, replace, fields, &out) || out.truncated) {
		rm_text_put(text);
		return false;
	}
	return add_text(v, (uint64_t)at, b->frame_bytes, text, (uint32_t)out.n);
}

/* ---- requests that come in ---- */

static bool may_grow(const struct rm_head *head)
{
	return head->field_count <= INGRESS_MAX_FIELDS && !head->fields_cut &&
	       head->text_bytes <= INGRESS_MAX_HEAD_BYTES;
}

/* One more line of the head, which is carried out before this visit ends: the context as `put` says it. */
static void add_line(struct rm_visit *v, const struct rm_head *head, uint32_t blank_at, const struct rm_spanctx *ctx,
		     void (*put)(const struct rm_spanctx *, struct rm_strbuf *))
{
	rm_text text = v->line_used ? rm_text_get(RM_INGRESS_RESERVE) : 0;
	struct rm_strbuf line;

	if (v->line_used && !text)
		return;
	rm_strbuf_init(&line, text ? rm_text_at(text) : v->line, RM_INGRESS_RESERVE);
	put(ctx, &line);
	end_alike(head, &line);
	if (!may_add(v, (uint32_t)line.n, 0)) {
		rm_text_put(text);
		return;
	}
	v->line_used = true;
	note(v, v->base + blank_at, 0, text, (uint32_t)line.n);
}

static void put_traceparent(const struct rm_spanctx *ctx, struct rm_strbuf *line)
{
	rm_traceparent_line(ctx, rm_strbuf_room(line, RM_TRACEPARENT_LINE_BYTES));
}

static void put_xray(const struct rm_spanctx *ctx, struct rm_strbuf *line)
{
	const struct rm_str none = { NULL, 0 };

	rm_inject(RM_PROP_XRAY, ctx, none, none, NULL, rm_put_line, line);
}

/* As below, by the one field that there is without traceparent. */
static bool edit_incoming_xray(struct rm_visit *v, const struct rm_head *head, uint32_t blank_at,
			       const struct rm_fields *fields, const struct rm_spanctx *ctx)
{
	const struct rm_str none = { NULL, 0 };
	char text[RM_INGRESS_RESERVE];
	struct rm_strbuf field;

	if (fields->xray)
		return !head->block && !head->gateway && fields->carriers.count[RM_CARRIER_XRAY] == 1 &&
		       replace_xray(v, head, fields->xray, ctx);
	if (head->gateway || !may_grow(head))
		return true;
	if (!head->block) {
		add_line(v, head, blank_at, ctx, put_xray);
		return true;
	}
	rm_strbuf_init(&field, text, sizeof(text));
	rm_inject(RM_PROP_XRAY, ctx, none, none, NULL, rm_hpack_put_never, &field);
	rm_edit_block(v, head->block, false, rm_strbuf_view(&field));
	return true;
}

/*
 * A proxy that put the field into a table would send what cannot be replaced: nobody may. As short as it gets, since
 * many of them may have to fit into one buffer; but bytes that were read become no fewer.
 */
static bool edit_incoming_block(struct rm_visit *v, const struct rm_block *b, bool replace, const struct rm_spanctx *ctx)
{
	const struct rm_str none = { NULL, 0 };
	char text[RM_INGRESS_RESERVE];
	struct rm_strbuf field;

	rm_strbuf_init(&field, text, sizeof(text));
	rm_hpack_put_traceparent(&field, ctx);
	if (replace && field.n < b->old_bytes) {
		rm_strbuf_init(&field, text, sizeof(text));
		rm_inject(RM_PROP_TRACECONTEXT, ctx, none, none, NULL, rm_hpack_put_never, &field);
	}
	return rm_edit_block(v, b, replace, rm_strbuf_view(&field)) || !replace;
}

bool rm_edit_incoming(struct rm_visit *v, const struct rm_head *head, uint32_t blank_at,
		      const struct rm_fields *fields, const struct rm_spanctx *ctx)
{
	if (!(rm_context_config()->propagators & RM_PROP_TRACECONTEXT))
		return edit_incoming_xray(v, head, blank_at, fields, ctx);
	if (fields->carriers.count[RM_CARRIER_TRACEPARENT] > 1)
		return false;
	if (head->gateway)
		return !fields->traceparent || replace_variable(v, head, fields->traceparent, ctx);
	if (fields->traceparent && !head->block)
		return replace_value(v, head, fields->traceparent, ctx);
	if (fields->traceparent ? rm_edit_may_be_signed(head) : !may_grow(head))
		return !fields->traceparent;
	if (head->block)
		return edit_incoming_block(v, head->block, fields->traceparent != NULL, ctx);
	add_line(v, head, blank_at, ctx, put_traceparent);
	return true;
}

/* ---- requests that go out ---- */

static bool edit_outgoing_block(struct rm_visit *v, const struct rm_head *head, const struct rm_carried *what,
				rm_text room, size_t cap)
{
	const struct rm_block *b = head->block;
	unsigned propagators = rm_context_config()->propagators;
	const struct rm_str none = { NULL, 0 };
	bool replace = what->replace && b->old_bytes && !rm_edit_may_be_signed(head);
	struct rm_strbuf fields;

	rm_strbuf_init(&fields, rm_text_at(room), cap);
	if (replace) {
		rm_inject(RM_PROP_TRACECONTEXT, what->ctx, none, none, NULL, rm_hpack_put, &fields);
		rm_inject_tracestate(what->tracestate, &what->fields->carriers, rm_hpack_put, &fields);
	}
	rm_inject(propagators, what->ctx, what->tracestate, what->baggage, &what->fields->carriers, rm_hpack_put,
		  &fields);
	if (!rm_headroom(head, rm_strbuf_view(&fields)))
		return false;
	return (!fields.n || rm_edit_block(v, b, replace, rm_strbuf_view(&fields))) && replace == what->replace &&
	       !what->replace_xray;
}

/* Both values, in the order in which they stand. *ret_traceparent: that one is ours now. */
static bool replace_values(struct rm_visit *v, const struct rm_head *head, const struct rm_carried *what,
			   bool *ret_traceparent)
{
	const struct rm_field *traceparent = what->replace ? what->fields->traceparent : NULL;
	const struct rm_field *xray = what->replace_xray ? what->fields->xray : NULL;
	bool first = xray && traceparent && xray->value.p < traceparent->value.p, whole = true;

	if (first)
		whole = replace_xray(v, head, xray, what->ctx);
	*ret_traceparent = traceparent && replace_value(v, head, traceparent, what->ctx);
	if (xray && !first)
		whole = replace_xray(v, head, xray, what->ctx);
	return whole && *ret_traceparent == what->replace;
}

static bool edit_outgoing_lines(struct rm_visit *v, const struct rm_head *head, uint32_t blank_at,
				const struct rm_carried *what, rm_text room, size_t cap)
{
	uint32_t room_before = v->insert_room;
	bool ours, replaced = replace_values(v, head, what, &ours);
	struct rm_strbuf lines;

	rm_strbuf_init(&lines, rm_text_at(room), cap);
	rm_inject(rm_context_config()->propagators, what->ctx, what->tracestate, what->baggage,
		  &what->fields->carriers, rm_put_line, &lines);
	if (ours)
		rm_inject_tracestate(what->tracestate, &what->fields->carriers, rm_put_line, &lines);
	end_alike(head, &lines);
	if (!lines.n || !rm_headroom_beside(head, rm_strbuf_view(&lines), room_before - v->insert_room)) {
		rm_text_put(room);
		return !lines.n && replaced;
	}
	return add_text(v, v->base + blank_at, 0, room, (uint32_t)lines.n) && replaced;
}

bool rm_edit_outgoing(struct rm_visit *v, const struct rm_head *head, uint32_t blank_at,
		      const struct rm_carried *what)
{
	size_t cap = FIELDS_BYTES + what->tracestate.n + what->baggage.n;
	rm_text room;
	bool whole;

	if (head->gateway)
		return what->replace && replace_variable(v, head, what->fields->traceparent, what->ctx);
	room = rm_text_get(cap);
	if (!room)
		return false;
	if (!head->block)
		return edit_outgoing_lines(v, head, blank_at, what, room, cap);
	whole = edit_outgoing_block(v, head, what, room, cap);
	rm_text_put(room);
	return whole;
}

/* ---- messages ---- */

/* Writes the envelope's head anew with `fields` in it. */
static bool edit_envelope(struct rm_visit *v, const struct rm_envelope *envelope, struct rm_str fields)
{
	int64_t at = (int64_t)v->base + envelope->at;
	uint64_t most = envelope->head.n + (uint64_t)envelope->copies * fields.n + envelope->extra_bytes;
	struct rm_strbuf out;
	rm_text text;

	if (at < 0 || most > RM_HEAD_MAX_BYTES)
		return false;
	text = rm_text_get((size_t)most);
	rm_strbuf_init(&out, text ? rm_text_at(text) : NULL, text ? (size_t)most : 0);
	if (!envelope->write(envelope, fields, &out) || out.truncated || out.n < envelope->head.n ||
	    out.n - envelope->head.n > envelope->room_bytes) {
		rm_text_put(text);
		return false;
	}
	return add_text(v, (uint64_t)at, (uint32_t)envelope->head.n, text, (uint32_t)out.n);
}

bool rm_edit_message(struct rm_visit *v, const struct rm_envelope *envelope, const struct rm_carriers *present,
		     const struct rm_exchange *e)
{
	struct rm_str tracestate = rm_exchange_tracestate(e), baggage = rm_exchange_baggage(e);
	size_t cap = FIELDS_BYTES + tracestate.n + baggage.n;
	rm_text room = rm_text_get(cap);
	struct rm_strbuf fields;
	bool whole;

	if (!room)
		return false;
	rm_strbuf_init(&fields, rm_text_at(room), cap);
	rm_inject(rm_context_config()->propagators, &e->ctx, tracestate, baggage, present, envelope->put, &fields);
	whole = !fields.n || edit_envelope(v, envelope, rm_strbuf_view(&fields));
	rm_text_put(room);
	return whole;
}

/* ---- queries ---- */

bool rm_edit_query(struct rm_visit *v, const struct rm_envelope *envelope, const struct rm_exchange *e)
{
	const struct rm_str none = { NULL, 0 };
	char room[FIELDS_BYTES];
	struct rm_strbuf fields;

	rm_strbuf_init(&fields, room, sizeof(room));
	rm_inject(RM_PROP_TRACECONTEXT, &e->ctx, none, none, NULL, envelope->put, &fields);
	return fields.n && edit_envelope(v, envelope, rm_strbuf_view(&fields));
}
