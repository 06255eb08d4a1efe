/*
 * The chain of AWS's SDKs: the environment, roles and the shared files (aws_roles.c), the endpoint of the container, that of
 * the instance. What a file says is read again each time that credentials are sought. Context: worker.
 */
#include "exporters/aws_credentials.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "exporters/aws_files.h"
#include "exporters/aws_instance.h"
#include "exporters/aws_roles.h"
#include "exporters/json_find.h"

#define SECOND_NS 1000000000ull
#define CONTAINER "http://169.254.170.2"
enum { BEFORE_S = 5 * 60, /* they expire, new ones are fetched */
       REST_S = 60, ANSWER_S = 2, LINE_BYTES = 4096, ROLE_BYTES = 128, PATH_BYTES = 256 };

static bool take(struct rm_aws_credentials *c, const char *from, struct rm_str key, struct rm_str secret, struct rm_str token)
{
	bool good = key.n > 0 && secret.n > 0 && rm_aws_keep(c->access_key, sizeof(c->access_key), key) &&
		    rm_aws_keep(c->secret, sizeof(c->secret), secret) && rm_aws_keep(c->token, sizeof(c->token), token);

	if (good)
		rm_format(c->from, sizeof(c->from), "%s", from);
	return good;
}

static bool from_environment(struct rm_aws_credentials *c)
{
	return take(c, "AWS_ACCESS_KEY_ID", rm_env_str(c->env, RM_ENV_AWS_ACCESS_KEY_ID),
		    rm_env_str(c->env, RM_ENV_AWS_SECRET_ACCESS_KEY), rm_env_str(c->env, RM_ENV_AWS_SESSION_TOKEN));
}

/* ---- endpoints ---- */

static bool is_given(struct rm_aws_credentials *c, int status, const char *by, const char *error)
{
	if (status != 200)
		rm_format(c->why, sizeof(c->why), "no credentials from %s (%s%d)", by, error, status);
	return status == 200;
}

/* "2026-11-29T20:00:00Z" */
static uint64_t time_of(struct rm_str s)
{
	int64_t year, month, day, days;
	unsigned part[6] = { 0 };
	uint32_t at = 0;

	for (size_t i = 0; i < s.n && at < 6; i++)
		if (s.p[i] >= '0' && s.p[i] <= '9' && part[at] < 100000)
			part[at] = part[at] * 10 + (unsigned)(s.p[i] - '0');
		else if (s.p[i] == '.' || s.p[i] == 'Z')
			break;
		else
			at++;
	/* Days since 1970, of a year that begins in March. */
	year = (int64_t)part[0] - (part[1] <= 2);
	month = ((int64_t)part[1] + 9) % 12;
	day = part[2];
	days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719468;
	return at < 5 || days < 0 ? 0 : (uint64_t)days * 86400 + part[3] * 3600 + part[4] * 60 + part[5];
}

bool rm_aws_credentials_take(struct rm_aws_credentials *c, const char *from, struct rm_str key, struct rm_str secret,
			     struct rm_str token, struct rm_str expiration)
{
	if (!take(c, from, key, secret, token))
		return false;
	c->expires_s = time_of(expiration);
	return true;
}

static bool take_answer(struct rm_aws_credentials *c, const char *from, struct rm_str json)
{
	bool good = rm_aws_credentials_take(c, from, rm_json_plain(rm_json_find(json, "AccessKeyId")),
					    rm_json_plain(rm_json_find(json, "SecretAccessKey")),
					    rm_json_plain(rm_json_find(json, "Token")), rm_json_plain(rm_json_find(json, "Expiration")));

	if (!good)
		rm_format(c->why, sizeof(c->why), "what %s answers holds no credentials", from);
	return good;
}

/* Keys leave in clear only to this machine, and to where AWS has such endpoints. */
static bool is_allowed(const char *url)
{
	static const char hosts[][20] = { "localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]" };
	char *scheme = NULL, *host = NULL;
	CURLU *u = curl_url();
	bool good = false;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		good = strcmp(scheme, "https") == 0;
		for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
			good |= strcmp(scheme, "http") == 0 && strcasecmp(host, hosts[i]) == 0;
	}
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return good;
}

