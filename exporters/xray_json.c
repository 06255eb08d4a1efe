/*
 * Writes X-Ray's documents. What they have a field for is there; all attributes else are metadata, which is
 * shown but not searched, and annotations where the user asked for it. Context: worker.
 */
#include "exporters/xray_json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/wildcard.h"
#include "exporters/attr_json.h"
#include "exporters/xray_cause.h"
#include "exporters/xray_facts.h"
#include "exporters/xray_place.h"

enum { NAME_MAX_BYTES = 200, KEY_BYTES = UINT8_MAX + 1, TEXT_BYTES = 4096, ANNOTATIONS_MAX = 50 };

struct document {
	struct rm_json *j;
	const struct rm_xray_style *style;
	const struct rm_record *resource;
	const struct rm_span *span;
	struct rm_xray_facts facts;
	bool has_metadata;
};

static bool is_call(const struct rm_span *s)
{
	return s->kind == RM_KIND_CLIENT || s->kind == RM_KIND_PRODUCER;
}

static bool is_root(const struct rm_span *s)
{
	static const uint8_t none[sizeof(s->parent_id)];

	return memcmp(s->parent_id, none, sizeof(none)) == 0;
}

static void trace_id(struct rm_json *j, const uint8_t *id)
{
	char hex[32], all[2 + 8 + 1 + 24 + 1];

	rm_hex_encode(id, 16, hex);
	snprintf(all, sizeof(all), "1-%.8s-%.24s", hex, hex + 8);
	rm_json_key(j, "trace_id");
	rm_json_str(j, rm_str_c(all));
}

static void flag(struct rm_json *j, const char *key)
{
	rm_json_key(j, key);
	rm_json_bool(j, true);
}

static struct rm_str fact(const struct document *d, enum rm_xray_fact f)
{
	return rm_xray_text(&d->facts, f);
}

/* ---- names ---- */

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (unsigned char)c >= 0x80 || (c && strchr(" _.:/%&#=+\\-@", c));
}

/* What X-Ray does not take in a name is left out; of a character cut in the middle, all of it. */
static void name(struct rm_json *j, struct rm_str s)
{
	char clean[NAME_MAX_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < sizeof(clean); i++)
		if (is_name_byte(s.p[i]))
			clean[n++] = s.p[i];
	if (n == sizeof(clean)) {
		while (n > 0 && ((unsigned char)clean[n - 1] & 0xc0) == 0x80)
			n--;
		if (n > 0 && (unsigned char)clean[n - 1] >= 0xc0)
			n--;
	}
	rm_xray_put(j, "name", n > 0 ? (struct rm_str){ clean, n } : RM_STR("span"));
}

static struct rm_str service_name(const struct document *d)
{
	struct rm_str host = fact(d, RM_XRAY_SERVER);

	if (d->span->kind == RM_KIND_SERVER && host.n > 0 && d->style->host_pattern.n > 0 &&
	    rm_wildcard(d->style->host_pattern, host))
		return host;
	if (d->style->name.n > 0)
		return d->style->name;
	return fact(d, RM_XRAY_SERVICE);
}

static struct rm_str call_name(const struct document *d)
{
	static const enum rm_xray_fact order[] = { RM_XRAY_PEER_SERVICE, RM_XRAY_SERVER, RM_XRAY_PEER };

	if (is_call(d->span))
		for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
			if (fact(d, order[i]).n > 0)
				return fact(d, order[i]);
	return rm_span_name(d->span);
}

/* ---- blocks ---- */

static void url(const struct document *d, struct rm_strbuf *b)
{
	struct rm_str scheme = fact(d, RM_XRAY_SCHEME), query = fact(d, RM_XRAY_QUERY);
	int64_t port = d->facts.number[RM_XRAY_PORT];
	bool is_usual = port == 0 || (port == 80 && rm_str_eq(scheme, RM_STR("http"))) ||
			(port == 443 && rm_str_eq(scheme, RM_STR("https")));

	rm_strbuf_str(b, scheme);
	rm_strbuf_c(b, "://");
	rm_strbuf_str(b, fact(d, RM_XRAY_SERVER));
	if (!is_usual) {
		rm_strbuf_c(b, ":");
		rm_strbuf_u64(b, (uint64_t)port);
	}
	rm_strbuf_str(b, fact(d, RM_XRAY_PATH));
	if (query.n > 0) {
		rm_strbuf_c(b, "?");
		rm_strbuf_str(b, query);
	}
}

