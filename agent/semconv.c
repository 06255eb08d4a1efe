/*
 * HTTP span records. Semantic conventions 1.44, docs/http/http-spans.md ("HTTP client", "HTTP
 * server", "Status", "Name") and docs/registry. Runs in hooks with the connection locked.
 */
#include "agent/semconv.h"

#include <string.h>

#include "agent/redact.h"
#include "base/err.h"
#include "base/fmt_addr.h"

enum { RECORD_BASE_BYTES = 1024, RESPONSE_HEADER_BYTES = 1024, URL_MAX_BYTES = 8192 };

/* ---- small finds in a head ---- */

static struct rm_str field(const struct rm_head *head, struct rm_str name)
{
	for (uint32_t i = 0; i < head->field_count; i++)
		if (rm_str_ieq(head->fields[i].name, name))
			return head->fields[i].value;
	return (struct rm_str){ 0 };
}

/* First element of a comma list. */
static struct rm_str first_item(struct rm_str list)
{
	return rm_str_trim(rm_str_cut(&list, ','));
}

/* `key` of the first element of Forwarded (RFC 7239): for=, host=, proto=; quotes taken off. */
static struct rm_str forwarded(const struct rm_head *head, struct rm_str key)
{
	struct rm_str rest = first_item(field(head, RM_STR("forwarded")));

	while (rest.n) {
		struct rm_str value = rm_str_cut(&rest, ';');
		struct rm_str name = rm_str_trim(rm_str_cut(&value, '='));

		if (!rm_str_ieq(name, key))
			continue;
		value = rm_str_trim(value);
		if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
			value = (struct rm_str){ value.p + 1, value.n - 2 };
		return value;
	}
	return (struct rm_str){ 0 };
}

/* Splits host[:port] or [v6]:port; *ret_port is 0 without one. */
static struct rm_str split_authority(struct rm_str a, uint64_t *ret_port)
{
	const char *colon = NULL;
	struct rm_str host = a;

	*ret_port = 0;
	for (size_t i = a.n; i-- > 0 && a.p[i] != ']';)
		if (a.p[i] == ':')
			colon = a.p + i;
	if (colon) {
		host.n = (size_t)(colon - a.p);
		if (!rm_str_u64((struct rm_str){ colon + 1, a.n - host.n - 1 }, ret_port) || *ret_port > 65535)
			*ret_port = 0;
	}
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct rm_str){ host.p + 1, host.n - 2 };
	return host;
}

/* ---- request ---- */

static struct rm_str known_method(const struct rm_config *c, struct rm_str method)
{
	for (uint32_t i = 0; i < c->method_count; i++)
		if (rm_str_eq(c->methods[i], method))
			return method;
	return RM_STR("_OTHER");
}

static void put_captured(struct rm_builder *b, const struct rm_header_list *list, const char *prefix,
			 const struct rm_head *head)
{
	for (uint32_t i = 0; i < list->count; i++) {
		struct rm_str values[16];
		uint32_t n = 0;
		char name[256];
		struct rm_strbuf key;

		for (uint32_t f = 0; f < head->field_count && n < 16; f++)
			if (rm_str_ieq(head->fields[f].name, list->name[i]))
				values[n++] = head->fields[f].value;
		rm_strbuf_init(&key, name, sizeof(name));
		rm_strbuf_c(&key, prefix);
		rm_strbuf_str(&key, list->name[i]);
		if (n && !key.truncated)
			rm_builder_named_strs(b, rm_strbuf_view(&key), values, n);
	}
}

static void put_peer(struct rm_builder *b, const struct rm_conn *conn)
{
	char text[128];
	struct rm_strbuf out;
	uint16_t port = 0;

	rm_strbuf_init(&out, text, sizeof(text));
	if (conn->peer_known != 1 || !rm_fmt_sockaddr(&out, &conn->peer.sa, sizeof(conn->peer), &port))
		return;
	rm_builder_str(b, RM_KEY_NETWORK_PEER_ADDRESS, rm_strbuf_view(&out));
	if (port)
		rm_builder_i64(b, RM_KEY_NETWORK_PEER_PORT, port);
}

/* The peer's address as text, for attributes that fall back to it. */
static struct rm_str peer_text(const struct rm_conn *conn, char *room, size_t cap, uint64_t *ret_port)
{
	struct rm_strbuf out;
	uint16_t port = 0;

	rm_strbuf_init(&out, room, cap);
	if (conn->peer_known != 1 || conn->peer.sa.sa_family == AF_UNIX ||
	    !rm_fmt_sockaddr(&out, &conn->peer.sa, sizeof(conn->peer), &port))
		return (struct rm_str){ 0 };
	*ret_port = port;
	return rm_strbuf_view(&out);
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

