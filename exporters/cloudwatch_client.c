/*
 * Calls of CloudWatch Logs. Where AWS refuses a signature because of its time, the Date of that answer is the clock from
 * then on, and the call is made again, once. Context: worker.
 */
#include "exporters/cloudwatch_client.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/json_find.h"
#include "exporters/xml_find.h"

#define SECOND_NS 1000000000ull
enum { TRIES = 3, SKEW_LEAST_S = 30, TARGET_BYTES = 64 };

/* ---- where it is ---- */

static int invalid(struct rm_cloudwatch_client *c, const char *why)
{
	rm_format(c->credentials.why, sizeof(c->credentials.why), "%s", why);
	return RM_E_INVALID;
}

static int open_endpoint(struct rm_cloudwatch_client *c, const struct rm_env *env)
{
	struct rm_str value = rm_aws_endpoint(env, RM_ENV_AWS_ENDPOINT_URL_LOGS, &c->variable);
	char url[160];
	int err;

	if (value.n == 0) {
		bool is_china = strncmp(c->region, "cn-", 3) == 0;

		rm_format(url, sizeof(url), "https://logs.%s.amazonaws.com%s/", c->region, is_china ? ".cn" : "");
		value = rm_str_c(url);
	}
	err = rm_endpoint_parse(value, "", &c->secrets, &c->endpoint);
	if (err == RM_E_INVALID) {
		rm_format(c->credentials.why, sizeof(c->credentials.why), "%s is no http:// or https:// URL", c->variable);
		return err;
	}
	return err || rm_aws_place(c->endpoint.url, &c->place) ? err : invalid(c, "its endpoint is too long");
}

int rm_cloudwatch_open(struct rm_cloudwatch_client *c, const struct rm_env *env)
{
	static const char *const headers[] = { "User-Agent: remora/" REMORA_VERSION };
	struct rm_http_options options = { .header = headers, .header_count = 1 };
	int err;

	*c = (struct rm_cloudwatch_client){ .credentials = { .env = env } };
	rm_aws_region(env, c->region);
	if (!c->region[0])
		return invalid(c, "no region is named; set AWS_REGION, to eu-central-1 for one");
	if (!rm_aws_is_region(c->region))
		return invalid(c, "AWS_REGION is no name of a region, as eu-central-1 is");
	err = open_endpoint(c, env);
	if (err)
		return err;
	options.url = c->endpoint.url;
	options.ca_file = rm_env_str(env, RM_ENV_AWS_CA_BUNDLE).p;
	c->http = rm_http_new(&options);
	return c->http ? RM_OK : RM_E_NOMEM;
}

void rm_cloudwatch_close(struct rm_cloudwatch_client *c)
{
	rm_http_free(c->http);
	rm_endpoint_free(&c->endpoint);
	rm_secrets_free(&c->secrets);
	rm_aws_credentials_drop(&c->credentials);
	c->http = NULL;
}

/* ---- one request ---- */

static void send_once(struct rm_cloudwatch_client *c, const char *operation, struct rm_str body,
		      const struct rm_export_io *io, struct rm_http_answer *ret)
{
	struct rm_aws_lines *l = malloc(sizeof(*l));
	char target[TARGET_BYTES];
	const struct rm_aws_post post = { .who = &c->credentials, .place = &c->place, .region = c->region, .service = "logs",
					  .type = "application/x-amz-json-1.1", .target = target, .body = body,
					  .ahead_s = c->ahead_s };

	*ret = (struct rm_http_answer){ .error = "the request cannot be signed" };
	rm_format(target, sizeof(target), "Logs_20140328.%s", operation);
	if (l && rm_aws_sign(&post, l)) {
		struct rm_http_request request = { .body = body, .header = l->line, .header_count = l->count };

		rm_http_send(c->http, &request, io, ret);
	}
	if (l)
		OPENSSL_cleanse(l, sizeof(*l));
	free(l);
}

/* ---- what the answer means ---- */

