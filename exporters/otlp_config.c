/*
 * Reads OTEL_EXPORTER_OTLP_*. A variable for traces wins over the general one; empty is unset; what
 * is wrong is said once and then as if unset. Header values never appear in a message: they are
 * where API keys are. Context: worker. Spec: OpenTelemetry specification, protocol/exporter.md;
 * RFC 9110 section 5.5 and 5.6.2 (field values and names).
 */
#include "exporters/otlp_config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

#define DEFAULT_ENDPOINT "http://localhost:4318"
#define SIGNAL_PATH	 "v1/traces"
#define OUR_AGENT	 "remora/" REMORA_VERSION " OTel-OTLP-Exporter-C/" REMORA_VERSION
#define MS_NS		 1000000ull
enum { OUR_HEADERS = 3 };

_Static_assert(RM_SECRETS_MAX >= RM_OTLP_HEADERS_MAX + 3, "headers, user, password and query");

/* The variable for traces where it is set, else the general one. */
static enum rm_env_id prefer(const struct rm_env *env, enum rm_env_id traces,
			     enum rm_env_id general)
{
	return rm_env_is_set(env, traces) ? traces : general;
}

static char *copy(struct rm_str s)
{
	return strndup(s.p ? s.p : "", s.n);
}

/* ---- endpoint ---- */

static int read_endpoint(const struct rm_env *env, struct rm_otlp_config *c)
{
	static const struct {
		enum rm_env_id id;
		const char *path;
	} order[] = {
		{ RM_ENV_OTLP_TRACES_ENDPOINT, "" },
		{ RM_ENV_OTLP_ENDPOINT, SIGNAL_PATH },
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct rm_str value = rm_env_str(env, order[i].id);
		const char *used;
		int err;

		if (value.n == 0)
			continue;
		err = rm_endpoint_parse(value, order[i].path, &c->secrets, &c->endpoint);
		if (err != RM_E_INVALID)
			return err;
		used = i == 0 && rm_env_is_set(env, order[1].id) ? rm_env_rows[order[1].id].name : DEFAULT_ENDPOINT;
		rm_endpoint_warn(rm_env_rows[order[i].id].name, value, used);
	}
	return rm_endpoint_parse(RM_STR(DEFAULT_ENDPOINT), SIGNAL_PATH, &c->secrets, &c->endpoint);
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
	static const char *const ours[] = { "content-type",   "content-encoding",
					    "content-length", "transfer-encoding",
					    "connection",     "expect" };

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

static int read_headers(const struct rm_env *env, struct rm_otlp_config *c)
{
	enum rm_env_id id = prefer(env, RM_ENV_OTLP_TRACES_HEADERS, RM_ENV_OTLP_HEADERS);
	struct rm_str rest = rm_env_str(env, id), item, type;
	bool has_agent = false, has_wrong = false;
	int err;

	while (rm_env_item(&rest, &item)) {
		err = take_header(c, item, &has_agent);
		if (err == RM_E_NOMEM)
			return err;
		has_wrong |= err == RM_E_INVALID;
	}
	if (has_wrong)
		rm_warn("%s: ignored is what is no name=value with a percent-encoded value, what "
			"describes the request itself, and what is more than %d headers",
			rm_env_rows[id].name, RM_OTLP_HEADERS_MAX - OUR_HEADERS);
	type = c->json ? RM_STR("application/json") : RM_STR("application/x-protobuf");
	err = add_header(c, RM_STR("Content-Type"), type);
	if (!err && c->gzip)
		err = add_header(c, RM_STR("Content-Encoding"), RM_STR("gzip"));
	if (!err && !has_agent)
		err = add_header(c, RM_STR("User-Agent"), RM_STR(OUR_AGENT));
	return err;
}

/* ---- files ---- */

static int read_file_name(const struct rm_env *env, enum rm_env_id id, char **ret)
{
	struct rm_str name = rm_env_str(env, id);

	*ret = copy(name);
	if (!*ret)
		return RM_E_NOMEM;
	/* Not ignored: without it something else would be trusted than the user wanted. */
	if (name.n > 0 && access(*ret, R_OK) != 0)
		rm_warn("%s: %s cannot be read: nothing can be exported", rm_env_rows[id].name,
			*ret);
	return RM_OK;
}

static int read_files(const struct rm_env *env, struct rm_otlp_config *c)
{
	enum rm_env_id cert = prefer(env, RM_ENV_OTLP_TRACES_CLIENT_CERTIFICATE,
				     RM_ENV_OTLP_CLIENT_CERTIFICATE);
	enum rm_env_id key = prefer(env, RM_ENV_OTLP_TRACES_CLIENT_KEY, RM_ENV_OTLP_CLIENT_KEY);

	if (strncmp(c->endpoint.url, "https:", 6) != 0)
		return RM_OK;
	if (rm_env_is_set(env, cert) != rm_env_is_set(env, key))
		rm_warn("%s and %s only work together; the one that is set is ignored",
			rm_env_rows[cert].name, rm_env_rows[key].name);
	if (read_file_name(env,
			   prefer(env, RM_ENV_OTLP_TRACES_CERTIFICATE, RM_ENV_OTLP_CERTIFICATE),
			   &c->ca_file))
		return RM_E_NOMEM;
	if (!rm_env_is_set(env, cert) || !rm_env_is_set(env, key))
		return RM_OK;
	if (read_file_name(env, cert, &c->client_cert) || read_file_name(env, key, &c->client_key))
		return RM_E_NOMEM;
	return RM_OK;
}

static struct rm_str choice(const struct rm_env *env, enum rm_env_id traces, enum rm_env_id general)
{
	return rm_env_str(env, prefer(env, traces, general));
}

int rm_otlp_config(const struct rm_env *env, struct rm_otlp_config *ret)
{
	struct rm_otlp_config c = { 0 };
	uint64_t timeout_ms;
	int err;

	timeout_ms = rm_env_u64(env, prefer(env, RM_ENV_OTLP_TRACES_TIMEOUT, RM_ENV_OTLP_TIMEOUT),
				0);
	c.timeout_ns = timeout_ms < UINT64_MAX / MS_NS ? timeout_ms * MS_NS : 0;
	c.json = rm_str_eq(choice(env, RM_ENV_OTLP_TRACES_PROTOCOL, RM_ENV_OTLP_PROTOCOL),
			   RM_STR("http/json"));
	c.gzip = rm_str_eq(choice(env, RM_ENV_OTLP_TRACES_COMPRESSION, RM_ENV_OTLP_COMPRESSION),
			   RM_STR("gzip"));
	err = read_endpoint(env, &c);
	if (!err)
		err = read_headers(env, &c);
	if (!err)
		err = read_files(env, &c);
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
