/* The check of CloudWatch Logs: whose credentials they are is seen from what AWS says to DescribeLogStreams. Context: worker. */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "exporters/check/checks.h"
#include "exporters/cloudwatch_client.h"
#include "exporters/cloudwatch_events.h"

#define SECOND_NS 1000000000ull
enum { PATIENCE_S = 10 };

/* The group is made when there are events for it: that it is missing is no fault. `group` is empty where it is not known. */
static void judge(struct rm_checkup *c, const struct rm_cloudwatch_client *client, const char *group,
		  const struct rm_cloudwatch_said *s)
{
	const char *where = client->endpoint.shown, *from = client->credentials.from;
	const struct rm_http_backend b = { .endpoint = &client->endpoint,
					   .variable = client->variable ? client->variable : "AWS_REGION" };
	bool is_missing = s->verdict == RM_CLOUDWATCH_MISSING;

	if (!from[0])
		rm_checkup_say(c, RM_FINDING_NO, "%s", s->message);
	else if ((s->verdict == RM_CLOUDWATCH_DONE || is_missing) && !*group)
		rm_checkup_say(c, RM_FINDING_YES, "%s knows our credentials (%s); each service has a group of its name", where, from);
	else if (s->verdict == RM_CLOUDWATCH_DONE || is_missing)
		rm_checkup_say(c, RM_FINDING_YES, "%s knows our credentials (%s); the group %s %s", where, from, group,
			       is_missing ? "is not there yet, and will be made" : "is there");
	else if (s->http.fault == RM_HTTP_UNTRUSTED)
		rm_checkup_say(c, RM_FINDING_NO, "%s: its certificate is not trusted: %s; name the certificate of its authority in "
			       "AWS_CA_BUNDLE", where, s->http.error);
	else if (s->http.status == 0)
		rm_check_say_fault(c, &b, &s->http, "HTTP/1.1");
	else if (strncmp(s->type, "AccessDenied", 12) == 0)
		rm_checkup_say(c, RM_FINDING_NOTE, "%s knows our credentials (%s); whether they may send is not known, for they may not "
			       "ask (logs:DescribeLogStreams): sending needs logs:PutLogEvents, CreateLogStream and CreateLogGroup", where,
			       from);
	else
		rm_checkup_say(c, RM_FINDING_NO, "%s: %s", where, s->message);
	if (s->http.status > 0)
		rm_check_clock(c, &s->http);
}

void rm_check_cloudwatch(struct rm_checkup *c)
{
	const struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + PATIENCE_S * SECOND_NS };
	struct rm_str name = rm_env_str(c->env, RM_ENV_CLOUDWATCH_LOG_GROUP);
	char group[RM_CLOUDWATCH_NAME_BYTES];
	struct rm_cloudwatch_client client;
	struct rm_cloudwatch_said said;
	struct rm_json j;
	int err = rm_cloudwatch_open(&client, c->env);

	rm_cloudwatch_group(name.n > 0 ? name : rm_env_str(c->env, RM_ENV_SERVICE_NAME), group);
	rm_json_init(&j);
	rm_json_open(&j, '{');
	rm_json_key(&j, "logGroupName");
	rm_json_str(&j, *group ? rm_str_c(group) : RM_STR("unknown_service"));
	rm_json_key(&j, "limit");
	rm_json_i64(&j, 1);
	rm_json_close(&j, '}');
	if (err || j.failed) {
		rm_checkup_say(c, RM_FINDING_NO, "%s", err == RM_E_INVALID ? client.credentials.why : "no client can be made");
	} else {
		rm_cloudwatch_call(&client, "DescribeLogStreams", (struct rm_str){ j.p, j.n }, &io, &said);
		judge(c, &client, group, &said);
	}
	rm_json_free(&j);
	rm_cloudwatch_close(&client);
}
