/*
 * Reads OTEL_EXPORTER_OTLP_*. A variable for the signal wins over the general one; empty is unset; what
 * is wrong is said once and then as if unset. Header values never appear in a message: they are
 * where API keys are. Context: worker. Spec: OpenTelemetry specification, protocol/exporter.md;
 * RFC 9110 section 5.5 and 5.6.2 (field values and names).
 */
#include "exporters/otlp_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

#define OUR_AGENT "remora/" REMORA_VERSION " OTel-OTLP-Exporter-C/" REMORA_VERSION
#define MS_NS	  1000000ull
enum { OUR_HEADERS = 4 };

_Static_assert(RM_SECRETS_MAX >= RM_OTLP_HEADERS_MAX + 3, "headers, user, password and query");

/* Where a setting is looked for: of each signal, then of all. */
struct names {
	enum rm_env_id own[RM_SIGNAL_COUNT], general;
};

#define NAMES(suffix) { { RM_ENV_OTLP_TRACES_##suffix, RM_ENV_OTLP_LOGS_##suffix }, RM_ENV_OTLP_##suffix }
static const struct names endpoint = NAMES(ENDPOINT), protocol = NAMES(PROTOCOL), insecure = NAMES(INSECURE),
			  headers = NAMES(HEADERS), compression = NAMES(COMPRESSION), timeout = NAMES(TIMEOUT), certificate = NAMES(CERTIFICATE),
			  client_key = NAMES(CLIENT_KEY), client_certificate = NAMES(CLIENT_CERTIFICATE);

/* Where requests go: over HTTP behind the general endpoint, by gRPC at any server. */
static const struct {
	const char *path, *method;
} places[RM_SIGNAL_COUNT] = {
	{ "v1/traces", "/opentelemetry.proto.collector.trace.v1.TraceService/Export" },
	{ "v1/logs", "/opentelemetry.proto.collector.logs.v1.LogsService/Export" },
};

/* The settings, and for which signal they are wanted. */
struct source {
	const struct rm_env *env;
	enum rm_signal signal;
};

/* The variable for the signal where it is set, else the general one. */
static enum rm_env_id prefer(struct source from, struct names n)
{
	return rm_env_is_set(from.env, n.own[from.signal]) ? n.own[from.signal] : n.general;
}

static char *copy(struct rm_str s)
{
	return strndup(s.p ? s.p : "", s.n);
}

/* ---- endpoint ---- */

const char *rm_otlp_protocol_name(enum rm_otlp_protocol protocol)
{
	static const char *const names[] = { "http/protobuf", "http/json", "grpc" };

	return names[protocol];
}

static enum rm_otlp_protocol read_protocol(struct source from)
{
	struct rm_str v = rm_env_str(from.env, prefer(from, protocol));

	if (rm_str_eq(v, RM_STR("grpc")))
		return RM_OTLP_GRPC;
	return rm_str_eq(v, RM_STR("http/json")) ? RM_OTLP_HTTP_JSON : RM_OTLP_HTTP_PROTOBUF;
}

/* "host:port", which gRPC knows as well: whether it is TLS stands in a variable of its own. */
static int parse_target(struct source from, struct rm_str text, struct rm_otlp_config *c)
{
	const char *scheme = rm_env_bool(from.env, prefer(from, insecure)) ? "http" : "https";
	char *url = NULL;
	int err = RM_E_NOMEM;

	if (asprintf(&url, "%s://%.*s", scheme, (int)text.n, text.p) > 0)
		err = rm_endpoint_parse(rm_str_c(url), places[from.signal].method, &c->secrets, &c->endpoint);
	free(url);
	return err;
}

/* `path` is for HTTP. */
static int parse_endpoint(struct source from, struct rm_str text, const char *path, struct rm_otlp_config *c)
{
	bool grpc = c->protocol == RM_OTLP_GRPC;

	if (rm_endpoint_is_unix(text))
		return rm_endpoint_parse_unix(text, grpc ? places[from.signal].method : places[from.signal].path,
					      &c->endpoint);
	if (!grpc)
		return rm_endpoint_parse(text, path, &c->secrets, &c->endpoint);
	if (!rm_str_find(text, RM_STR("://")))
		return parse_target(from, rm_str_trim(text), c);
	return rm_endpoint_parse(text, places[from.signal].method, &c->secrets, &c->endpoint);
}

