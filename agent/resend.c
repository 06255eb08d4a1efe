/* See resend.h. Keeps of a URL only a hash. */
#include "agent/resend.h"

#include "base/siphash.h"

static uint64_t hash(const struct rm_resend *r, struct rm_str url)
{
	const uint64_t key[2] = { r->sent, ~r->sent };

	return rm_siphash(key, url);
}

/* The URL as it was sent; of one that may have been cut, or was left out, there is none. */
static struct rm_str url_of(const struct rm_exchange *e)
{
	struct rm_str url = { NULL, 0 };

	if (e->record && !e->builder.max_value_bytes)
		rm_builder_find_str(&e->builder, RM_KEY_URL_FULL, &url);
	return url;
}

/* How much of a URL is scheme and authority; 0 when it is none with both. */
static size_t origin_bytes(struct rm_str url)
{
	size_t n = rm_str_begins(url, RM_STR("http://")) ? 7 : rm_str_begins(url, RM_STR("https://")) ? 8 : 0;
	size_t from = n;

	while (n && n < url.n && url.p[n] != '/' && url.p[n] != '?' && url.p[n] != '#')
		n++;
	return n > from ? n : 0;
}

/* Where a redirect leads, in `room`; empty for forms that would have to be resolved. */
static struct rm_str resolve(struct rm_str base, struct rm_str location, rm_text room)
{
	struct rm_strbuf out;
	size_t origin;

	location = rm_str_cut(&location, '#');
	rm_strbuf_init(&out, rm_text_at(room), rm_text_cap(room));
	origin = origin_bytes(location);
	if (!origin && rm_str_begins(location, RM_STR("/")) && !rm_str_begins(location, RM_STR("//")))
		rm_strbuf_str(&out, (struct rm_str){ base.p, origin_bytes(base) });
	else if (!origin)
		return (struct rm_str){ NULL, 0 };
	rm_strbuf_str(&out, location);
	if (origin == location.n)
		rm_strbuf_char(&out, '/');
	return out.truncated ? (struct rm_str){ NULL, 0 } : rm_strbuf_view(&out);
}

static bool redirects(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* The one Location field of a head; empty when there is none, or more. */
static struct rm_str location_of(const struct rm_head *head)
{
	struct rm_str found = { NULL, 0 };

	for (uint32_t i = 0; i < head->field_count; i++) {
		if (!rm_str_ieq(head->fields[i].name, RM_STR("location")))
			continue;
		if (found.n)
			return (struct rm_str){ NULL, 0 };
		found = head->fields[i].value;
	}
	return found;
}

/* ---- calls of client libraries ---- */

enum pending { NOTHING, THAT_URL, ANY_URL };
enum { CALL_STACK_BYTES = 1 << 20 }; /* more than a library's call, with the program's callbacks, takes */

static bool is_below(const char *frame, const char *here)
{
	return here < frame && frame - here < CALL_STACK_BYTES;
}

static bool in_call(const struct rm_resend *r)
{
	return r->calls == 1 && is_below(r->call, __builtin_frame_address(0));
}

bool rm_resend_in_call(const struct rm_thread *t)
{
	return in_call(&t->resend);
}

static void call_changes(struct rm_resend *r)
{
	r->pending = NOTHING;
	r->sent = 0;
	r->count = 0;
}

void rm_resend_call(struct rm_scope *s, const void *frame)
{
	struct rm_resend *r = &s->thread->resend;

	call_changes(r);
	if (r->calls && is_below(r->call, frame)) {
		r->calls += r->calls < UINT8_MAX;
		return;
	}
	r->calls = 1;
	r->call = frame;
}

void rm_resend_call_over(struct rm_scope *s)
{
	struct rm_resend *r = &s->thread->resend;

	call_changes(r);
	r->calls -= r->calls > 0;
}

/* ---- what is expected next ---- */

static void expect(struct rm_thread *t, const struct rm_exchange *e, enum pending what, struct rm_str url)
{
	struct rm_resend *r = &t->resend;

	if (what == THAT_URL)
		r->url = hash(r, url);
	memcpy(r->parent, e->parent.span_id, sizeof(r->parent));
	r->pending = (uint8_t)(what == THAT_URL && !url.n ? NOTHING : what);
}

static void expect_location(struct rm_thread *t, const struct rm_exchange *e, struct rm_str location)
{
	struct rm_str base = url_of(e);
	rm_text room = base.n ? rm_text_get(base.n + location.n + 1) : 0;

	if (!room)
		return;
	expect(t, e, THAT_URL, resolve(base, location, room));
	rm_text_put(room);
}

static bool asks_again(int status)
{
	return status == 401 || status == 407 || status == 417 || status == 421;
}

void rm_resend_response(struct rm_thread *t, uint32_t x, const struct rm_exchange *e, const struct rm_head *head)
{
	struct rm_resend *r = &t->resend;
	struct rm_str location;
	bool called;

	if (r->sent != rm_exchange_ctx(x))
		return;
	r->pending = NOTHING;
	called = in_call(r);
	if (called && asks_again(head->status))
		expect(t, e, THAT_URL, url_of(e));
	if (!redirects(head->status) || (r->multiplexes && !called))
		return;
	location = location_of(head);
	if (location.n && called)
		expect(t, e, ANY_URL, location);
	else if (location.n)
		expect_location(t, e, location);
}

void rm_resend_broken(struct rm_thread *t, uint32_t x)
{
	const struct rm_exchange *e = rm_exchange_at(x);

	if (t->resend.sent == rm_exchange_ctx(x) && in_call(&t->resend) && e->phase < RM_PHASE_ANSWERED)
		expect(t, e, THAT_URL, url_of(e));
}

static bool is_expected(const struct rm_resend *r, const struct rm_exchange *e)
{
	struct rm_str url;

	if (memcmp(r->parent, e->parent.span_id, sizeof(r->parent)) != 0)
		return false;
	if (r->pending == ANY_URL)
		return in_call(r);
	url = url_of(e);
	return url.n && hash(r, url) == r->url;
}

void rm_resend_request(struct rm_thread *t, uint32_t x, struct rm_exchange *e, const struct rm_head *head)
{
	struct rm_resend *r = &t->resend;
	bool follows = false;

	/* The tunnel through which the next request goes, if any. */
	if (rm_str_eq(head->method, RM_STR("CONNECT")))
		return;
	if (r->pending)
		follows = is_expected(r, e);
	else if (r->sent && rm_ctx_exchange(r->sent))
		r->multiplexes = true;
	r->pending = NOTHING;
	r->count = follows && r->count < UINT16_MAX ? r->count + 1 : 0;
	r->sent = rm_exchange_ctx(x);
	if (follows)
		rm_builder_i64(&e->builder, RM_KEY_HTTP_REQUEST_RESEND_COUNT, r->count);
}

void rm_resend_forget(struct rm_thread *t)
{
	t->resend.pending = NOTHING;
}
