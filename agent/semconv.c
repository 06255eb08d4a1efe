/*
 * HTTP span records. Semantic conventions 1.44, docs/http/http-spans.md ("HTTP client", "HTTP
 * server", "Status", "Name") and docs/registry. Runs in hooks with the connection locked.
 */
#include "agent/semconv.h"

#include <string.h>

#include "agent/crash_facts.h"
#include "agent/redact.h"
#include "agent/semconv_api.h"
#include "agent/semconv_rpc.h"
#include "base/clock.h"
#include "base/err.h"

enum { RECORD_BASE_BYTES = 1024, API_BYTES = 512, API_NAME_BYTES = 256, RESPONSE_HEADER_BYTES = 1024, URL_MAX_BYTES = 8192, URL_PARTS = 4 };

/* ---- request ---- */

static bool is_known(const struct rm_config *c, struct rm_str method)
{
	for (uint32_t i = 0; i < c->method_count; i++)
		if (rm_str_eq(c->methods[i], method))
			return true;
	return false;
}

static __attribute__((noinline)) void put_listed(struct rm_builder *b, const struct rm_header_list *list,
						 const char *prefix, const struct rm_head *head)
{
	struct {
		struct rm_str values[16];
		char name[256];
	} *room;
	rm_text text = rm_text_get(sizeof(*room));

	if (!text) {
		b->dropped += list->count;
		return;
	}
	room = (void *)rm_text_at(text);
	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t n = 0;
		struct rm_strbuf key;

		for (uint32_t f = 0; f < head->field_count && n < 16; f++)
			if (rm_str_ieq(head->fields[f].name, list->name[i]))
				room->values[n++] = head->fields[f].value;
		rm_strbuf_init(&key, room->name, sizeof(room->name));
		rm_strbuf_c(&key, prefix);
		rm_strbuf_str(&key, list->name[i]);
		if (n && !key.truncated)
			rm_builder_named_strs(b, rm_strbuf_view(&key), room->values, n);
	}
	rm_text_put(text);
}

/* The fields that the settings name; nearly always there are none. */
static inline void put_captured(struct rm_builder *b, const struct rm_header_list *list, const char *prefix,
				const struct rm_head *head)
{
	if (list->count)
		put_listed(b, list, prefix, head);
}

static struct rm_str peer_text(const struct rm_peer *peer)
{
	return (struct rm_str){ peer->text, peer->bytes };
}

void rm_semconv_peer(struct rm_builder *b, const struct rm_peer *peer)
{
	rm_builder_str(b, RM_KEY_NETWORK_PEER_ADDRESS, peer_text(peer));
	if (peer->port)
		rm_builder_i64(b, RM_KEY_NETWORK_PEER_PORT, peer->port);
}

/* The peer as a host, for attributes that fall back to it: a path is none. */
static struct rm_str peer_host(const struct rm_peer *peer)
{
	return peer->path ? (struct rm_str){ 0 } : peer_text(peer);
}

/* HTTP/2 says it, HTTP/1 does not. */
static struct rm_str scheme_of(const struct rm_conn *conn, const struct rm_head *head)
{
	if (head->scheme.n)
		return head->scheme;
	return conn->secure ? RM_STR("https") : RM_STR("http");
}

/* Path and query of an origin-form or absolute-form target. */
static void split_target(struct rm_str target, struct rm_str *ret_path, struct rm_str *ret_query)
{
	if (target.n && target.p[0] != '/' && target.p[0] != '*') {
		const char *slashes = memchr(target.p, ':', target.n);
		size_t skip = slashes ? (size_t)(slashes - target.p) + 3 : target.n;

		while (skip < target.n && target.p[skip] != '/' && target.p[skip] != '?')
			skip++;
		skip = skip < target.n ? skip : target.n;
		target = (struct rm_str){ target.p + skip, target.n - skip };
	}
	*ret_query = target;
	*ret_path = rm_str_cut(ret_query, '?');
	if (!ret_path->n)
		*ret_path = RM_STR("/");
}