static int read_endpoint(struct source from, struct rm_otlp_config *c)
{
	bool grpc = c->protocol == RM_OTLP_GRPC;
	const char *if_none = grpc ? "http://localhost:4317" : "http://localhost:4318";
	const struct {
		enum rm_env_id id;
		const char *path;
	} order[] = {
		{ endpoint.own[from.signal], "" },
		{ endpoint.general, places[from.signal].path },
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct rm_str value = rm_env_str(from.env, order[i].id);
		const char *used;
		int err;

		if (value.n == 0)
			continue;
		c->endpoint_name = rm_env_name(order[i].id);
		err = parse_endpoint(from, value, order[i].path, c);
		if (err != RM_E_INVALID)
			return err;
		c->is_wrong = true;
		used = i == 0 && rm_env_is_set(from.env, order[1].id) ? rm_env_name(order[1].id) : if_none;
		rm_endpoint_warn(rm_env_name(order[i].id), value,
				 grpc ? "http:// or https://, and is neither host:port nor unix:///path" :
					"http:// or https://", used);
	}
	c->endpoint_name = NULL;
	return parse_endpoint(from, rm_str_c(if_none), places[from.signal].path, c);
}

/* ---- headers ---- */

static bool is_token(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], letter = c | 0x20;

		if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') &&
		    !(c && strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return s.n > 0;
}

/* What the user's escapes decode to must not end the line. */
static bool is_field_value(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f)
			return false;
	return true;
}

