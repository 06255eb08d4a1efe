/*
 * The check of Rollbar. It has nothing that only tells whose a token is, so it is sent an item without anything in it,
 * which it makes none of: what it says to that is about the token, or about the item. Context: worker.
 */
#include <string.h>

#include "base/err.h"
#include "exporters/check/checks.h"
#include "exporters/json_find.h"
#include "exporters/rollbar_config.h"

/* "insufficient privileges: post_server_item scope is required but the access token only has post_client_item." */
static bool lacks_scope(struct rm_str said)
{
	return rm_str_find(said, RM_STR("post_server_item")) || rm_str_find(said, RM_STR("insufficient"));
}

static void judge(struct rm_checkup *c, const struct rm_http_backend *b, const struct rm_http_answer *a)
{
	const char *where = b->endpoint->shown;
	struct rm_str said = rm_checkup_quote(c, rm_json_plain(rm_json_find(a->body, "message")));
	int n = (int)said.n;

	if (a->status == 0)
		rm_check_say_fault(c, b, a, "HTTP/1.1");
	else if ((a->status == 401 || a->status == 403) && lacks_scope(said))
		rm_checkup_say(c, RM_FINDING_NO, "%s: ROLLBAR_ACCESS_TOKEN is a token of the project that may not do this: take the one for "
			       "post_server_item (%.*s)", where, n, said.p);
	else if (a->status == 401 || a->status == 403)
		rm_checkup_say(c, RM_FINDING_NO, "%s: it does not know ROLLBAR_ACCESS_TOKEN (HTTP %d: %.*s); the project's settings have "
			       "the token for post_server_item", where, a->status, n, said.p);
	else if (a->status == 429)
		rm_checkup_say(c, RM_FINDING_NOTE, "%s: the rate limit of ROLLBAR_ACCESS_TOKEN is used up (HTTP 429)", where);
	else if (a->status == 400 || a->status == 422)
		rm_checkup_say(c, RM_FINDING_YES, "%s answers, and refuses an empty item for what is not in it, not for the token; no item was "
			       "made, so more than that cannot be known", where);
	else if (a->status == 404)
		rm_checkup_say(c, RM_FINDING_NO, "%s: there is no such path (HTTP 404); ROLLBAR_ENDPOINT ends in /api/1/item/", where);
	else
		rm_checkup_say(c, RM_FINDING_NO, "%s: it does not answer as Rollbar does (HTTP %d)", where, a->status);
	if (a->status > 0)
		rm_check_clock(c, a);
}

void rm_check_rollbar(struct rm_checkup *c)
{
	const struct rm_http_request request = { .body = RM_STR("{\"data\":{}}") };
	struct rm_rollbar_config config;
	struct rm_http_backend b = { .endpoint = &config.endpoint, .variable = rm_env_name(RM_ENV_ROLLBAR_ENDPOINT) };
	struct rm_http_answer a;
	struct rm_http *http = NULL;
	int err = rm_rollbar_config(c->env, &config);

	if (err) {
		rm_checkup_say(c, RM_FINDING_NO, err == RM_E_INVALID ? "there is no token that can be one, see above" :
								       "no client can be made");
		return;
	}
	b.options = rm_rollbar_http_options(&config);
	c->secrets = &config.secrets;
	if (rm_check_ask(c, &b.options, &request, &http, &a))
		judge(c, &b, &a);
	rm_http_free(http);
	c->secrets = NULL;
	rm_rollbar_config_free(&config);
}