/* What a URL may become when its secrets are replaced: "k=v" grows most, and a user's name by 18. */
static size_t redacted_bytes(size_t n)
{
	return 4 * n + 32 < URL_MAX_BYTES ? 4 * n + 32 : URL_MAX_BYTES;
}

static void put_query(struct rm_builder *b, const struct rm_config *c, struct rm_str query)
{
	size_t cap = redacted_bytes(query.n);
	struct rm_strbuf out;
	rm_text room;

	if (!rm_redact_query_needed(c, query)) {
		rm_builder_str(b, RM_KEY_URL_QUERY, query);
		return;
	}
	room = rm_text_get(cap);
	rm_strbuf_init(&out, room ? rm_text_at(room) : NULL, room ? cap : 0);
	rm_redact_query(c, query, &out);
	if (out.truncated)
		b->dropped++;
	else
		rm_builder_str(b, RM_KEY_URL_QUERY, rm_strbuf_view(&out));
	rm_text_put(room);
}

static void put_redacted_url(struct rm_builder *b, const struct rm_config *c, const struct rm_str *parts,
			     size_t bytes)
{
	size_t cap = redacted_bytes(bytes);
	rm_text room = rm_text_get(bytes + cap);
	struct rm_strbuf url, out;

	if (!room) {
		b->dropped++;
		return;
	}
	rm_strbuf_init(&url, rm_text_at(room), bytes);
	rm_strbuf_init(&out, rm_text_at(room) + bytes, cap);
	for (int i = 0; i < URL_PARTS; i++)
		rm_strbuf_str(&url, parts[i]);
	rm_redact_url_full(c, rm_strbuf_view(&url), &out);
	if (out.truncated)
		b->dropped++;
	else
		rm_builder_str(b, RM_KEY_URL_FULL, rm_strbuf_view(&out));
	rm_text_put(room);
}

/*
 * A query, of which the path that follows is a part, or user information. No host has either, but a Host
 * field may say anything.
 */
static bool is_odd(struct rm_str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] == '?' || host.p[i] == '@')
			return true;
	return false;
}

/* The URL of a request that we send; scheme and host are empty when the target names them. */
static void put_url_full(struct rm_builder *b, const struct rm_config *c, struct rm_str scheme,
			 struct rm_str host, struct rm_str target)
{
	const struct rm_str parts[URL_PARTS] = { scheme, scheme.n ? RM_STR("://") : scheme, host, target };
	size_t bytes = parts[0].n + parts[1].n + host.n + target.n;

	if (bytes > URL_MAX_BYTES)
		b->dropped++;
	else if (is_odd(host) || rm_redact_url_needed(c, target))
		put_redacted_url(b, c, parts, bytes);
	else
		rm_builder_joined(b, RM_KEY_URL_FULL, parts, URL_PARTS);
}

static void put_server(struct rm_builder *b, const struct rm_config *c, const struct rm_conn *conn,
		       const struct rm_head *head, const struct rm_fields *fields)
{
	struct rm_str path, query, client;
	struct rm_origin origin;
	uint64_t port;

	rm_fields_origin(fields, &origin);
	rm_builder_str(b, RM_KEY_URL_SCHEME, origin.scheme.n ? origin.scheme : scheme_of(conn, head));
	split_target(head->target, &path, &query);
	rm_builder_str(b, RM_KEY_URL_PATH, path);
	put_query(b, c, query);
	rm_builder_str(b, RM_KEY_SERVER_ADDRESS,
		       rm_authority_split(origin.host.n ? origin.host : head->authority, &port));
	if (port)
		rm_builder_i64(b, RM_KEY_SERVER_PORT, (int64_t)port);
	if (origin.client.n)
		client = rm_authority_split(origin.client, &port);
	else
		client = head->gateway && head->gateway->client.n ? head->gateway->client : peer_host(&conn->peer);
	rm_builder_str(b, RM_KEY_CLIENT_ADDRESS, client);
}

