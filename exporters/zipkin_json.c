/*
 * A span in Zipkin's form: what Zipkin has a field for is there (service names and addresses as endpoints,
 * the kind, times in microseconds), everything else is a tag, and tags are text. Attributes of the
 * resource are tags of each span: Zipkin knows no resources. Context: worker.
 */
#include "exporters/zipkin_json.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exporters/attr_json.h"

enum { REMOTE_RANKS = 3 };

/* What names the other side of a call, the best name first. */
static const char *const remote_keys[REMOTE_RANKS] = { "peer.service", "server.address",
						       "network.peer.address" };

struct remote {
	struct rm_str name[REMOTE_RANKS]; /* by rank, empty where the span has none */
	int64_t port;
};

/* ---- attributes ---- */

static void text_of_list(struct rm_json *j, struct rm_str packed)
{
	struct rm_json list;
	struct rm_str s;

	rm_json_init(&list);
	rm_json_open(&list, '[');
	while (rm_attr_strs_next(&packed, &s))
		rm_json_str(&list, s);
	rm_json_close(&list, ']');
	j->failed |= list.failed;
	rm_json_str(j, (struct rm_str){ list.p, list.n });
	rm_json_free(&list);
}

static void text_of_double(struct rm_json *j, double v)
{
	struct rm_json number;

	rm_json_init(&number);
	rm_json_f64(&number, v);
	j->failed |= number.failed;
	rm_json_str(j, (struct rm_str){ number.p, number.n });
	rm_json_free(&number);
}

static void tag_value(struct rm_json *j, const struct rm_attr *a)
{
	char digits[24];

	switch (a->type) {
	case RM_ATTR_STR:
		rm_json_str(j, a->v.str);
		break;
	case RM_ATTR_I64:
		snprintf(digits, sizeof(digits), "%" PRId64, a->v.i64);
		rm_json_str(j, rm_str_c(digits));
		break;
	case RM_ATTR_F64:
		text_of_double(j, a->v.f64);
		break;
	case RM_ATTR_BOOL:
		rm_json_str(j, a->v.i64 ? RM_STR("true") : RM_STR("false"));
		break;
	case RM_ATTR_STRS:
		text_of_list(j, a->v.str);
		break;
	case RM_ATTR_LINK: /* rm_attr_next gives none */
	case RM_ATTR_EVENT:
		break;
	}
}

static void tag(struct rm_json *j, const char *key, struct rm_str value)
{
	rm_json_key(j, key);
	rm_json_str(j, value);
}

static void attributes(struct rm_json *j, const struct rm_record *r)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	char key[UINT8_MAX + 1]; /* as long as a record's keys can be */
	struct rm_attr a;

	while (rm_attr_next(&it, &a)) {
		memcpy(key, a.key.p, a.key.n);
		key[a.key.n] = '\0';
		rm_json_key(j, key);
		tag_value(j, &a);
	}
}

static void count(struct rm_json *j, const char *key, uint32_t n)
{
	char digits[16];

	if (n == 0)
		return;
	snprintf(digits, sizeof(digits), "%" PRIu32, n);
	tag(j, key, rm_str_c(digits));
}

static void tags(struct rm_json *j, const struct rm_record *resource, const struct rm_span *s)
{
	rm_json_key(j, "tags");
	rm_json_open(j, '{');
	attributes(j, resource);
	attributes(j, &s->record);
	tag(j, "otel.scope.name", RM_STR("remora"));
	tag(j, "otel.scope.version", RM_STR(REMORA_VERSION));
	if (s->status != RM_STATUS_UNSET)
		tag(j, "otel.status_code", s->status == RM_STATUS_ERROR ? RM_STR("ERROR") : RM_STR("OK"));
	if (s->status == RM_STATUS_ERROR) /* with the status's description, of which we have none */
		tag(j, "error", RM_STR(""));
	count(j, "otel.dropped_attributes_count", s->dropped_attrs);
	count(j, "otel.dropped_events_count", s->dropped_events);
	rm_json_close(j, '}');
}

/* ---- events ---- */

/* What happened is a text in Zipkin: its name or, where there are attributes, "name":{"key":"value"}. */
static void annotation(struct rm_json *j, const struct rm_event *event)
{
	struct rm_json text;

	rm_json_open(j, '{');
	rm_json_key(j, "timestamp");
	rm_json_i64(j, (int64_t)((event->time_ns + 500) / 1000));
	rm_json_key(j, "value");
	rm_json_init(&text);
	rm_json_str(&text, rm_event_name(event));
	text.comma = false;
	rm_json_raw(&text, RM_STR(":"));
	text.comma = false;
	rm_attrs_json(&text, &event->record);
	j->failed |= text.failed;
	rm_json_str(j, event->record.attr_count > 0 ? (struct rm_str){ text.p, text.n } : rm_event_name(event));
	rm_json_free(&text);
	rm_json_close(j, '}');
}

static void annotations(struct rm_json *j, const struct rm_span *s)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	const struct rm_event *event;

	rm_json_key(j, "annotations");
	rm_json_open(j, '[');
	while (rm_event_next(&it, &event))
		annotation(j, event);
	rm_json_close(j, ']');
}