/* Errors by their names. They begin with these: "Throttling" and "ThrottlingException" are one. */
static const struct {
	char name[32];
	enum rm_cloudwatch_verdict verdict;
} errors[] = {
	{ "ResourceNotFound", RM_CLOUDWATCH_MISSING },
	{ "ResourceAlreadyExists", RM_CLOUDWATCH_EXISTS },
	{ "DataAlreadyAccepted", RM_CLOUDWATCH_DONE },
	{ "Throttl", RM_CLOUDWATCH_RETRY },
	{ "TooManyRequests", RM_CLOUDWATCH_RETRY },
	{ "RequestLimitExceeded", RM_CLOUDWATCH_RETRY },
	{ "OperationAborted", RM_CLOUDWATCH_RETRY },
	{ "ServiceUnavailable", RM_CLOUDWATCH_RETRY },
	{ "AccessDenied", RM_CLOUDWATCH_DENIED },
	{ "UnrecognizedClient", RM_CLOUDWATCH_DENIED },
	{ "InvalidClientTokenId", RM_CLOUDWATCH_DENIED },
	{ "IncompleteSignature", RM_CLOUDWATCH_DENIED },
	{ "MissingAuthentication", RM_CLOUDWATCH_DENIED },
	{ "InvalidSignature", RM_CLOUDWATCH_DENIED },
	{ "SignatureDoesNotMatch", RM_CLOUDWATCH_DENIED },
	{ "RequestTimeTooSkewed", RM_CLOUDWATCH_DENIED },
	{ "RequestExpired", RM_CLOUDWATCH_DENIED },
	{ "ExpiredToken", RM_CLOUDWATCH_DENIED },
	{ "OptInRequired", RM_CLOUDWATCH_DENIED },
};

static bool is_type(const struct rm_cloudwatch_said *s, const char *prefix)
{
	return strncmp(s->type, prefix, strlen(prefix)) == 0;
}

static bool is_secret(const struct rm_cloudwatch_client *c, struct rm_str said)
{
	return rm_aws_credentials_are_told(&c->credentials, said) || rm_secrets_are_told(&c->secrets, said);
}

/* Of "com.amazonaws.logs#ThrottlingException" and "ThrottlingException:http://...". */
static void read_type(const struct rm_cloudwatch_client *c, struct rm_cloudwatch_said *s)
{
	struct rm_str type = rm_json_plain(rm_json_find(s->http.body, "__type")), cut;

	if (type.n == 0)
		type = rm_http_header(&s->http, "x-amzn-errortype");
	if (type.n == 0)
		type = rm_xml_find(s->http.body, "Code"); /* as gateways and stand-ins of AWS answer */
	cut = type;
	if (memchr(type.p ? type.p : "", '#', type.n)) {
		rm_str_cut(&type, '#');
		cut = type;
	}
	cut = rm_str_cut(&cut, ':');
	if (is_secret(c, cut))
		return;
	for (size_t i = 0; i < cut.n && i + 1 < sizeof(s->type); i++)
		s->type[i] = (unsigned char)cut.p[i] > ' ' && (unsigned char)cut.p[i] < 0x7f ? cut.p[i] : '?';
}

static enum rm_cloudwatch_verdict judge(const struct rm_cloudwatch_said *s)
{
	int status = s->http.status;

	if (status / 100 == 2)
		return RM_CLOUDWATCH_DONE;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (is_type(s, errors[i].name))
			return errors[i].verdict;
	if (status == 0 || status == 429 || status >= 500)
		return RM_CLOUDWATCH_RETRY;
	return status == 401 || status == 403 ? RM_CLOUDWATCH_DENIED : RM_CLOUDWATCH_REFUSED;
}

static bool is_about_signature(const struct rm_cloudwatch_said *s)
{
	return is_type(s, "InvalidSignature") || is_type(s, "SignatureDoesNotMatch") || is_type(s, "RequestTimeTooSkewed") ||
	       is_type(s, "RequestExpired");
}