/* Who is asked is the program behind the gateway, and not in HTTP: the URL tells what for. */
static void put_gateway(struct rm_builder *b, const struct rm_conn *conn, const struct rm_head *head)
{
	rm_builder_str(b, RM_KEY_SERVER_ADDRESS, peer_text(&conn->peer));
	if (conn->peer.bytes && conn->peer.port)
		rm_builder_i64(b, RM_KEY_SERVER_PORT, conn->peer.port);
	rm_builder_str(b, RM_KEY_NETWORK_PROTOCOL_NAME, rm_str_c(head->gateway->name));
}

static void put_client(struct rm_builder *b, const struct rm_config *c, const struct rm_conn *conn,
		       const struct rm_head *head, struct rm_str target)
{
	bool absolute = target.n && target.p[0] != '/' && target.p[0] != '*';
	struct rm_str peer = peer_host(&conn->peer), host = peer, scheme = scheme_of(conn, head);
	bool connect = rm_str_eq(head->method, RM_STR("CONNECT"));
	uint64_t port = 0;

	if (head->authority.n)
		host = rm_authority_split(head->authority, &port);
	else
		port = peer.n ? conn->peer.port : 0;
	if (absolute && !connect)
		put_url_full(b, c, RM_STR(""), RM_STR(""), target);
	else if (!connect)
		put_url_full(b, c, scheme, head->authority.n ? head->authority : peer,
			     rm_str_eq(target, RM_STR("*")) ? RM_STR("") : target);
	if (head->gateway) {
		put_gateway(b, conn, head);
		return;
	}
	rm_builder_str(b, RM_KEY_SERVER_ADDRESS, host);
	rm_builder_i64(b, RM_KEY_SERVER_PORT, port ? (int64_t)port : rm_str_eq(scheme, RM_STR("https")) ? 443 : 80);
}

/* ---- the same, of requests as nearly all are ---- */

enum { PLAIN_ATTRS = 13, PLAIN_BYTES = 256 /* of all values but target, authority and user agent */, PLAIN_TARGET_MAX = 4096 };

/*
 * Is there nothing in it that takes a closer look: an origin that a proxy tells of, a secret, a target that is no path, a
 * limit? Then the attributes are those of put_plain, and are as the long way would have them.
 */
static bool is_plain(const struct rm_builder *b, const struct rm_config *c, const struct rm_head *head,
		     const struct rm_fields *f)
{
	struct rm_str target = head->target;

	return target.n && target.p[0] == '/' && head->authority.n && target.n + head->authority.n < PLAIN_TARGET_MAX &&
	       !head->gateway && !(f->forwarded.n | f->forwarded_for.n | f->forwarded_host.n | f->forwarded_proto.n) &&
	       rm_series_fits(b, PLAIN_BYTES + head->method.n + target.n + 2 * head->authority.n + head->scheme.n +
			      head->version.n + f->user_agent.n, PLAIN_ATTRS) &&
	       !rm_redact_url_needed(c, target);
}

static void put_plain_server(struct rm_series *all, const struct rm_conn *conn, const struct rm_head *head)
{
	struct rm_str path, query = head->target;
	uint64_t port;

	rm_series_str(all, RM_KEY_URL_SCHEME, scheme_of(conn, head));
	path = rm_str_cut(&query, '?');
	rm_series_str(all, RM_KEY_URL_PATH, path);
	rm_series_str(all, RM_KEY_URL_QUERY, query);
	rm_series_str(all, RM_KEY_SERVER_ADDRESS, rm_authority_split(head->authority, &port));
	if (port)
		rm_series_i64(all, RM_KEY_SERVER_PORT, (int64_t)port);
	rm_series_str(all, RM_KEY_CLIENT_ADDRESS, peer_host(&conn->peer));
}