static bool is_ip(struct rm_str s)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr unused;

	if (s.n == 0 || s.n >= sizeof(copy))
		return false;
	memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return inet_pton(AF_INET, copy, &unused) == 1 || inet_pton(AF_INET6, copy, &unused) == 1;
}

static void request(const struct document *d)
{
	struct rm_str client = fact(d, RM_XRAY_CLIENT), peer = fact(d, RM_XRAY_PEER);
	char memory[TEXT_BYTES];
	struct rm_strbuf b;

	rm_json_key(d->j, "request");
	rm_json_open(d->j, '{');
	rm_xray_put(d->j, "method", fact(d, RM_XRAY_METHOD));
	rm_strbuf_init(&b, memory, sizeof(memory));
	if (fact(d, RM_XRAY_URL_FULL).n > 0) {
		rm_xray_put(d->j, "url", fact(d, RM_XRAY_URL_FULL));
	} else if (fact(d, RM_XRAY_SCHEME).n > 0 && fact(d, RM_XRAY_SERVER).n > 0) {
		url(d, &b);
		rm_xray_put(d->j, "url", rm_strbuf_view(&b));
	}
	rm_xray_put(d->j, "user_agent", fact(d, RM_XRAY_USER_AGENT));
	if (d->span->kind == RM_KIND_SERVER && is_ip(client)) {
		rm_xray_put(d->j, "client_ip", client);
		if (!rm_str_eq(client, peer))
			flag(d->j, "x_forwarded_for");
	} else if (d->span->kind == RM_KIND_SERVER && is_ip(peer)) {
		rm_xray_put(d->j, "client_ip", peer);
	}
	rm_json_close(d->j, '}');
}

static void number(const struct document *d, const char *key, enum rm_xray_fact f)
{
	if (!d->facts.has[f])
		return;
	rm_json_key(d->j, key);
	rm_json_i64(d->j, d->facts.number[f]);
}

static void http(const struct document *d)
{
	if (!d->facts.has[RM_XRAY_METHOD])
		return;
	rm_json_key(d->j, "http");
	rm_json_open(d->j, '{');
	request(d);
	if (d->facts.has[RM_XRAY_STATUS]) {
		rm_json_key(d->j, "response");
		rm_json_open(d->j, '{');
		number(d, "status", RM_XRAY_STATUS);
		number(d, "content_length", RM_XRAY_BODY_SIZE);
		rm_json_close(d->j, '}');
	}
	rm_json_close(d->j, '}');
}

static void sql(const struct document *d)
{
	struct rm_str host = fact(d, RM_XRAY_SERVER);
	char memory[TEXT_BYTES];
	struct rm_strbuf b;

	if (fact(d, RM_XRAY_DB_SYSTEM).n == 0)
		return;
	if (host.n == 0)
		host = fact(d, RM_XRAY_PEER);
	rm_strbuf_init(&b, memory, sizeof(memory));
	rm_strbuf_str(&b, fact(d, RM_XRAY_DB_SYSTEM));
	rm_strbuf_c(&b, "://");
	rm_strbuf_str(&b, host);
	if (d->facts.number[RM_XRAY_PORT] > 0) {
		rm_strbuf_c(&b, ":");
		rm_strbuf_u64(&b, (uint64_t)d->facts.number[RM_XRAY_PORT]);
	}
	if (fact(d, RM_XRAY_DB_NAMESPACE).n > 0) {
		rm_strbuf_c(&b, "/");
		rm_strbuf_str(&b, fact(d, RM_XRAY_DB_NAMESPACE));
	}
	rm_json_key(d->j, "sql");
	rm_json_open(d->j, '{');
	rm_xray_put(d->j, "url", rm_strbuf_view(&b));
	rm_xray_put(d->j, "database_type", fact(d, RM_XRAY_DB_SYSTEM));
	rm_xray_put(d->j, "sanitized_query", fact(d, RM_XRAY_DB_TEXT));
	rm_json_close(d->j, '}');
}

