/* The checks of what needs little: Zipkin, files, the console. Context: worker. */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "exporters/check/checks.h"
#include "exporters/otlp_file.h"

/* ---- Zipkin ---- */

static void judge_zipkin(struct rm_checkup *c, const struct rm_http_backend *b, const struct rm_http_answer *a)
{
	const char *where = b->endpoint->shown;

	if (a->status == 0)
		rm_check_say_fault(c, b, a, "HTTP/1.1");
	else if (a->status / 100 == 2)
		rm_checkup_say(c, RM_FINDING_YES, "%s takes spans (Zipkin's JSON)", where);
	else if (a->status == 404)
		rm_checkup_say(c, RM_FINDING_NO, "%s: there is no such path (HTTP 404); %s is used as it is: should it end in "
			       "/api/v2/spans?", where, b->variable);
	else
		rm_checkup_say(c, RM_FINDING_NO, "%s: it refuses an empty list of spans (HTTP %d)", where, a->status);
	if (a->status > 0)
		rm_check_clock(c, a);
}

void rm_check_zipkin(struct rm_checkup *c)
{
	static const char *const headers[] = { "Content-Type: application/json" };
	struct rm_str value = rm_env_str(c->env, RM_ENV_ZIPKIN_ENDPOINT);
	struct rm_secrets secrets = { 0 };
	struct rm_endpoint endpoint = { 0 };
	struct rm_http_backend b = { .endpoint = &endpoint, .variable = rm_env_name(RM_ENV_ZIPKIN_ENDPOINT),
				     .is_default = value.n == 0 };
	struct rm_http_request request = { .body = RM_STR("[]") };
	struct rm_http_answer a;
	struct rm_http *http = NULL;

	if (value.n == 0)
		value = RM_STR("http://localhost:9411/api/v2/spans");
	if (rm_endpoint_parse(value, "", &secrets, &endpoint) != RM_OK) {
		rm_checkup_say(c, RM_FINDING_NO, "%s is no http:// or https:// URL", b.variable);
		return;
	}
	b.options = (struct rm_http_options){ .url = endpoint.url, .header = headers, .header_count = 1 };
	c->secrets = &secrets;
	if (rm_check_ask(c, &b.options, &request, &http, &a))
		judge_zipkin(c, &b, &a);
	rm_http_free(http);
	c->secrets = NULL;
	rm_endpoint_free(&endpoint);
	rm_secrets_free(&secrets);
}

/* ---- files ---- */

void rm_check_otlp_file(struct rm_checkup *c)
{
	char why[RM_LINE_FILE_WHY_BYTES] = "";
	struct rm_line_file *file = NULL;

	if (rm_otlp_file(c->env, c->signal, &file) != RM_OK)
		rm_checkup_say(c, RM_FINDING_NO, "no file is named that can be used, see above");
	else if (rm_line_file_try(file, why) != RM_OK)
		rm_checkup_say(c, RM_FINDING_NO, "the file %s", why);
	else
		rm_checkup_say(c, RM_FINDING_YES, "this user may write to the file; programs that change their user may not");
	rm_line_file_free(file);
}

/* ---- console ---- */

void rm_check_console(struct rm_checkup *c)
{
	rm_checkup_say(c, RM_FINDING_YES, "each is written to standard error");
}