static void put_plain_client(struct rm_series *all, const struct rm_conn *conn, const struct rm_head *head)
{
	struct rm_str scheme = scheme_of(conn, head), host;
	size_t n = scheme.n + 3 + head->authority.n + head->target.n;
	char *to = rm_series_add(all, RM_KEY_URL_FULL, RM_ATTR_STR, n);
	uint64_t port;

	memcpy(to, scheme.p, scheme.n);
	memcpy(to + scheme.n, "://", 3);
	memcpy(to + scheme.n + 3, head->authority.p, head->authority.n);
	memcpy(to + n - head->target.n, head->target.p, head->target.n);
	host = rm_authority_split(head->authority, &port);
	rm_series_str(all, RM_KEY_SERVER_ADDRESS, host);
	rm_series_i64(all, RM_KEY_SERVER_PORT, port ? (int64_t)port : rm_str_eq(scheme, RM_STR("https")) ? 443 : 80);
}

static void put_plain(struct rm_builder *b, const struct rm_conn *conn, const struct rm_head *head, struct rm_str user_agent,
		      bool server)
{
	struct rm_series all = rm_series_begin(b);

	rm_series_str(&all, RM_KEY_HTTP_REQUEST_METHOD, head->method);
	if (server)
		put_plain_server(&all, conn, head);
	else
		put_plain_client(&all, conn, head);
	rm_series_str(&all, RM_KEY_NETWORK_PEER_ADDRESS, peer_text(&conn->peer));
	if (conn->peer.port)
		rm_series_i64(&all, RM_KEY_NETWORK_PEER_PORT, conn->peer.port);
	rm_series_str(&all, RM_KEY_NETWORK_PROTOCOL_VERSION, head->version);
	rm_series_str(&all, RM_KEY_USER_AGENT_ORIGINAL, user_agent);
	rm_series_end(b, &all);
}

static size_t record_bytes(const struct rm_config *c, const struct rm_exchange *e, const struct rm_head *head,
			   const struct rm_fields *fields, size_t more)
{
	bool server = e->kind == RM_KIND_SERVER;
	const struct rm_header_list *request = server ? &c->server_request : &c->client_request;
	const struct rm_header_list *response = server ? &c->server_response : &c->client_response;
	size_t n = RECORD_BASE_BYTES + e->tracestate_bytes + 2 * head->target.n + 2 * head->authority.n +
		   fields->user_agent.n + more;

	if (request->count)
		n += head->text_bytes + 64 * request->count;
	if (response->count)
		n += RESPONSE_HEADER_BYTES;
	return n < RM_RECORD_MAX_BYTES ? n : RM_RECORD_MAX_BYTES;
}

void rm_semconv_own(struct rm_span *s, const struct rm_exchange *e, struct rm_thread *t)
{
	memcpy(s->trace_id, e->ctx.trace_id, sizeof(s->trace_id));
	memcpy(s->span_id, e->ctx.span_id, sizeof(s->span_id));
	if (e->parent.valid)
		memcpy(s->parent_id, e->parent.span_id, sizeof(s->parent_id));
	else
		memset(s->parent_id, 0, sizeof(s->parent_id));
	s->start_ns = rm_clock_wall_at(&t->wall, e->start_ns);
	s->trace_flags = e->ctx.flags;
	s->bits = e->parent_remote ? RM_SPAN_PARENT_REMOTE : 0;
}