	if (!query.n)
		return;
	room = rm_text_get(cap);
	rm_strbuf_init(&out, room ? rm_text_at(room) : NULL, room ? cap : 0);
	rm_redact_query(c, query, &out);
	if (out.truncated)
		b->dropped++;
	else
		rm_builder_str(b, RM_KEY_URL_QUERY, rm_strbuf_view(&out));
	rm_text_put(room);
}

/* The URL of a request that we send; the first two are empty when the target names them. */
static void put_url_full(struct rm_builder *b, const struct rm_config *c, struct rm_str scheme,
			 struct rm_str host, struct rm_str target)
{
	size_t bytes = scheme.n + host.n + target.n, cap = redacted_bytes(bytes);
	rm_text room = bytes <= URL_MAX_BYTES ? rm_text_get(bytes + cap) : 0;
	struct rm_strbuf full, out;

	if (!room) {
		b->dropped++;
		return;
	}
	rm_strbuf_init(&full, rm_text_at(room), bytes);
	rm_strbuf_init(&out, rm_text_at(room) + bytes, cap);
	rm_strbuf_str(&full, scheme);
	rm_strbuf_str(&full, host);
	rm_strbuf_str(&full, target);
	rm_redact_url_full(c, rm_strbuf_view(&full), &out);
	if (out.truncated)
		b->dropped++;
	else
		rm_builder_str(b, RM_KEY_URL_FULL, rm_strbuf_view(&out));
	rm_text_put(room);
}

static void put_server(struct rm_builder *b, const struct rm_config *c, struct rm_conn *conn,
		       const struct rm_head *head)
{
	struct rm_str host = forwarded(head, RM_STR("host")), path, query, client, scheme;
	uint64_t port = 0;
	char room[128];

	scheme = forwarded(head, RM_STR("proto"));
	if (!scheme.n)
		scheme = first_item(field(head, RM_STR("x-forwarded-proto")));
	rm_builder_str(b, RM_KEY_URL_SCHEME, scheme.n ? scheme : RM_STR("http"));
	split_target(head->target, &path, &query);
	rm_builder_str(b, RM_KEY_URL_PATH, path);
	put_query(b, c, query);
	if (!host.n)
		host = first_item(field(head, RM_STR("x-forwarded-host")));
	if (!host.n)
		host = head->authority;
	rm_builder_str(b, RM_KEY_SERVER_ADDRESS, split_authority(host, &port));
	if (port)
		rm_builder_i64(b, RM_KEY_SERVER_PORT, (int64_t)port);
	client = forwarded(head, RM_STR("for"));
	if (!client.n)
		client = first_item(field(head, RM_STR("x-forwarded-for")));
	client = client.n ? split_authority(client, &port) : peer_text(conn, room, sizeof(room), &port);
	rm_builder_str(b, RM_KEY_CLIENT_ADDRESS, client);
}

static void put_client(struct rm_builder *b, const struct rm_config *c, struct rm_conn *conn,
		       const struct rm_head *head)
{
	char room[128];
	bool absolute = head->target.n && head->target.p[0] != '/' && head->target.p[0] != '*';
	uint64_t port = 0, peer_port = 0;
	struct rm_str peer = peer_text(conn, room, sizeof(room), &peer_port), host;
	bool connect = rm_str_eq(head->method, RM_STR("CONNECT"));

	host = split_authority(head->authority.n ? head->authority : peer, &port);
	if (!head->authority.n)
		port = peer_port;
	if (absolute && !connect)
		put_url_full(b, c, RM_STR(""), RM_STR(""), head->target);
	else if (!connect)
		put_url_full(b, c, RM_STR("http://"), head->authority.n ? head->authority : peer,
			     rm_str_eq(head->target, RM_STR("*")) ? RM_STR("") : head->target);
	rm_builder_str(b, RM_KEY_SERVER_ADDRESS, host);
	rm_builder_i64(b, RM_KEY_SERVER_PORT, port ? (int64_t)port : 80);
}

static size_t record_bytes(const struct rm_config *c, const struct rm_exchange *e, const struct rm_head *head)
{
	bool server = e->kind == RM_KIND_SERVER;
	const struct rm_header_list *request = server ? &c->server_request : &c->client_request;
	const struct rm_header_list *response = server ? &c->server_response : &c->client_response;
	size_t n = RECORD_BASE_BYTES + e->tracestate_bytes + 2 * head->target.n + 2 * head->authority.n +
		   field(head, RM_STR("user-agent")).n;

	if (request->count)
		n += head->raw.n + 64 * request->count;
	if (response->count)
		n += RESPONSE_HEADER_BYTES;
	return n < RM_RECORD_MAX_BYTES ? n : RM_RECORD_MAX_BYTES;
}