/* 4xx is an error, 429 a throttle too, everything else that failed a fault; a type of error is its cause. */
static void outcome(const struct document *d)
{
	int64_t status = d->facts.number[RM_XRAY_STATUS];
	struct rm_str type = fact(d, RM_XRAY_ERROR_TYPE);
	uint64_t unused;

	if (status >= 400 && status < 500)
		flag(d->j, "error");
	else if (status >= 500 || d->span->status == RM_STATUS_ERROR)
		flag(d->j, "fault");
	if (status == 429)
		flag(d->j, "throttle");
	if (rm_xray_cause(d->j, d->span, is_call(d->span)) || type.n == 0 || rm_str_u64(type, &unused))
		return;
	rm_json_key(d->j, "cause");
	rm_json_open(d->j, '{');
	rm_json_key(d->j, "exceptions");
	rm_json_open(d->j, '[');
	rm_json_open(d->j, '{');
	rm_json_key(d->j, "id");
	rm_json_hex(d->j, d->span->span_id, sizeof(d->span->span_id));
	rm_xray_put(d->j, "type", type);
	if (is_call(d->span))
		flag(d->j, "remote");
	rm_json_close(d->j, '}');
	rm_json_close(d->j, ']');
	rm_json_close(d->j, '}');
}

/* ---- everything else ---- */

static bool is_annotation(const struct document *d, const struct rm_attr *a)
{
	struct rm_str rest = d->style->annotations, pattern;

	if (a->type == RM_ATTR_STRS)
		return false;
	while (rm_env_item(&rest, &pattern))
		if (rm_wildcard(pattern, a->key))
			return true;
	return false;
}

/* Keys are letters, digits and '_'. */
static void annotation_key(struct rm_json *j, struct rm_str key)
{
	char copy[KEY_BYTES];

	for (size_t i = 0; i < key.n; i++) {
		char c = key.p[i], letter = c | 0x20;

		copy[i] = (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') ? c : '_';
	}
	copy[key.n] = '\0';
	rm_json_key(j, copy);
}

static void annotate(const struct document *d, const struct rm_record *r, unsigned *count)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr a;

	while (*count < ANNOTATIONS_MAX && rm_attr_next(&it, &a)) {
		if (!is_annotation(d, &a))
			continue;
		if (*count == 0) {
			rm_json_key(d->j, "annotations");
			rm_json_open(d->j, '{');
		}
		annotation_key(d->j, a.key);
		rm_attr_json(d->j, &a);
		++*count;
	}
}

static void annotations(const struct document *d)
{
	unsigned count = 0;

	annotate(d, &d->span->record, &count);
	annotate(d, d->resource, &count);
	if (!d->has_metadata) {
		if (count++ == 0) {
			rm_json_key(d->j, "annotations");
			rm_json_open(d->j, '{');
		}
		flag(d->j, "remora_metadata_left_out");
	}
	if (count > 0)
		rm_json_close(d->j, '}');
}

/* What stands in `http` and `sql` as it is. */
static bool is_shown(struct rm_str key)
{
	static const char *const shown[] = { "http.request.method",	   "http.response.status_code",
					     "http.response.body.size",	   "url.full",
					     "user_agent.original",	   "db.query.text",
					     "aws.xray.sampling_rule_name" };

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (rm_str_eq(key, rm_str_c(shown[i])))
			return true;
	return false;
}

static void span_attributes(const struct document *d)
{
	struct rm_attr_iter it = rm_record_attrs(&d->span->record);
	char key[KEY_BYTES];
	struct rm_attr a;

	rm_xray_put(d->j, "otel.span.name", rm_span_name(d->span));
	while (rm_attr_next(&it, &a)) {
		if (is_shown(a.key))
			continue;
		rm_format(key, sizeof(key), "%S", &a.key);
		rm_json_key(d->j, key);
		rm_attr_json(d->j, &a);
	}
}

static void resource_attributes(const struct document *d)
{
	struct rm_attr_iter it = rm_record_attrs(d->resource);
	char key[32 + KEY_BYTES];
	struct rm_attr a;

	while (rm_attr_next(&it, &a)) {
		rm_format(key, sizeof(key), "otel.resource.%S", &a.key);
		rm_json_key(d->j, key);
		rm_attr_json(d->j, &a);
	}
}

static void metadata(const struct document *d, bool of_span, bool of_resource)
{
	if (!d->has_metadata)
		return;
	rm_json_key(d->j, "metadata");
	rm_json_open(d->j, '{');
	rm_json_key(d->j, "default");
	rm_json_open(d->j, '{');
	if (of_span)
		span_attributes(d);
	if (of_resource)
		resource_attributes(d);
	rm_json_close(d->j, '}');
	rm_json_close(d->j, '}');
}

