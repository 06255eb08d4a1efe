/* Asks the security token service. Its requests are forms, its answers XML. Context: worker. */
#include "exporters/aws_sts.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "exporters/aws_files.h"
#include "exporters/aws_request.h"
#include "exporters/endpoint.h"
#include "exporters/xml_find.h"

#define SECOND_NS 1000000000ull
#define FORM	  "application/x-www-form-urlencoded"
enum { ANSWER_S = 5, TOKEN_BYTES = 20000, BODY_BYTES = 4 * TOKEN_BYTES, ANSWER_BYTES = RM_AWS_TOKEN_BYTES + 8192 };

/* One exchange with the service. */
struct exchange {
	struct rm_endpoint endpoint;
	struct rm_aws_place place;
	char region[RM_AWS_REGION_BYTES];
	struct rm_strbuf body;
	struct rm_aws_lines lines;
	char form[BODY_BYTES], answer[ANSWER_BYTES];
};

static void end(struct exchange *x)
{
	if (!x)
		return;
	rm_endpoint_free(&x->endpoint);
	OPENSSL_cleanse(x, sizeof(*x));
	free(x);
}

static bool refuse(struct rm_aws_credentials *c, bool is_final, const char *what, const char *from)
{
	c->is_final = is_final;
	rm_format(c->why, sizeof(c->why), what, from);
	return false;
}

/* NULL: `c` says why. */
static struct exchange *begin(struct rm_aws_credentials *c)
{
	struct exchange *x = calloc(1, sizeof(*x));
	const char *variable = "AWS_REGION";
	struct rm_secrets secrets = { 0 };
	char url[RM_AWS_URL_BYTES];
	struct rm_str set;
	bool good;

	if (!x) {
		refuse(c, false, "out of memory%s", "");
		return NULL;
	}
	rm_aws_region(c->env, x->region);
	set = rm_aws_endpoint(c->env, RM_ENV_AWS_ENDPOINT_URL_STS, &variable);
	if (set.n == 0) {
		bool is_china = strncmp(x->region, "cn-", 3) == 0, is_global = !rm_aws_is_region(x->region);

		rm_format(url, sizeof(url), "https://sts.%s%samazonaws.com%s/", is_global ? "" : x->region, is_global ? "" : ".",
			  is_china ? ".cn" : "");
		set = rm_str_c(url);
	}
	if (!rm_aws_is_region(x->region))
		rm_format(x->region, sizeof(x->region), "us-east-1");
	good = rm_endpoint_parse(set, "", &secrets, &x->endpoint) == RM_OK && rm_aws_place(x->endpoint.url, &x->place);
	rm_secrets_free(&secrets);
	rm_strbuf_init(&x->body, x->form, sizeof(x->form));
	if (good)
		return x;
	refuse(c, true, "%s is no http:// or https:// URL", variable);
	end(x);
	return NULL;
}

/* "&Name=value", with what is no letter or digit encoded. */
static void add(struct exchange *x, const char *name, struct rm_str value)
{
	char *encoded = value.n > 0 ? curl_easy_escape(NULL, value.p, (int)value.n) : NULL;

	if (!encoded)
		return;
	rm_strbuf_char(&x->body, '&');
	rm_strbuf_c(&x->body, name);
	rm_strbuf_char(&x->body, '=');
	rm_strbuf_c(&x->body, encoded);
	OPENSSL_cleanse(encoded, strlen(encoded));
	curl_free(encoded);
}

static void add_role(struct exchange *x, const char *action, const struct rm_aws_role *role)
{
	char name[40];

	rm_format(name, sizeof(name), "remora-%lu", rm_clock_wall_ns() / SECOND_NS);
	rm_strbuf_c(&x->body, "Action=");
	rm_strbuf_c(&x->body, action);
	rm_strbuf_c(&x->body, "&Version=2011-06-15");
	add(x, "RoleArn", role->arn);
	add(x, "RoleSessionName", role->session.n > 0 ? role->session : rm_str_c(name));
	add(x, "ExternalId", role->external_id);
}

/* A word as AWS's errors are; anything else may be what it was told. */
static struct rm_str error_word(const struct rm_aws_credentials *c, struct rm_str code)
{
	enum { WORD_MAX = 40 };

