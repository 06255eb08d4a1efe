/*
 * CloudWatch Logs: the lines of each service in a group of its own, those of a host in a stream of it. Group and stream are
 * made when AWS says that they are missing. A batch may be several requests: what of it was delivered is remembered for
 * the time that the rest is sent again, so that no line is there twice.
 * Context: worker. Spec: CloudWatch Logs API reference, PutLogEvents.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/exporter.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/cloudwatch_client.h"
#include "exporters/cloudwatch_events.h"
#include "exporters/json_find.h"

struct cloudwatch {
	struct rm_cloudwatch_client client;
	struct rm_cloudwatch_style style;
	struct rm_json json;   /* kept for the next */
	bool has_warned, has_warned_of_time;
	uint64_t mark;	       /* of a batch that is under way: rm_cloudwatch_plan_mark, */
	uint32_t sent, failed; /* events of it that are behind us, and how many of them were refused; 0: no such batch */
};

static void cloudwatch_close(void *state)
{
	struct cloudwatch *c = state;

	rm_cloudwatch_close(&c->client);
	rm_json_free(&c->json);
	free(c);
}

static int cloudwatch_open(const struct rm_env *env, void **ret_state)
{
	struct cloudwatch *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return RM_E_NOMEM;
	rm_json_init(&c->json);
	err = rm_cloudwatch_open(&c->client, env);
	if (!err && rm_aws_credentials_are_local(env) && !rm_aws_credentials_get(&c->client.credentials, NULL))
		err = RM_E_INVALID;
	if (err) {
		if (err == RM_E_INVALID)
			rm_warn("nothing is sent to CloudWatch Logs: %s", c->client.credentials.why);
		cloudwatch_close(c);
		return err;
	}
	c->style = (struct rm_cloudwatch_style){
		.group = rm_env_str(env, RM_ENV_CLOUDWATCH_LOG_GROUP), .stream = rm_env_str(env, RM_ENV_CLOUDWATCH_LOG_STREAM),
		.as_json = rm_str_ieq(rm_env_str(env, RM_ENV_CLOUDWATCH_FORMAT), RM_STR("json")),
	};
	rm_debug(RM_LOG_EXPORT, "cloudwatch: to %s", c->client.endpoint.shown);
	*ret_state = c;
	return RM_OK;
}

/* ---- group and stream ---- */

static void create(struct cloudwatch *c, const struct rm_cloudwatch_place *place, bool is_stream, const struct rm_export_io *io,
		   struct rm_cloudwatch_said *ret)
{
	struct rm_json j;

	rm_json_init(&j);
	rm_json_open(&j, '{');
	rm_json_key(&j, "logGroupName");
	rm_json_str(&j, rm_str_c(place->group));
	if (is_stream) {
		rm_json_key(&j, "logStreamName");
		rm_json_str(&j, rm_str_c(place->stream));
	}
	rm_json_close(&j, '}');
	*ret = (struct rm_cloudwatch_said){ .verdict = RM_CLOUDWATCH_RETRY };
	if (!j.failed)
		rm_cloudwatch_call(&c->client, is_stream ? "CreateLogStream" : "CreateLogGroup",
				   (struct rm_str){ j.p, j.n }, io, ret);
	rm_json_free(&j);
	if (ret->verdict == RM_CLOUDWATCH_EXISTS)
		ret->verdict = RM_CLOUDWATCH_DONE;
}

/* The stream, and first the group where that is what is missing. */
static void create_place(struct cloudwatch *c, const struct rm_cloudwatch_place *place, const struct rm_export_io *io,
			 struct rm_cloudwatch_said *ret)
{
	create(c, place, true, io, ret);
	if (ret->verdict != RM_CLOUDWATCH_MISSING)
		return;
	create(c, place, false, io, ret);
	if (ret->verdict == RM_CLOUDWATCH_DONE)
		create(c, place, true, io, ret);
}

/* ---- requests ---- */

static uint64_t number_of(struct rm_str object, const char *name, uint64_t if_none)
{
	uint64_t n;

	return rm_str_u64(rm_json_find(object, name), &n) ? n : if_none;
}

/* How many of `count` events AWS did not take, which accepted the request. */
static uint32_t rejected_of(struct cloudwatch *c, struct rm_str body, uint32_t count)
{
	struct rm_str info = rm_json_find(body, "rejectedLogEventsInfo");
	uint64_t new_from = number_of(info, "tooNewLogEventStartIndex", count), n;
	uint64_t old_to = number_of(info, "tooOldLogEventEndIndex", 0), expired_to = number_of(info, "expiredLogEventEndIndex", 0);

	n = old_to > expired_to ? old_to : expired_to;
	if (n > count) /* a wrong number is not to wrap around below */
		n = count;
	if (new_from < count)
		n += count - new_from;
	if (n > 0 && !c->has_warned_of_time) {
		rm_warn("CloudWatch Logs refuses lines for their time, %s; is the clock of this machine right?",
			new_from < count ? "which is more than 2 hours ahead" : "older than 14 days or than the group keeps");
		c->has_warned_of_time = true;
	}
	return n < count ? (uint32_t)n : count;
}