/* ---- documents ---- */

static void seconds(struct rm_json *j, const char *key, uint64_t ns)
{
	rm_json_key(j, key);
	rm_json_f64(j, (double)(ns / 1000) / 1e6);
}

static void times(const struct document *d)
{
	seconds(d->j, "start_time", d->span->start_ns);
	seconds(d->j, "end_time", d->span->end_ns);
}

static void parent(const struct document *d)
{
	trace_id(d->j, d->span->trace_id);
	if (is_root(d->span))
		return;
	rm_json_key(d->j, "parent_id");
	rm_json_hex(d->j, d->span->parent_id, sizeof(d->span->parent_id));
}

static void own_id(const struct document *d)
{
	rm_json_key(d->j, "id");
	rm_json_hex(d->j, d->span->span_id, sizeof(d->span->span_id));
}

/* Spans of other traces that this one has to do with. */
static void links(const struct document *d)
{
	struct rm_attr_iter it = rm_record_attrs(&d->span->record);
	struct rm_link link;

	if (!d->span->link_count)
		return;
	rm_json_key(d->j, "links");
	rm_json_open(d->j, '[');
	while (rm_link_next(&it, &link)) {
		rm_json_open(d->j, '{');
		trace_id(d->j, link.trace_id);
		rm_json_key(d->j, "id");
		rm_json_hex(d->j, link.span_id, sizeof(link.span_id));
		rm_json_close(d->j, '}');
	}
	rm_json_close(d->j, ']');
}

/* What a span did, the same in a segment and a subsegment. */
static void work(const struct document *d)
{
	http(d);
	sql(d);
	outcome(d);
	links(d);
	annotations(d);
}

static void subsegment(const struct document *d, bool is_independent)
{
	rm_json_open(d->j, '{');
	name(d->j, call_name(d));
	own_id(d);
	if (is_independent) {
		rm_xray_put(d->j, "type", RM_STR("subsegment"));
		parent(d);
	}
	times(d);
	if (is_call(d->span))
		rm_xray_put(d->j, "namespace", RM_STR("remote"));
	work(d);
	metadata(d, true, false);
	rm_json_close(d->j, '}');
}

static void segment(const struct document *d)
{
	rm_json_open(d->j, '{');
	name(d->j, service_name(d));
	own_id(d);
	parent(d);
	times(d);
	rm_xray_place(d->j, &d->facts);
	work(d);
	metadata(d, true, true);
	rm_json_close(d->j, '}');
}

/* The caller as a segment, whose id is the call's but for one bit. */
static void segment_of_call(const struct document *d)
{
	uint8_t id[sizeof(d->span->span_id)];

	memcpy(id, d->span->span_id, sizeof(id));
	id[0] ^= 0x80;
	rm_json_open(d->j, '{');
	name(d->j, service_name(d));
	rm_json_key(d->j, "id");
	rm_json_hex(d->j, id, sizeof(id));
	parent(d);
	times(d);
	rm_xray_place(d->j, &d->facts);
	rm_json_key(d->j, "subsegments");
	rm_json_open(d->j, '[');
	subsegment(d, false);
	rm_json_close(d->j, ']');
	metadata(d, false, true);
	rm_json_close(d->j, '}');
}

static bool write_document(const struct document *d)
{
	size_t before = d->j->n;

	d->j->comma = false;
	if (is_call(d->span) && is_root(d->span))
		segment_of_call(d);
	else if (is_root(d->span) || d->span->kind == RM_KIND_SERVER || d->span->kind == RM_KIND_CONSUMER)
		segment(d);
	else
		subsegment(d, true);
	if (!d->j->failed && d->j->n - before <= RM_XRAY_DOCUMENT_MAX_BYTES)
		return true;
	d->j->n = before;
	return false;
}

bool rm_xray_json(struct rm_json *j, const struct rm_xray_style *style, const struct rm_record *resource,
		  const struct rm_span *span)
{
	struct document d = { .j = j, .style = style, .resource = resource, .span = span, .has_metadata = true };

	rm_xray_facts(resource, span, &d.facts);
	if (write_document(&d))
		return true;
	d.has_metadata = false;
	return !j->failed && write_document(&d);
}
