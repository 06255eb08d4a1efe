/*
 * OTLP: sends a request without a span or record in it, which is legal, and reads the answer as a user would have
 * to. What does not answer at all is asked whether it speaks another protocol. Context: worker.
 * Spec: OpenTelemetry specification, protocol/exporter.md; opentelemetry-proto docs/specification.md.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "exporters/check/checks.h"
#include "exporters/grpc.h"
#include "exporters/otlp_answer.h"
#include "exporters/otlp_client.h"

/* One ResourceSpans (or ResourceLogs) with an empty resource. */
#define EMPTY_PROTOBUF "\x0a\x02\x0a\x00"
#define EMPTY_GRPC     "\0\0\0\0\x04" EMPTY_PROTOBUF

enum { TRIES = 4 };

struct check {
	struct rm_checkup *c;
	struct rm_otlp_config config;
	struct rm_http_backend backend;
};

/* A request without anything in it, as the settings want requests. False without memory. */
static bool make_request(const struct check *k, uint8_t **ret, size_t *ret_n)
{
	struct rm_str text = RM_STR(EMPTY_PROTOBUF);

	if (k->config.protocol == RM_OTLP_HTTP_JSON)
		text = k->c->signal == RM_SIGNAL_LOGS ? RM_STR("{\"resourceLogs\":[{\"resource\":{}}]}") :
						       RM_STR("{\"resourceSpans\":[{\"resource\":{}}]}");
	*ret = malloc(text.n);
	if (!*ret)
		return false;
	memcpy(*ret, text.p, text.n);
	*ret_n = text.n;
	return rm_otlp_pack(&k->config, ret, ret_n) == RM_OK;
}

/* ---- which protocol is it? ---- */

static bool answers(const struct check *k, const char *url, bool is_http2)
{
	struct rm_http_options o = { .url = url, .is_http2 = is_http2, .ca_file = k->config.ca_file };
	static const char *const headers[] = { "Content-Type: application/grpc", "TE: trailers" };
	struct rm_http_request request = { .is_get = !is_http2, .body = RM_STR(EMPTY_GRPC) };
	struct rm_checkup quiet = *k->c;
	struct rm_http_answer a;
	struct rm_http *http = NULL;
	bool yes;

	if (is_http2) {
		o.header = headers;
		o.header_count = 2;
	}
	if (!rm_check_ask(&quiet, &o, &request, &http, &a))
		return false;
	yes = is_http2 ? a.is_http2 && a.status > 0 && rm_http_header(&a, "grpc-status").n > 0 : a.status > 0;
	if (strncmp(url, "https:", 6) == 0 && a.fault == RM_HTTP_UNTRUSTED)
		yes = true;
	rm_http_free(http);
	return yes;
}

/* The endpoint's URL with another scheme, owned. */
static char *with_scheme(const char *url, const char *scheme)
{
	const char *rest = strstr(url, "://");
	char *ret = NULL;

	if (!rest || asprintf(&ret, "%s%s", scheme, rest) < 0)
		return NULL;
	return ret;
}

/*
 * Whether a request by these options gets an answer, of gRPC if that is asked for; TLS only has to be there. An
 * answer that comes while we still send, as refusals do, is lost now and then: hence some tries.
 */
static bool speaks(const struct check *k, const char *url, bool is_http2)
{
	bool yes = false;

	for (int i = 0; i < TRIES && !yes; i++)
		yes = answers(k, url, is_http2);
	return yes;
}

/* Finds out what is there, where what should be is not. False: it does not know either. */
static bool say_other_protocol(struct check *k, const struct rm_http_answer *a)
{
	const char *url = k->config.endpoint.url, *where = k->config.endpoint.shown;
	bool is_tls = strncmp(url, "https:", 6) == 0, grpc = k->config.protocol == RM_OTLP_GRPC;
	char *other = is_tls ? NULL : with_scheme(url, "https");
	bool found = true;

	if (k->config.endpoint.unix_path) {
		free(other);
		return false;
	}
	if (other && speaks(k, other, false))
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: there is TLS; use https:// in %s", where, k->backend.variable);
	else if (!grpc && speaks(k, url, true))
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: it speaks gRPC; set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or take its port for "
			       "HTTP, which most have at 4318", where);
	else if (grpc && speaks(k, url, false))
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: it speaks HTTP, not gRPC; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or "
			       "take its port for gRPC, which most have at 4317", where);
	else
		found = false;
	free(other);
	return found;
}