bool rm_semconv_start(struct rm_exchange *e, const struct rm_config *c, size_t bytes, struct rm_str name)
{
	struct rm_span span = { .kind = e->kind };
	size_t cap;

	rm_crash_span_begins();
	rm_semconv_own(&span, e, rm_thread_self());
	e->record = rm_text_get(bytes);
	if (!e->record) {
		rm_lost(rm_thread_self(), RM_LOST_EXCHANGE);
		return false;
	}
	cap = rm_text_cap(e->record);
	e->builder.max_attrs = c->max_attrs;
	e->builder.max_value_bytes = c->max_value_chars;
	if (rm_builder_span(&e->builder, rm_text_at(e->record), cap < RM_RECORD_MAX_BYTES ? (uint32_t)cap : RM_RECORD_MAX_BYTES,
			    &span, name, rm_exchange_tracestate(e)) == RM_OK) {
		rm_exchange_promise(e);
		return true;
	}
	rm_text_put(e->record);
	e->record = 0;
	return false;
}

/* What a call of a service is called, in `room`; `other` when it has no name of its own. */
static struct rm_str api_name(const struct rm_api *api, char room[API_NAME_BYTES], struct rm_str other)
{
	struct rm_strbuf name;

	rm_strbuf_init(&name, room, API_NAME_BYTES);
	rm_semconv_api_name(api, &name);
	return name.n && !name.truncated ? rm_strbuf_view(&name) : other;
}

/* Apart, so that what is written next has the stack of its name. */
static __attribute__((noinline)) bool start_request(struct rm_exchange *e, const struct rm_config *c, size_t bytes, struct rm_str name,
						    const struct rm_api *api)
{
	char room[API_NAME_BYTES];

	return rm_semconv_start(e, c, bytes, api->kind ? api_name(api, room, name) : name);
}

static __attribute__((noinline)) void put_any(struct rm_exchange *e, const struct rm_config *c, const struct rm_conn *conn,
					      const struct rm_head *head, const struct rm_fields *fields, bool known,
					      const struct rm_api *api)
{
	bool server = e->kind == RM_KIND_SERVER;
	struct rm_builder *b = &e->builder;

	rm_builder_str(b, RM_KEY_HTTP_REQUEST_METHOD, known ? head->method : RM_STR("_OTHER"));
	if (!known)
		rm_builder_str(b, RM_KEY_HTTP_REQUEST_METHOD_ORIGINAL, head->method);
	if (server)
		put_server(b, c, conn, head, fields);
	else
		put_client(b, c, conn, head, head->target);
	if (api->kind)
		rm_semconv_api_request(e, api);
	rm_semconv_peer(b, &conn->peer);
	if (server || !head->gateway)
		rm_builder_str(b, RM_KEY_NETWORK_PROTOCOL_VERSION, head->version);
	rm_builder_str(b, RM_KEY_USER_AGENT_ORIGINAL, fields->user_agent);
}

void rm_semconv_request(struct rm_exchange *e, const struct rm_config *c, struct rm_conn *conn,
			const struct rm_head *head, const struct rm_fields *fields,
			const char *parent_source)
{
	bool known = is_known(c, head->method), server = e->kind == RM_KIND_SERVER;
	enum rm_rpc rpc = rm_rpc_of(head);
	struct rm_str name = known ? head->method : RM_STR("HTTP");
	struct rm_builder *b = &e->builder;
	enum rm_api_body_form form;
	struct rm_head shown;
	struct rm_api api;

	if (rpc) {
		rm_semconv_rpc_request(e, c, conn, head, rpc, parent_source);
		return;
	}
	api = (struct rm_api){ 0 };
	if (!server && !head->gateway)
		rm_api_of(head, &api);
	form = head->gateway ? RM_API_BODY_NONE : rm_api_body_form(head, &api, server);
	if (!start_request(e, c, record_bytes(c, e, head, fields, api.kind || form ? API_BYTES : 0), name, &api))
		return;
	if (form)
		rm_semconv_api_reads(e, form, head, &api);
	/* Without what ClickHouse and GraphQL are asked there: a query, and the values that are put into it. */
	if ((form || api.kind) && rm_semconv_api_hides_query(e, &api)) {
		shown = *head;
		shown.target = rm_str_cut(&shown.target, '?');
		head = &shown;
	}
	if (known && !api.kind && is_plain(b, c, head, fields) &&
	    (server || (!rm_str_eq(head->method, RM_STR("CONNECT")) && !is_odd(head->authority))))
		put_plain(b, conn, head, fields->user_agent, server);
	else
		put_any(e, c, conn, head, fields, known, &api);
	put_captured(b, server ? &c->server_request : &c->client_request, "http.request.header.", head);
	if (parent_source)
		rm_builder_str(b, RM_KEY_REMORA_PARENT_SOURCE, rm_str_c(parent_source));
}