static bool start_record(struct rm_exchange *e, const struct rm_config *c, const struct rm_head *head,
			 struct rm_str name)
{
	struct rm_span span = {
		.start_ns = e->start_wall_ns,
		.kind = e->kind,
		.trace_flags = e->ctx.flags,
		.bits = e->parent_remote ? RM_SPAN_PARENT_REMOTE : 0,
	};
	size_t cap;

	memcpy(span.trace_id, e->ctx.trace_id, sizeof(span.trace_id));
	memcpy(span.span_id, e->ctx.span_id, sizeof(span.span_id));
	if (e->parent.valid)
		memcpy(span.parent_id, e->parent.span_id, sizeof(span.parent_id));
	e->record = rm_text_get(record_bytes(c, e, head));
	if (!e->record) {
		rm_lost(rm_thread_self(), RM_LOST_EXCHANGE);
		return false;
	}
	cap = rm_text_cap(e->record);
	e->builder.max_attrs = c->max_attrs;
	e->builder.max_value_bytes = c->max_value_chars;
	if (rm_builder_span(&e->builder, rm_text_at(e->record), cap < RM_RECORD_MAX_BYTES ? (uint32_t)cap : RM_RECORD_MAX_BYTES,
			    &span, name, rm_exchange_tracestate(e)) == RM_OK)
		return true;
	rm_text_put(e->record);
	e->record = 0;
	return false;
}

void rm_semconv_request(struct rm_exchange *e, const struct rm_config *c, struct rm_conn *conn,
			const struct rm_head *head, const char *parent_source)
{
	struct rm_str method = known_method(c, head->method);
	bool other = rm_str_eq(method, RM_STR("_OTHER")), server = e->kind == RM_KIND_SERVER;
	struct rm_builder *b = &e->builder;

	if (!start_record(e, c, head, other ? RM_STR("HTTP") : method))
		return;
	rm_builder_str(b, RM_KEY_HTTP_REQUEST_METHOD, method);
	if (other)
		rm_builder_str(b, RM_KEY_HTTP_REQUEST_METHOD_ORIGINAL, head->method);
	if (server)
		put_server(b, c, conn, head);
	else
		put_client(b, c, conn, head);
	put_peer(b, conn);
	rm_builder_str(b, RM_KEY_NETWORK_PROTOCOL_VERSION, head->version);
	rm_builder_str(b, RM_KEY_USER_AGENT_ORIGINAL, field(head, RM_STR("user-agent")));
	put_captured(b, server ? &c->server_request : &c->client_request, "http.request.header.", head);
	if (parent_source)
		rm_builder_str(b, RM_KEY_REMORA_PARENT_SOURCE, rm_str_c(parent_source));
}

/* ---- response ---- */

void rm_semconv_response(struct rm_exchange *e, const struct rm_config *c, const struct rm_head *head)
{
	bool server = e->kind == RM_KIND_SERVER;
	bool error = head->status >= (server ? 500 : 400);
	struct rm_builder *b = &e->builder;
	struct rm_strbuf text;
	char digits[8];

	rm_builder_i64(b, RM_KEY_HTTP_RESPONSE_STATUS_CODE, head->status);
	put_captured(b, server ? &c->server_response : &c->client_response, "http.response.header.", head);
	if (!error)
		return;
	e->status = RM_STATUS_ERROR;
	rm_strbuf_init(&text, digits, sizeof(digits));
	rm_strbuf_u64(&text, (uint64_t)head->status);
	rm_builder_str(b, RM_KEY_ERROR_TYPE, rm_strbuf_view(&text));
}

void rm_semconv_bodies(struct rm_exchange *e, uint64_t response_body_bytes)
{
	if (e->request_body_bytes)
		rm_builder_i64(&e->builder, RM_KEY_HTTP_REQUEST_BODY_SIZE, (int64_t)e->request_body_bytes);
	rm_builder_i64(&e->builder, RM_KEY_HTTP_RESPONSE_BODY_SIZE, (int64_t)response_body_bytes);
}

void rm_semconv_broken(struct rm_exchange *e, struct rm_str error)
{
	e->status = RM_STATUS_ERROR;
	rm_builder_str(&e->builder, RM_KEY_ERROR_TYPE, error);
}
