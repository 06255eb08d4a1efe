/* Where items go, and by which token. Context: worker. */
#include "exporters/rollbar_config.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"

/* Libraries name the folder of the interface, or the item in it. */
static int parse_endpoint(struct rm_str value, struct rm_rollbar_config *c)
{
	static const struct rm_str ends[] = { { "/item", 5 }, { "/item/", 6 } };

	for (int i = 0; i < 2; i++)
		if (value.n > ends[i].n && memcmp(value.p + value.n - ends[i].n, ends[i].p, ends[i].n) == 0)
			return rm_endpoint_parse(value, "", &c->secrets, &c->endpoint);
	return rm_endpoint_parse(value, "item/", &c->secrets, &c->endpoint);
}

static int read_endpoint(const struct rm_env *env, struct rm_rollbar_config *c)
{
	struct rm_str value = rm_env_str(env, RM_ENV_ROLLBAR_ENDPOINT);
	int err = RM_E_INVALID;

	if (value.n > 0)
		err = parse_endpoint(value, c);
	if (err != RM_E_INVALID)
		return err;
	if (value.n > 0)
		rm_endpoint_warn(rm_env_name(RM_ENV_ROLLBAR_ENDPOINT), value, "http:// or https://", RM_ROLLBAR_ENDPOINT);
	return parse_endpoint(RM_STR(RM_ROLLBAR_ENDPOINT), c);
}

static int read_token(const struct rm_env *env, struct rm_rollbar_config *c)
{
	struct rm_str token = rm_str_trim(rm_env_str(env, RM_ENV_ROLLBAR_ACCESS_TOKEN));

	if (token.n == 0 || token.n > RM_ROLLBAR_TOKEN_BYTES) {
		rm_warn("nothing is sent to Rollbar: ROLLBAR_ACCESS_TOKEN is %s; it is the project's token for "
			"post_server_item", token.n == 0 ? "not set" : "too long");
		return RM_E_INVALID;
	}
	for (size_t i = 0; i < token.n; i++)
		if ((unsigned char)token.p[i] <= ' ' || (unsigned char)token.p[i] >= 0x7f) {
			rm_warn("nothing is sent to Rollbar: ROLLBAR_ACCESS_TOKEN has characters that no token has");
			return RM_E_INVALID;
		}
	rm_format(c->token, sizeof(c->token), "X-Rollbar-Access-Token: %S", &token);
	return rm_secrets_add(&c->secrets, token);
}

int rm_rollbar_config(const struct rm_env *env, struct rm_rollbar_config *ret)
{
	int err;

	*ret = (struct rm_rollbar_config){ .header = { "Content-Type: application/json", "User-Agent: remora/" REMORA_VERSION,
						       ret->token } };
	err = read_token(env, ret);
	err = err ? err : read_endpoint(env, ret);
	if (err)
		rm_rollbar_config_free(ret);
	return err;
}

void rm_rollbar_config_free(struct rm_rollbar_config *c)
{
	rm_endpoint_free(&c->endpoint);
	rm_secrets_free(&c->secrets);
}

struct rm_http_options rm_rollbar_http_options(const struct rm_rollbar_config *c)
{
	return (struct rm_http_options){ .url = c->endpoint.url, .header = c->header,
					 .header_count = sizeof(c->header) / sizeof(c->header[0]) };
}