/* ---- endpoints ---- */

static struct rm_str service_of(const struct rm_record *resource)
{
	struct rm_attr_iter it = rm_record_attrs(resource);
	struct rm_attr a;

	while (rm_attr_next(&it, &a))
		if (a.type == RM_ATTR_STR && rm_str_eq(a.key, RM_STR("service.name")))
			return a.v.str;
	return RM_STR("unknown_service");
}

static void local_endpoint(struct rm_json *j, const struct rm_record *resource)
{
	rm_json_key(j, "localEndpoint");
	rm_json_open(j, '{');
	tag(j, "serviceName", service_of(resource));
	rm_json_close(j, '}');
}

static void find_remote(const struct rm_span *s, struct remote *ret)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	struct rm_attr a;

	*ret = (struct remote){ .port = 0 };
	while (rm_attr_next(&it, &a)) {
		if (a.type == RM_ATTR_I64 && rm_str_eq(a.key, RM_STR("network.peer.port")))
			ret->port = a.v.i64;
		for (int i = 0; i < REMOTE_RANKS; i++)
			if (a.type == RM_ATTR_STR && rm_str_eq(a.key, rm_str_c(remote_keys[i])))
				ret->name[i] = a.v.str;
	}
}

static void address(struct rm_json *j, struct rm_str text)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr unused;

	if (text.n == 0 || text.n >= sizeof(copy))
		return;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET, copy, &unused) == 1)
		tag(j, "ipv4", text);
	else if (inet_pton(AF_INET6, copy, &unused) == 1)
		tag(j, "ipv6", text);
}

/* Only of calls that went out: of those that came in, who asks for a service is not one. */
static void remote_endpoint(struct rm_json *j, const struct rm_span *s)
{
	struct remote r;
	int rank = 0;

	if (s->kind != RM_KIND_CLIENT && s->kind != RM_KIND_PRODUCER)
		return;
	find_remote(s, &r);
	while (rank < REMOTE_RANKS && r.name[rank].n == 0)
		rank++;
	if (rank == REMOTE_RANKS)
		return;
	rm_json_key(j, "remoteEndpoint");
	rm_json_open(j, '{');
	tag(j, "serviceName", r.name[rank]);
	address(j, r.name[REMOTE_RANKS - 1]);
	if (r.port > 0 && r.port <= UINT16_MAX) {
		rm_json_key(j, "port");
		rm_json_i64(j, r.port);
	}
	rm_json_close(j, '}');
}

/* ---- span ---- */

static void ids(struct rm_json *j, const struct rm_span *s)
{
	static const uint8_t none[sizeof(s->parent_id)];

	rm_json_key(j, "traceId");
	rm_json_hex(j, s->trace_id, sizeof(s->trace_id));
	rm_json_key(j, "id");
	rm_json_hex(j, s->span_id, sizeof(s->span_id));
	if (memcmp(s->parent_id, none, sizeof(none)) != 0) {
		rm_json_key(j, "parentId");
		rm_json_hex(j, s->parent_id, sizeof(s->parent_id));
	}
}

/* Microseconds, rounded; a span that has lasted at all lasts one at least: 0 is "not known" to Zipkin. */
static void times(struct rm_json *j, const struct rm_span *s)
{
	uint64_t ns = s->end_ns > s->start_ns ? s->end_ns - s->start_ns : 0;
	uint64_t us = (ns + 500) / 1000;

	rm_json_key(j, "timestamp");
	rm_json_i64(j, (int64_t)((s->start_ns + 500) / 1000));
	rm_json_key(j, "duration");
	rm_json_i64(j, us > 0 ? (int64_t)us : 1);
}

static void span(struct rm_json *j, const struct rm_record *resource, const struct rm_span *s)
{
	static const char *const kinds[] = { [RM_KIND_SERVER] = "SERVER",
					     [RM_KIND_CLIENT] = "CLIENT",
					     [RM_KIND_PRODUCER] = "PRODUCER",
					     [RM_KIND_CONSUMER] = "CONSUMER" };

	rm_json_open(j, '{');
	ids(j, s);
	rm_json_key(j, "name");
	rm_json_str(j, rm_span_name(s));
	if (s->kind < sizeof(kinds) / sizeof(kinds[0]) && kinds[s->kind]) {
		rm_json_key(j, "kind");
		rm_json_str(j, rm_str_c(kinds[s->kind]));
	}
	times(j, s);
	local_endpoint(j, resource);
	remote_endpoint(j, s);
	if (s->event_count > 0)
		annotations(j, s);
	tags(j, resource, s);
	rm_json_close(j, '}');
}

void rm_zipkin_json(struct rm_json *j, const struct rm_batch *batch)
{
	rm_json_open(j, '[');
	for (uint32_t g = 0; g < batch->group_count; g++)
		for (uint32_t i = 0; i < batch->groups[g].span_count; i++)
			span(j, batch->groups[g].resource, batch->groups[g].spans[i]);
	rm_json_close(j, ']');
}
