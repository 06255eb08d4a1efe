/* See resend.h. Keeps of a URL only a hash, whose key is made for this one redirect. */
#include "agent/resend.h"

#include "base/siphash.h"

static uint64_t hash(const struct rm_redirect *r, struct rm_str url)
{
	const uint64_t key[2] = { r->salt, ~r->salt };

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

static bool begins(struct rm_str s, struct rm_str with)
{
	return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

/* How much of a URL is scheme and authority; 0 when it is none with both. */
static size_t origin_bytes(struct rm_str url)
{
	size_t n = begins(url, RM_STR("http://")) ? 7 : begins(url, RM_STR("https://")) ? 8 : 0;
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
	if (!origin && begins(location, RM_STR("/")) && !begins(location, RM_STR("//")))
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

static void remember(struct rm_thread *t, const struct rm_exchange *e, struct rm_str location)
{
	struct rm_redirect *r = &t->redirect;
	struct rm_str base = url_of(e), url;
	rm_text room = base.n ? rm_text_get(base.n + location.n + 1) : 0;

	if (!room)
		return;
	url = resolve(base, location, room);
	r->salt = rm_random_u64(&t->random);
	r->pending = url.n > 0;
	r->url = hash(r, url);
	memcpy(r->parent, e->parent.span_id, sizeof(r->parent));
	rm_text_put(room);
}

void rm_resend_response(struct rm_thread *t, uint32_t x, const struct rm_exchange *e, const struct rm_head *head)
{
	struct rm_redirect *r = &t->redirect;
	struct rm_str location;

	if (r->sent != rm_exchange_ctx(x))
		return;
	r->pending = false;
	if (!redirects(head->status) || r->multiplexes)
		return;
	location = location_of(head);
	if (location.n)
		remember(t, e, location);
}

void rm_resend_request(struct rm_thread *t, uint32_t x, struct rm_exchange *e, const struct rm_head *head)
{
	struct rm_redirect *r = &t->redirect;
	bool follows = false;
	struct rm_str url;

	/* The tunnel through which the next request goes, if any. */
	if (rm_str_eq(head->method, RM_STR("CONNECT")))
		return;
	if (r->pending) {
		url = url_of(e);
		follows = url.n && hash(r, url) == r->url && memcmp(r->parent, e->parent.span_id, sizeof(r->parent)) == 0;
	} else if (r->sent && rm_ctx_exchange(r->sent)) {
		r->multiplexes = true;
	}
	r->pending = false;
	r->count = follows && r->count < UINT16_MAX ? r->count + 1 : 0;
	r->sent = rm_exchange_ctx(x);
	if (follows)
		rm_builder_i64(&e->builder, RM_KEY_HTTP_REQUEST_RESEND_COUNT, r->count);
}

void rm_resend_forget(struct rm_thread *t)
{
	t->redirect.pending = false;
}
