/*
 * Reads OTEL_EXPORTER_OTLP_*. A variable for traces wins over the general one; empty is unset; what
 * is wrong is said once and then as if unset. Header values never appear in a message: they are
 * where API keys are. Context: worker. Spec: OpenTelemetry specification, protocol/exporter.md;
 * RFC 9110 section 5.5 and 5.6.2 (field values and names).
 */
#include "exporters/otlp_config.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

#define DEFAULT_ENDPOINT "http://localhost:4318"
#define SIGNAL_PATH	 "v1/traces"
#define OUR_AGENT	 "remora/" REMORA_VERSION " OTel-OTLP-Exporter-C/" REMORA_VERSION
#define MS_NS		 1000000ull
enum { OUR_HEADERS = 3, SECRET_MIN_BYTES = 4 };

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

/* ---- what nobody else is to read ---- */

static int add_secret(struct rm_otlp_config *c, const char *s, size_t n)
{
	char *text = c->secret_count < RM_OTLP_SECRETS_MAX ? strndup(s, n) : NULL;

	if (!text)
		return RM_E_NOMEM;
	c->secret[c->secret_count++] = text;
	return RM_OK;
}

bool rm_otlp_config_is_told(const struct rm_otlp_config *c, struct rm_str text)
{
	for (uint32_t i = 0; i < c->secret_count; i++) {
		const char *blank = strrchr(c->secret[i], ' ');
		const char *key = blank ? blank + 1 : c->secret[i]; /* of "Bearer KEY" */
		size_t n = strlen(key);

		/* Shorter ones are found everywhere. */
		if (n >= SECRET_MIN_BYTES && memmem(text.p, text.n, key, n))
			return true;
	}
	return false;
}

/* ---- endpoint ---- */

/* Remembers a part of the URL as a secret, and takes it out of the URL. */
static int hide(struct rm_otlp_config *c, CURLU *u, CURLUPart part)
{
	char *text = NULL;
	int err = RM_OK;

	if (curl_url_get(u, part, &text, 0) == CURLUE_OK)
		err = add_secret(c, text, strlen(text));
	curl_free(text);
	curl_url_set(u, part, NULL, 0);
	return err;
}

static bool append_signal_path(CURLU *u)
{
	char *path = NULL, *longer = NULL;
	bool good = curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK;

	if (good) {
		const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";

		good = asprintf(&longer, "%s%s" SIGNAL_PATH, path, slash) > 0 &&
		       curl_url_set(u, CURLUPART_PATH, longer, 0) == CURLUE_OK;
	}
	curl_free(path);
	free(longer);
	return good;
}

static bool is_http(CURLU *u)
{
	char *scheme = NULL;
	bool good = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	curl_free(scheme);
	return good;
}

/* The whole URL in memory that free() takes. */
static char *get_url(CURLU *u)
{
	char *text = NULL, *ret = NULL;

	if (curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
		ret = strdup(text);
	curl_free(text);
	return ret;
}

/* Takes an endpoint into the settings; RM_E_INVALID when it is no http or https URL. */
static int take_endpoint(struct rm_otlp_config *c, struct rm_str endpoint, bool append)
{
	char *text = copy(rm_str_trim(endpoint));
	CURLU *u = curl_url();
	int err = RM_E_NOMEM;

	if (text && u) {
		err = RM_E_INVALID;
		if (curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK && is_http(u) &&
		    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
		    (!append || append_signal_path(u))) {
			c->url = get_url(u);
			err = hide(c, u, CURLUPART_USER) | hide(c, u, CURLUPART_PASSWORD) |
			      hide(c, u, CURLUPART_QUERY);
			c->shown_url = get_url(u);
			err = !err && c->url && c->shown_url ? RM_OK : RM_E_NOMEM;
		}
	}
	curl_url_cleanup(u);
	free(text);
	return err;
}

static int read_endpoint(const struct rm_env *env, struct rm_otlp_config *c)
{
	static const struct {
		enum rm_env_id id;
		bool append;
	} order[] = {
		{ RM_ENV_OTLP_TRACES_ENDPOINT, false },
		{ RM_ENV_OTLP_ENDPOINT, true },
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct rm_str value = rm_env_str(env, order[i].id);
		const char *used;
		int err;

		if (value.n == 0)
			continue;
		err = take_endpoint(c, value, order[i].append);
		if (err != RM_E_INVALID)
			return err;
		/* A password may be before an '@', a key in a query. */
		if (memchr(value.p, '@', value.n) || memchr(value.p, '?', value.n))
			value = RM_STR("(its value)");
		used = i == 0 && rm_env_is_set(env, order[1].id) ? rm_env_rows[order[1].id].name : DEFAULT_ENDPOINT;
		rm_warn("%s: %S does not begin with http:// or https://; %s is used",
			rm_env_rows[order[i].id].name, &value, used);
	}
	return take_endpoint(c, RM_STR(DEFAULT_ENDPOINT), true);
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
			err = add_secret(c, decoded, (size_t)n);
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

	if (strncmp(c->url, "https:", 6) != 0)
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
	for (uint32_t i = 0; i < c->secret_count; i++)
		free(c->secret[i]);
	free(c->url);
	free(c->shown_url);
	free(c->ca_file);
	free(c->client_cert);
	free(c->client_key);
	*c = (struct rm_otlp_config){ 0 };
}