static void warn_once(struct cloudwatch *c, const char *message)
{
	if (!c->has_warned)
		rm_warn("log lines cannot be sent to CloudWatch Logs (%s): %s", c->client.endpoint.shown, message);
	c->has_warned = true;
}

static void put_events(struct cloudwatch *c, const struct rm_cloudwatch_place *place, const struct rm_export_io *io,
		       struct rm_cloudwatch_said *ret)
{
	struct rm_str body = { c->json.p, c->json.n };

	rm_cloudwatch_call(&c->client, "PutLogEvents", body, io, ret);
	if (ret->verdict != RM_CLOUDWATCH_MISSING)
		return;
	create_place(c, place, io, ret);
	if (ret->verdict == RM_CLOUDWATCH_DONE)
		rm_cloudwatch_call(&c->client, "PutLogEvents", body, io, ret);
	/* It was made a moment ago, and is not everywhere yet. */
	if (ret->verdict == RM_CLOUDWATCH_MISSING)
		ret->verdict = RM_CLOUDWATCH_RETRY;
}

/* One request, from event c->sent on, which is then behind us. A verdict of RETRY ends the batch. */
static void send_next(struct cloudwatch *c, const struct rm_cloudwatch_plan *plan, const struct rm_export_io *io,
		      struct rm_export_result *ret)
{
	struct rm_cloudwatch_said said = { .verdict = RM_CLOUDWATCH_DONE };
	uint32_t next, left_out = 0, count;

	c->json.n = 0;
	c->json.failed = c->json.comma = false;
	next = rm_cloudwatch_put(plan, &c->style, c->sent, &c->json, &left_out);
	count = next - c->sent - left_out;
	if (c->json.failed) {
		said.verdict = RM_CLOUDWATCH_REFUSED;
		rm_format(said.message, sizeof(said.message), "no memory");
	} else if (count > 0) {
		put_events(c, &plan->place[plan->event[c->sent].place], io, &said);
	}
	if (said.message[0])
		rm_format(ret->message, sizeof(ret->message), "%s", said.message);
	if (said.verdict == RM_CLOUDWATCH_DENIED || (said.verdict == RM_CLOUDWATCH_RETRY && !c->client.credentials.from[0]) ||
	    said.http.fault == RM_HTTP_UNTRUSTED)
		warn_once(c, said.message);
	if (said.verdict == RM_CLOUDWATCH_RETRY) {
		ret->code = RM_EXPORT_RETRY;
		ret->retry_after_ns = said.http.retry_after_ns;
		return;
	}
	c->failed += left_out;
	if (said.verdict != RM_CLOUDWATCH_DONE)
		c->failed += count;
	else if (count > 0)
		c->failed += rejected_of(c, said.http.body, count);
	c->sent = said.verdict == RM_CLOUDWATCH_DENIED ? plan->count : next;
	if (said.verdict == RM_CLOUDWATCH_DENIED)
		c->failed += plan->count - next; /* as the rest would be */
}

static void cloudwatch_export(void *state, const struct rm_batch *batch, const struct rm_export_io *io,
			      struct rm_export_result *ret)
{
	struct cloudwatch *c = state;
	struct rm_cloudwatch_plan plan;

	*ret = (struct rm_export_result){ .code = RM_EXPORT_REFUSED };
	if (rm_cloudwatch_plan(batch, &c->style, &plan) != RM_OK)
		return;
	ret->code = RM_EXPORT_DONE;
	if (c->sent > 0 && c->mark != rm_cloudwatch_plan_mark(&plan))
		c->sent = c->failed = 0;
	while (c->sent < plan.count && ret->code == RM_EXPORT_DONE)
		send_next(c, &plan, io, ret);
	if (ret->code == RM_EXPORT_RETRY) {
		c->mark = c->sent > 0 ? rm_cloudwatch_plan_mark(&plan) : 0;
	} else {
		ret->rejected = c->failed;
		if (c->failed > 0 && c->failed == plan.count)
			ret->code = RM_EXPORT_REFUSED;
		c->sent = c->failed = 0;
	}
	rm_cloudwatch_plan_free(&plan);
}

const struct rm_exporter rm_exporter_cloudwatch = {
	.name = "cloudwatch",
	.signal = RM_SIGNAL_LOGS,
	.help = "log records to CloudWatch Logs (AWS_REGION, AWS credentials)",
	.open = cloudwatch_open,
	.export = cloudwatch_export,
	.close = cloudwatch_close,
};