bool rm_semconv_reads_request(const struct rm_exchange *e)
{
	return e->api_body || e->rpc_reads[RM_DIR_REQUEST];
}

bool rm_semconv_request_content(struct rm_exchange *e, const char *p, uint64_t n)
{
	return e->rpc ? rm_semconv_rpc_request_content(e, p, n) : rm_semconv_api_request_content(e, p, n);
}

/* ---- response ---- */

bool rm_semconv_response(struct rm_exchange *e, const struct rm_config *c, const struct rm_head *head)
{
	bool server = e->kind == RM_KIND_SERVER;
	bool error = head->status >= (server ? 500 : 400), reads;
	struct rm_builder *b = &e->builder;
	struct rm_str code = { 0 };
	struct rm_strbuf text;
	char digits[8];

	if (e->rpc)
		return rm_semconv_rpc_response(e, head);
	rm_semconv_api_request_over(e);
	reads = rm_semconv_api_reads_answer(e, head);
	rm_builder_i64(b, RM_KEY_HTTP_RESPONSE_STATUS_CODE, head->status);
	put_captured(b, server ? &c->server_response : &c->client_response, "http.response.header.", head);
	if (server && !error)
		return reads;
	rm_strbuf_init(&text, digits, sizeof(digits));
	rm_strbuf_u64(&text, (uint64_t)head->status);
	if (!server)
		code = rm_semconv_api_response(e, head, rm_strbuf_view(&text));
	if (!error)
		return reads;
	e->status = RM_STATUS_ERROR;
	rm_builder_str(b, RM_KEY_ERROR_TYPE, code.n ? code : rm_strbuf_view(&text));
	return reads;
}

void rm_semconv_content(struct rm_exchange *e, const char *p, uint64_t n)
{
	if (e->rpc)
		rm_semconv_rpc_content(e, p, n);
	else
		rm_semconv_api_content(e, p, n);
}

void rm_semconv_trailers(struct rm_exchange *e, const struct rm_head *head)
{
	if (e->rpc)
		rm_semconv_rpc_response(e, head);
}

void rm_semconv_bodies(struct rm_exchange *e, uint64_t response_body_bytes, uint64_t now_ns)
{
	if (e->rpc) {
		rm_semconv_rpc_over(e, (struct rm_str){ NULL, 0 }, now_ns);
		return;
	}
	rm_semconv_api_over(e);
	if (e->request_body_bytes)
		rm_builder_i64(&e->builder, RM_KEY_HTTP_REQUEST_BODY_SIZE, (int64_t)e->request_body_bytes);
	rm_builder_i64(&e->builder, RM_KEY_HTTP_RESPONSE_BODY_SIZE, (int64_t)response_body_bytes);
}

void rm_semconv_broken(struct rm_exchange *e, struct rm_str error, uint64_t now_ns)
{
	if (e->rpc && !rm_str_eq(error, RM_STR("process_exit")))
		rm_semconv_rpc_over(e, error, now_ns);
	rm_semconv_api_request_over(e);
	/* A status that is an error said so already, and an attribute is there once. A call's status says it all. */
	if (e->status == RM_STATUS_ERROR || e->rpc_answered)
		return;
	e->status = RM_STATUS_ERROR;
	rm_builder_str(&e->builder, RM_KEY_ERROR_TYPE, error);
}