static bool may_be_another(const struct rm_http_answer *a)
{
	return a->fault == RM_HTTP_NOT_HTTP || a->fault == RM_HTTP_CLOSED ||
	       (a->fault == RM_HTTP_NO_TLS && strstr(a->error, "no application protocol"));
}

/* ---- what was answered ---- */

static bool has_key(const struct check *k)
{
	return k->config.secrets.count > 0;
}

static void say_unauthorised(struct check *k, const char *code, struct rm_str said)
{
	const char *colon = said.n > 0 ? ": " : "";

	if (has_key(k))
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: it refuses our key (%s%s%.*s); is the one in OTEL_EXPORTER_OTLP_HEADERS right, and "
			       "is it the header that this backend wants?", k->config.endpoint.shown, code, colon, (int)said.n, said.p);
	else
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: it wants a key (%s%s%.*s); set OTEL_EXPORTER_OTLP_HEADERS=name=value",
			       k->config.endpoint.shown, code, colon, (int)said.n, said.p);
}

static void say_no_path(struct check *k)
{
	const char *path = k->c->signal == RM_SIGNAL_LOGS ? "/v1/logs" : "/v1/traces";
	const char *shown = k->config.endpoint.shown, *name = k->backend.variable;
	const char *first = strstr(shown, path);

	if (first && strstr(first + 1, path))
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: there is no such path (HTTP 404); %s is appended to %s: leave it out there", shown,
			       path + 1, name);
	else if (!first)
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: there is no such path (HTTP 404); %s is used as it is: should it end in %s?", shown,
			       name, path);
	else
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: there is no such path (HTTP 404); does this port take OTLP over HTTP, is its base "
			       "path in %s?", shown, name);
}

static void say_status(struct check *k, const struct rm_http_answer *a, struct rm_str said)
{
	const char *where = k->config.endpoint.shown, *colon = said.n > 0 ? ": " : "";
	struct rm_str location = rm_http_header(a, "location");
	char code[16];

	location = rm_checkup_quote(k->c, rm_str_cut(&location, '?'));
	rm_format(code, sizeof(code), "HTTP %d", a->status);
	if (a->status == 401 || a->status == 403)
		say_unauthorised(k, code, said);
	else if (a->status == 404)
		say_no_path(k);
	else if (a->status == 400 && rm_str_find(a->body, RM_STR("HTTPS")))
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: there is TLS; use https:// in %s", where, k->backend.variable);
	else if (a->status == 415)
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: it does not take %s (HTTP 415); set OTEL_EXPORTER_OTLP_PROTOCOL", where,
			       rm_otlp_protocol_name(k->config.protocol));
	else if (a->status / 100 == 3)
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: it redirects (HTTP %d) to %.*s, which is not followed: name that in %s", where,
			       a->status, (int)location.n, location.p, k->backend.variable);
	else if (a->status == 429 || a->status == 502 || a->status == 503 || a->status == 504)
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: it cannot take anything now (HTTP %d%s%.*s); that may pass", where, a->status, colon,
			       (int)said.n, said.p);
	else
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: it refuses a request of %s without anything in it (HTTP %d%s%.*s); does this "
			       "port take OTLP?", where, rm_otlp_protocol_name(k->config.protocol), a->status, colon, (int)said.n,
			       said.p);
}

static void say_taken(struct check *k, struct rm_str said)
{
	rm_checkup_say(k->c, RM_FINDING_YES, "%s takes %s (%s%s%s)", k->config.endpoint.shown,
		       k->c->signal == RM_SIGNAL_LOGS ? "logs" : "spans", rm_otlp_protocol_name(k->config.protocol),
		       k->config.gzip ? ", gzip" : "", strncmp(k->config.endpoint.url, "https:", 6) == 0 ? ", TLS" : "");
	if (said.n > 0)
		rm_checkup_say(k->c, RM_FINDING_NOTE, "it says: %.*s", (int)said.n, said.p);
}