/* The answer's words are not shown where they may have parts of the request, or of a key. */
static void describe(const struct rm_cloudwatch_client *c, struct rm_cloudwatch_said *s)
{
	const char *from = c->credentials.from;
	struct rm_str said = rm_json_plain(rm_json_find(s->http.body, "message"));

	if (said.n == 0)
		said = rm_json_plain(rm_json_find(s->http.body, "Message"));
	if (is_secret(c, said))
		said = RM_STR("(what it says is not shown: it repeats a key)");
	if (s->http.status == 0)
		rm_format(s->message, sizeof(s->message), "%s", s->http.error);
	else if (is_type(s, "UnrecognizedClient") || is_type(s, "InvalidClientTokenId"))
		rm_format(s->message, sizeof(s->message), "AWS does not know the access key, or its session token (%s; %s)", from,
			  s->type);
	else if (is_type(s, "ExpiredToken"))
		rm_format(s->message, sizeof(s->message), "the session has expired (%s; %s)", from, s->type);
	else if (is_about_signature(s))
		rm_format(s->message, sizeof(s->message), "the secret access key is not that of the access key (%s; %s)", from,
			  s->type);
	else
		rm_format(s->message, sizeof(s->message), "%s%sHTTP %d%s%S", s->type, s->type[0] ? ", " : "", s->http.status,
			  said.n > 0 ? ": " : "", &said);
}

/* Takes AWS's clock where ours is why a signature was refused. False: it was not. */
static bool set_clock(struct rm_cloudwatch_client *c, const struct rm_cloudwatch_said *s)
{
	struct rm_str value = rm_http_header(&s->http, "date");
	int64_t now_s = (int64_t)(rm_clock_wall_ns() / SECOND_NS), theirs, change;
	char text[64];

	if (!is_about_signature(s) || value.n == 0 || value.n >= sizeof(text))
		return false;
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	theirs = curl_getdate(text, NULL);
	change = theirs - now_s - c->ahead_s;
	if (theirs <= 0 || (change < SKEW_LEAST_S && change > -SKEW_LEAST_S))
		return false;
	rm_debug(RM_LOG_EXPORT, "cloudwatch: requests are signed with the time of AWS, %ld s from ours", (long)(theirs - now_s));
	c->ahead_s = theirs - now_s;
	return true;
}

/* Credentials that have expired are fetched anew; false where they are the same. */
static bool renew(struct rm_cloudwatch_client *c, const struct rm_cloudwatch_said *s, const struct rm_export_io *io)
{
	char old[RM_AWS_KEY_BYTES];

	if (!is_type(s, "ExpiredToken") && !is_type(s, "UnrecognizedClient") && !is_type(s, "InvalidClientTokenId"))
		return false;
	rm_format(old, sizeof(old), "%s", c->credentials.access_key);
	rm_aws_credentials_drop(&c->credentials);
	return rm_aws_credentials_get(&c->credentials, io) && strcmp(old, c->credentials.access_key) != 0;
}

void rm_cloudwatch_call(struct rm_cloudwatch_client *c, const char *operation, struct rm_str body,
			const struct rm_export_io *io, struct rm_cloudwatch_said *ret)
{
	for (int left = TRIES; left > 0; left--) {
		memset(ret, 0, sizeof(*ret));
		if (!rm_aws_credentials_get(&c->credentials, io)) {
			ret->verdict = c->credentials.is_final ? RM_CLOUDWATCH_DENIED : RM_CLOUDWATCH_RETRY;
			rm_format(ret->message, sizeof(ret->message), "%s", c->credentials.why);
			return;
		}
		send_once(c, operation, body, io, &ret->http);
		read_type(c, ret);
		ret->verdict = judge(ret);
		if (ret->verdict == RM_CLOUDWATCH_DONE)
			return;
		describe(c, ret);
		if (!set_clock(c, ret) && !renew(c, ret, io))
			return;
	}
}