	for (size_t i = 0; i < code.n; i++)
		if (!((code.p[i] | 0x20) >= 'a' && (code.p[i] | 0x20) <= 'z') || i == WORD_MAX)
			return RM_STR("");
	return rm_aws_credentials_are_told(c, code) ? RM_STR("") : code;
}

/* What the service thinks may be otherwise another time. */
static bool may_pass(int status, struct rm_str code)
{
	return status == 0 || status == 429 || status >= 500 || rm_str_begins(code, RM_STR("Throttl")) ||
	       rm_str_begins(code, RM_STR("IDPCommunicationError")) || rm_str_begins(code, RM_STR("ExpiredToken"));
}

static bool judge(struct rm_aws_credentials *c, const struct rm_aws_role *role, const struct exchange *x, int status, const char *error)
{
	struct rm_str said = rm_str_c(x->answer), code = error_word(c, rm_xml_find(said, "Code"));

	if (status == 200 && rm_aws_credentials_take(c, role->from, rm_xml_find(said, "AccessKeyId"), rm_xml_find(said, "SecretAccessKey"),
						     rm_xml_find(said, "SessionToken"), rm_xml_find(said, "Expiration")))
		return true;
	c->is_final = status != 200 && !may_pass(status, code);
	if (status == 0)
		rm_format(c->why, sizeof(c->why), "%s cannot be asked for %s: %s", x->endpoint.shown, role->from, error);
	else if (status == 200)
		rm_format(c->why, sizeof(c->why), "what %s answers holds no credentials", x->endpoint.shown);
	else
		rm_format(c->why, sizeof(c->why), "AWS does not give us %s (HTTP %d%s%S)", role->from, status, code.n > 0 ? ", " : "", &code);
	return false;
}

static bool put_question(struct rm_aws_credentials *c, const struct rm_aws_role *role, struct exchange *x, const struct rm_export_io *io)
{
	struct rm_aws_question q = { .url = x->endpoint.url, .ca_file = rm_env_str(c->env, RM_ENV_AWS_CA_BUNDLE).p,
				     .header = x->lines.line, .header_count = x->lines.count, .is_post = true,
				     .body = rm_strbuf_view(&x->body), .patience_s = ANSWER_S };
	char error[RM_AWS_ERROR_BYTES];
	int status = rm_aws_ask(&q, io, x->answer, sizeof(x->answer), error);

	return judge(c, role, x, status, error);
}

bool rm_aws_assume_by_token(struct rm_aws_credentials *c, const struct rm_aws_role *role, const char *file,
			    const struct rm_export_io *io)
{
	struct exchange *x = begin(c);
	bool good = false;
	char *token;

	if (!x)
		return false;
	token = malloc(TOKEN_BYTES);
	if (token && rm_aws_read_file(file, token, TOKEN_BYTES)) {
		add_role(x, "AssumeRoleWithWebIdentity", role);
		add(x, "WebIdentityToken", rm_str_trim(rm_str_c(token)));
		rm_format(x->lines.type, sizeof(x->lines.type), "Content-Type: " FORM);
		x->lines.line[x->lines.count++] = x->lines.type;
		good = x->body.truncated ? refuse(c, true, "the token for %s is too long", role->from) : put_question(c, role, x, io);
	} else {
		refuse(c, false, "the file with the token for %s cannot be read", role->from);
	}
	if (token)
		OPENSSL_cleanse(token, TOKEN_BYTES);
	free(token);
	end(x);
	return good;
}

bool rm_aws_assume(struct rm_aws_credentials *c, const struct rm_aws_role *role, const struct rm_export_io *io)
{
	struct exchange *x = begin(c);
	struct rm_aws_post post = { .who = c, .service = "sts", .type = FORM };
	bool good;

	if (!x)
		return false;
	add_role(x, "AssumeRole", role);
	post.place = &x->place;
	post.region = x->region;
	post.body = rm_strbuf_view(&x->body);
	good = !x->body.truncated && rm_aws_sign(&post, &x->lines) ? put_question(c, role, x, io) :
								     refuse(c, true, "the request for %s is too long", role->from);
	end(x);
	return good;
}