static void judge_http(struct check *k, const struct rm_http_answer *a)
{
	struct rm_str type = rm_http_header(a, "content-type");
	bool is_page = rm_str_begins(type, RM_STR("text/html"));
	struct rm_otlp_answer answer;
	struct rm_str said;

	rm_otlp_answer(a->body, a->is_json, a->status / 100 == 2, &answer);
	said = is_page ? RM_STR("") : rm_checkup_quote(k->c, rm_str_trim(rm_str_c(answer.message)));
	if (a->status / 100 != 2) {
		say_status(k, a, said);
		return;
	}
	say_taken(k, said);
	if (is_page)
		rm_checkup_say(k->c, RM_FINDING_NOTE, "it answered with a page of HTML; is there a receiver of OTLP behind it?");
	rm_check_clock(k->c, a);
}

static void judge_grpc(struct check *k, const struct rm_http_answer *a)
{
	const char *where = k->config.endpoint.shown;
	struct rm_grpc_answer g;
	char buffer[16], code[48];
	struct rm_str said;

	rm_grpc_answer(a, &g);
	rm_grpc_answer_free(&g);
	said = rm_checkup_quote(k->c, rm_str_c(g.text));
	rm_format(code, sizeof(code), "gRPC %s", rm_grpc_code_name(g.code, buffer));
	if (!g.is_grpc && (a->status == 200 || a->status == 404 || a->status == 415 || a->status == 405))
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: it speaks HTTP, not gRPC (HTTP %d); set OTEL_EXPORTER_OTLP_PROTOCOL="
			       "http/protobuf, or take its port for gRPC, which most have at 4317", where, a->status);
	else if (g.code == RM_GRPC_UNAUTHENTICATED || g.code == RM_GRPC_PERMISSION_DENIED)
		say_unauthorised(k, code, said);
	else if (!g.is_grpc)
		say_status(k, a, RM_STR(""));
	else if (g.code == RM_GRPC_OK)
		say_taken(k, RM_STR(""));
	else if (g.code == RM_GRPC_UNIMPLEMENTED)
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: it speaks gRPC, but does not take %s (%s)", where,
			       k->c->signal == RM_SIGNAL_LOGS ? "logs" : "spans", code);
	else
		rm_checkup_say(k->c, RM_FINDING_NO, "%s: it refuses a call without anything in it (%s%s%.*s)", where, code,
			       said.n > 0 ? ": " : "", (int)said.n, said.p);
}

static void ask(struct check *k)
{
	bool grpc = k->config.protocol == RM_OTLP_GRPC;
	struct rm_http_request request = { 0 };
	struct rm_http_answer a;
	struct rm_http *http = NULL;
	uint8_t *body = NULL;
	size_t n = 0;

	if (!make_request(k, &body, &n)) {
		free(body);
		return;
	}
	request.body = (struct rm_str){ (const char *)body, n };
	if (!rm_check_ask(k->c, &k->backend.options, &request, &http, &a)) {
		free(body);
		return;
	}
	if (a.status > 0)
		(grpc ? judge_grpc : judge_http)(k, &a);
	else if (!may_be_another(&a) || !say_other_protocol(k, &a))
		rm_check_say_fault(k->c, &k->backend, &a, grpc ? "gRPC" : "HTTP/1.1");
	rm_http_free(http);
	free(body);
}

void rm_check_otlp(struct rm_checkup *c)
{
	struct check k = { .c = c };

	if (rm_otlp_config(c->env, c->signal, &k.config) != RM_OK)
		return;
	c->secrets = &k.config.secrets;
	k.backend = (struct rm_http_backend){
		.endpoint = &k.config.endpoint,
		.variable = k.config.endpoint_name ? k.config.endpoint_name : "OTEL_EXPORTER_OTLP_ENDPOINT",
		.is_default = !k.config.endpoint_name,
		.options = rm_otlp_http_options(&k.config),
	};
	if (k.config.is_wrong)
		rm_checkup_say(c, RM_FINDING_NO, "a setting of it is wrong, see above");
	if (rm_check_honeycomb(c, &k.backend, &k.config))
		ask(&k);
	c->secrets = NULL;
	rm_otlp_config_free(&k.config);
}
