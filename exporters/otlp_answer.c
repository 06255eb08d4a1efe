/*
 * Reads answers. Of JSON only members by name are looked for, each by stepping over those before
 * it: no tree, no recursion. Context: worker. Spec: opentelemetry-proto docs/specification.md,
 * "OTLP/HTTP Response"; RFC 8259.
 */
#include "exporters/otlp_answer.h"

#include <string.h>

#include "rpc_status.pb-c.h"
#include "trace_service.pb-c.h"

static void say(struct rm_otlp_answer *a, struct rm_str s)
{
	size_t n = s.n < sizeof(a->message) - 1 ? s.n : sizeof(a->message) - 1;

	memcpy(a->message, s.p ? s.p : "", n);
	a->message[n] = '\0';
}

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* `p` is at the opening quote; returns what follows the closing one. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : end;
}

/* Returns what follows the value that begins at `p`. */
static const char *skip_value(const char *p, const char *end)
{
	unsigned depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = skip_string(p, end);
		} else if (*p == '{' || *p == '[') {
			depth++;
			p++;
		} else if (*p == '}' || *p == ']' || *p == ',') {
			if (depth == 0)
				return p;
			depth -= *p != ',';
			p++;
		} else {
			p++;
			continue;
		}
		if (depth == 0)
			return p;
	}
	return end;
}

/* The value of a member of a JSON object, as it stands there; empty if there is none. */
static struct rm_str member(struct rm_str object, const char *name)
{
	const char *end, *p;

	if (!object.p)
		return object;
	end = object.p + object.n;
	p = skip_blank(object.p, end);
	if (p == end || *p != '{')
		return (struct rm_str){ NULL, 0 };
	p = skip_blank(p + 1, end);
	while (p < end && *p == '"') {
		const char *key = p + 1, *value, *after;
		struct rm_str found;

		p = skip_string(p, end);
		found = (struct rm_str){ key, (size_t)(p - key) - (p > key) };
		value = skip_blank(p, end);
		if (value == end || *value != ':')
			break;
		value = skip_blank(value + 1, end);
		after = skip_value(value, end);
		if (rm_str_eq(found, rm_str_c(name)))
			return (struct rm_str){ value, (size_t)(after - value) };
		p = skip_blank(after, end);
		if (p < end && *p == ',')
			p = skip_blank(p + 1, end);
	}
	return (struct rm_str){ NULL, 0 };
}

/* A string without its quotes; numbers as they are. Escapes stay: this is read by people only. */
static struct rm_str unquote(struct rm_str v)
{
	while (v.n > 0 && skip_blank(v.p + v.n - 1, v.p + v.n) == v.p + v.n)
		v.n--;
	if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
		return (struct rm_str){ v.p + 1, v.n - 2 };
	return v;
}

static void read_json(struct rm_str body, bool is_success, struct rm_otlp_answer *a)
{
	struct rm_str partial;
	uint64_t rejected;

	if (!is_success) {
		struct rm_str message = member(body, "message");

		say(a, message.p ? unquote(message) : body);
		return;
	}
	partial = member(body, "partialSuccess");
	if (rm_str_u64(unquote(member(partial, "rejectedSpans")), &rejected))
		a->rejected = rejected;
	say(a, unquote(member(partial, "errorMessage")));
}

static void read_response(struct rm_str body, struct rm_otlp_answer *a)
{
	Otlp__ExportTraceServiceResponse *r = otlp__export_trace_service_response__unpack(
		NULL, body.n, (const uint8_t *)body.p);

	if (!r)
		return;
	if (r->partial_success) {
		a->rejected = r->partial_success->rejected_spans > 0
				      ? (uint64_t)r->partial_success->rejected_spans
				      : 0;
		say(a, rm_str_c(r->partial_success->error_message));
	}
	otlp__export_trace_service_response__free_unpacked(r, NULL);
}

static void read_status(struct rm_str body, struct rm_otlp_answer *a)
{
	Rpc__Status *s = rpc__status__unpack(NULL, body.n, (const uint8_t *)body.p);

	say(a, s ? rm_str_c(s->message) : body);
	if (s)
		rpc__status__free_unpacked(s, NULL);
}

void rm_otlp_answer(struct rm_str body, bool is_json, bool is_success, struct rm_otlp_answer *ret)
{
	ret->rejected = 0;
	ret->message[0] = '\0';
	if (body.n == 0)
		return;
	if (is_json)
		read_json(body, is_success, ret);
	else if (is_success)
		read_response(body, ret);
	else
		read_status(body, ret);
}