static bool has_container(const struct rm_env *env)
{
	return rm_env_is_set(env, RM_ENV_AWS_CONTAINER_RELATIVE_URI) || rm_env_is_set(env, RM_ENV_AWS_CONTAINER_FULL_URI);
}

/* The line that the endpoint wants; false: its file cannot be read. */
static bool read_authorization(struct rm_aws_credentials *c, char line[LINE_BYTES + 32])
{
	struct rm_str token = rm_env_str(c->env, RM_ENV_AWS_CONTAINER_TOKEN), file = rm_env_str(c->env, RM_ENV_AWS_CONTAINER_TOKEN_FILE);
	char text[LINE_BYTES];

	if (file.n > 0) {
		if (!rm_aws_read_file(file.p, text, sizeof(text))) {
			rm_format(c->why, sizeof(c->why), "the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read");
			return false;
		}
		token = rm_str_trim(rm_str_c(text));
		token = rm_str_cut(&token, '\n');
	}
	if (token.n > 0)
		rm_format(line, LINE_BYTES + 32, "Authorization: %S", &token);
	else
		line[0] = '\0';
	return true;
}

static bool from_container(struct rm_aws_credentials *c, const struct rm_export_io *io)
{
	struct rm_str relative = rm_env_str(c->env, RM_ENV_AWS_CONTAINER_RELATIVE_URI);
	struct rm_str full = rm_env_str(c->env, RM_ENV_AWS_CONTAINER_FULL_URI);
	char url[RM_AWS_URL_BYTES], line[LINE_BYTES + 32], answer[RM_AWS_TOKEN_BYTES + 2048], error[RM_AWS_ERROR_BYTES];
	const char *header = line;
	struct rm_aws_question q = { .url = url, .header = &header, .patience_s = ANSWER_S };
	bool good;

	if (relative.n > 0)
		rm_format(url, sizeof(url), CONTAINER "%S", &relative);
	else
		rm_format(url, sizeof(url), "%S", &full);
	if (!is_allowed(url)) {
		rm_format(c->why, sizeof(c->why), "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine");
		c->is_final = true;
		return false;
	}
	if (!read_authorization(c, line))
		return false;
	q.header_count = line[0] != '\0';
	good = is_given(c, rm_aws_ask(&q, io, answer, sizeof(answer), error), url, error) &&
	       take_answer(c, "the container's endpoint", rm_str_c(answer));
	OPENSSL_cleanse(line, sizeof(line));
	OPENSSL_cleanse(answer, sizeof(answer));
	return good;
}

static bool has_instance(const struct rm_env *env)
{
	return !rm_env_bool(env, RM_ENV_AWS_EC2_METADATA_DISABLED);
}

static bool from_instance(struct rm_aws_credentials *c, const struct rm_export_io *io)
{
	static const char folder[] = "/latest/meta-data/iam/security-credentials/";
	struct rm_aws_instance instance;
	char path[PATH_BYTES], text[LINE_BYTES], role[ROLE_BYTES], answer[RM_AWS_TOKEN_BYTES + 2048], error[RM_AWS_ERROR_BYTES];
	struct rm_str first;
	bool good;

	if (!is_given(c, rm_aws_instance_open(c->env, ANSWER_S, io, &instance, error), "the instance", error) ||
	    !is_given(c, rm_aws_instance_get(&instance, folder, io, text, sizeof(text), error), "the instance", error))
		return false;
	first = rm_str_c(text);
	if (!rm_aws_keep(role, sizeof(role), rm_str_cut(&first, '\n')) || !role[0])
		return false;
	rm_format(path, sizeof(path), "%s%s", folder, role);
	good = is_given(c, rm_aws_instance_get(&instance, path, io, answer, sizeof(answer), error), "the instance", error) &&
	       take_answer(c, "the instance's role", rm_str_c(answer));
	OPENSSL_cleanse(answer, sizeof(answer));
	return good;
}