/* Headers that describe the request itself: no setting of the user's could be right. */
static bool is_ours(struct rm_str name)
{
	static const char *const ours[] = { "content-type",	    "content-encoding", "content-length",
					    "transfer-encoding",    "connection",	"expect",
					    "te",		    "grpc-timeout",	"grpc-encoding",
					    "grpc-accept-encoding", "grpc-status" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (rm_str_ieq(name, rm_str_c(ours[i])))
			return true;
	return false;
}

/* Adds "name: value"; libcurl wants "name;" for an empty value. */
static int add_header(struct rm_otlp_config *c, struct rm_str name, struct rm_str value)
{
	char *line = malloc(name.n + value.n + 3), *p = line;

	if (!line)
		return RM_E_NOMEM;
	p = mempcpy(p, name.p, name.n);
	p = mempcpy(p, value.n > 0 ? ": " : ";", value.n > 0 ? 2 : 1);
	p = mempcpy(p, value.p, value.n);
	*p = '\0';
	c->header[c->header_count++] = line;
	return RM_OK;
}

/* Takes one key=value item. RM_E_INVALID when it is none; RM_E_NOMEM. */
static int take_header(struct rm_otlp_config *c, struct rm_str item, bool *ret_is_agent)
{
	struct rm_str key, value;
	char *decoded;
	int n, err = RM_E_INVALID;

	if (!rm_env_pair(item, &key, &value) || !is_token(key) || is_ours(key))
		return RM_E_INVALID;
	if (c->header_count == RM_OTLP_HEADERS_MAX - OUR_HEADERS)
		return RM_E_INVALID;
	decoded = malloc(value.n + 1);
	if (!decoded)
		return RM_E_NOMEM;
	n = rm_percent_decode(value, decoded, value.n + 1);
	if (n >= 0 && is_field_value(decoded, (size_t)n)) {
		err = add_header(c, key, (struct rm_str){ decoded, (size_t)n });
		if (!err)
			err = rm_secrets_add(&c->secrets, (struct rm_str){ decoded, (size_t)n });
		*ret_is_agent |= rm_str_ieq(key, RM_STR("user-agent"));
	}
	free(decoded);
	return err;
}

/* What describes the request. */
static int add_our_headers(struct rm_otlp_config *c)
{
	static const char *const types[] = { "application/x-protobuf", "application/json", "application/grpc" };
	bool grpc = c->protocol == RM_OTLP_GRPC;
	int err = add_header(c, RM_STR("Content-Type"), rm_str_c(types[c->protocol]));

	if (!err && grpc)
		err = add_header(c, RM_STR("TE"), RM_STR("trailers"));
	if (!err && c->gzip)
		err = add_header(c, grpc ? RM_STR("grpc-encoding") : RM_STR("Content-Encoding"), RM_STR("gzip"));
	return err;
}

static int read_headers(struct source from, struct rm_otlp_config *c)
{
	enum rm_env_id id = prefer(from, headers);
	struct rm_str rest = rm_env_str(from.env, id), item;
	bool has_agent = false, has_wrong = false;
	int err;

	while (rm_env_item(&rest, &item)) {
		err = take_header(c, item, &has_agent);
		if (err == RM_E_NOMEM)
			return err;
		has_wrong |= err == RM_E_INVALID;
	}
	c->is_wrong |= has_wrong;
	if (has_wrong)
		rm_warn("%s: ignored is what is no name=value with a percent-encoded value, what "
			"describes the request itself, and what is more than %d headers",
			rm_env_name(id), RM_OTLP_HEADERS_MAX - OUR_HEADERS);
	err = add_our_headers(c);
	if (!err && !has_agent)
		err = add_header(c, RM_STR("User-Agent"), RM_STR(OUR_AGENT));
	return err;
}

/* ---- files ---- */

static int read_file_name(const struct rm_env *env, enum rm_env_id id, struct rm_otlp_config *c, char **ret)
{
	struct rm_str name = rm_env_str(env, id);

	*ret = copy(name);
	if (!*ret)
		return RM_E_NOMEM;
	/* Not ignored: without it something else would be trusted than the user wanted. */
	if (name.n > 0 && access(*ret, R_OK) != 0) {
		rm_warn("%s: %s cannot be read: nothing can be exported", rm_env_name(id), *ret);
		c->is_wrong = true;
	}
	return RM_OK;
}

static int read_files(struct source from, struct rm_otlp_config *c)
{
	enum rm_env_id cert = prefer(from, client_certificate), key = prefer(from, client_key);
	const struct rm_env *env = from.env;

	if (strncmp(c->endpoint.url, "https:", 6) != 0)
		return RM_OK;
	if (rm_env_is_set(env, cert) != rm_env_is_set(env, key)) {
		rm_warn("%s and %s only work together; the one that is set is ignored", rm_env_name(cert),
			rm_env_name(key));
		c->is_wrong = true;
	}
	if (read_file_name(env, prefer(from, certificate), c, &c->ca_file))
		return RM_E_NOMEM;
	if (!rm_env_is_set(env, cert) || !rm_env_is_set(env, key))
		return RM_OK;
	if (read_file_name(env, cert, c, &c->client_cert) || read_file_name(env, key, c, &c->client_key))
		return RM_E_NOMEM;
	return RM_OK;
}

int rm_otlp_config(const struct rm_env *env, enum rm_signal signal, struct rm_otlp_config *ret)
{
	const struct source from = { env, signal };
	struct rm_otlp_config c = { .protocol = read_protocol(from) };
	uint64_t timeout_ms = rm_env_u64(env, prefer(from, timeout), 0);
	int err;

	c.timeout_ns = timeout_ms < UINT64_MAX / MS_NS ? timeout_ms * MS_NS : 0;
	c.gzip = rm_str_eq(rm_env_str(env, prefer(from, compression)), RM_STR("gzip"));
	err = read_endpoint(from, &c);
	if (!err)
		err = read_headers(from, &c);
	if (!err)
		err = read_files(from, &c);
	if (err)
		rm_otlp_config_free(&c);
	else
		*ret = c;
	return err;
}

void rm_otlp_config_free(struct rm_otlp_config *c)
{
	for (uint32_t i = 0; i < c->header_count; i++)
		free(c->header[i]);
	rm_endpoint_free(&c->endpoint);
	rm_secrets_free(&c->secrets);
	free(c->ca_file);
	free(c->client_cert);
	free(c->client_key);
	*c = (struct rm_otlp_config){ 0 };
}