/* ---- the chain ---- */

bool rm_aws_credentials_are_local(const struct rm_env *env)
{
	return !has_container(env) && !has_instance(env) && !rm_aws_roles_are_set(env);
}

/* They hold, and need not be renewed now. */
static bool are_good(const struct rm_aws_credentials *c, uint64_t now_s)
{
	return c->from[0] && (!c->expires_s || now_s + BEFORE_S < c->expires_s || (now_s < c->expires_s && now_s < c->rest_s));
}

bool rm_aws_credentials_from(struct rm_aws_credentials *c, enum rm_aws_source source, const struct rm_export_io *io)
{
	switch (source) {
	case RM_AWS_ENVIRONMENT:
		return from_environment(c);
	case RM_AWS_CONTAINER:
		return io && has_container(c->env) && from_container(c, io);
	default:
		return io && has_instance(c->env) && from_instance(c, io);
	}
}

/* Who is named but cannot be had is not replaced by another: that would be somebody else. */
static bool find(struct rm_aws_credentials *c, const struct rm_export_io *io)
{
	bool is_named = false;

	rm_aws_credentials_drop(c);
	c->is_final = false;
	if (from_environment(c))
		return true;
	if (rm_aws_roles(c, io, &is_named))
		return true;
	if (!is_named && io && has_container(c->env))
		return from_container(c, io);
	if (is_named)
		return false;
	if (io && has_instance(c->env) && from_instance(c, io))
		return true;
	c->is_final = !has_instance(c->env);
	rm_format(c->why, sizeof(c->why), "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or "
		  "give the container or instance a role");
	return false;
}

bool rm_aws_credentials_get(struct rm_aws_credentials *c, const struct rm_export_io *io)
{
	uint64_t now_s = rm_clock_wall_ns() / SECOND_NS;
	struct rm_aws_credentials *old;
	bool good;

	if (are_good(c, now_s))
		return true;
	/* Those that hold a while yet are kept until others are there. */
	old = c->from[0] && now_s < c->expires_s ? malloc(sizeof(*old)) : NULL;
	if (old)
		*old = *c;
	good = find(c, io);
	if (!good && old) {
		*c = *old;
		c->rest_s = now_s + REST_S;
		good = true;
	}
	if (old)
		OPENSSL_cleanse(old, sizeof(*old));
	free(old);
	return good;
}

void rm_aws_credentials_drop(struct rm_aws_credentials *c)
{
	OPENSSL_cleanse(c->secret, sizeof(c->secret));
	OPENSSL_cleanse(c->token, sizeof(c->token));
	c->access_key[0] = c->from[0] = '\0';
	c->expires_s = c->rest_s = 0;
}

static bool tells(struct rm_str text, const char *secret)
{
	size_t n = strlen(secret);

	return n > 0 && rm_str_find(text, (struct rm_str){ secret, n });
}

bool rm_aws_credentials_are_told(const struct rm_aws_credentials *c, struct rm_str text)
{
	return tells(text, c->access_key) || tells(text, c->secret) || tells(text, c->token);
}

void rm_aws_region(const struct rm_env *env, char ret[RM_AWS_REGION_BYTES])
{
	static const enum rm_env_id variables[] = { RM_ENV_AWS_REGION, RM_ENV_AWS_DEFAULT_REGION };
	struct rm_aws_profile p;

	ret[0] = '\0';
	for (int i = 0; i < 2 && !ret[0]; i++)
		rm_aws_keep(ret, RM_AWS_REGION_BYTES, rm_env_str(env, variables[i]));
	if (ret[0])
		return;
	rm_aws_profile(env, rm_aws_profile_name(env), &p);
	rm_aws_keep(ret, RM_AWS_REGION_BYTES, rm_str_c(p.region));
	OPENSSL_cleanse(&p, sizeof(p));
}
