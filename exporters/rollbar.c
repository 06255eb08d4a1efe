/*
 * Rollbar: each error as one POST. Items have ids that follow from their spans, and those that were taken lately are
 * remembered, so that a batch that is sent again does not make them twice. When Rollbar says that the rate is used up
 * (429, or none remaining), nothing is sent until it is reset.
 * Context: worker. Spec: Rollbar, API 1, "item", and its rate limits.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/exporter.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/backend.h"
#include "exporters/rollbar_config.h"
#include "exporters/rollbar_json.h"

#define SECOND_NS     1000000000ull
#define PAUSE_MOST_NS (3600 * SECOND_NS)

enum { SENT_MAX = 256, USUAL_PAUSE_S = 60 };

struct rollbar {
	struct rm_rollbar_style style;
	struct rm_rollbar_config config;
	struct rm_backend backend;
	struct rm_http *http;
	uint64_t not_before_ns; /* rm_clock_mono_ns(): the rate is used up until then */
	uint8_t sent[SENT_MAX][RM_ROLLBAR_ID_BYTES];
	uint32_t sent_count; /* ever */
	bool no_crashes;     /* of logs: the exporter of spans tells of them */
};

static void rollbar_close(void *state)
{
	struct rollbar *r = state;

	rm_http_free(r->http);
	rm_rollbar_config_free(&r->config);
	free(r);
}

static unsigned read_kinds(const struct rm_env *env)
{
	struct rm_str rest = rm_env_str(env, RM_ENV_ROLLBAR_ITEMS), item;
	unsigned kinds = 0;

	while (rm_env_item(&rest, &item)) {
		if (rm_str_ieq(item, RM_STR("exceptions")))
			kinds |= RM_ROLLBAR_EXCEPTIONS;
		else if (rm_str_ieq(item, RM_STR("server")))
			kinds |= RM_ROLLBAR_SERVER;
		else if (rm_str_ieq(item, RM_STR("client")))
			kinds |= RM_ROLLBAR_CLIENT;
	}
	return kinds ? kinds : RM_ROLLBAR_EXCEPTIONS | RM_ROLLBAR_SERVER;
}

static int rollbar_open(const struct rm_env *env, void **ret_state)
{
	struct rollbar *r = calloc(1, sizeof(*r));
	struct rm_http_options options;
	int err;

	if (!r)
		return RM_E_NOMEM;
	err = rm_rollbar_config(env, &r->config);
	if (!err) {
		options = rm_rollbar_http_options(&r->config);
		r->http = rm_http_new(&options);
		err = r->http ? RM_OK : RM_E_NOMEM;
	}
	if (err) {
		rollbar_close(r);
		return err;
	}
	r->style = (struct rm_rollbar_style){ .kinds = read_kinds(env), .environment = rm_env_str(env, RM_ENV_ROLLBAR_ENV),
					      .user_ip = rm_env_bool(env, RM_ENV_ROLLBAR_USER_IP) };
	r->backend = (struct rm_backend){ &r->config.endpoint, &r->config.secrets, "errors", false };
	rm_debug(RM_LOG_EXPORT, "rollbar: to %s", r->config.endpoint.shown);
	*ret_state = r;
	return RM_OK;
}

/* ---- items that were taken ---- */

static bool was_sent(const struct rollbar *r, const uint8_t id[RM_ROLLBAR_ID_BYTES])
{
	for (uint32_t i = 0; i < SENT_MAX && i < r->sent_count; i++)
		if (memcmp(r->sent[i], id, RM_ROLLBAR_ID_BYTES) == 0)
			return true;
	return false;
}

static void note_sent(struct rollbar *r, const uint8_t id[RM_ROLLBAR_ID_BYTES])
{
	memcpy(r->sent[r->sent_count++ % SENT_MAX], id, RM_ROLLBAR_ID_BYTES);
}

/* ---- the rate ---- */

/* How long the rate is used up, as the answer says: in seconds, or as a time. */
static uint64_t pause_ns(const struct rm_http_answer *a)
{
	uint64_t seconds, reset, now_s = rm_clock_wall_ns() / SECOND_NS;

	if (rm_str_u64(rm_http_header(a, "X-Rate-Limit-Remaining-Seconds"), &seconds))
		return seconds < PAUSE_MOST_NS / SECOND_NS ? seconds * SECOND_NS : PAUSE_MOST_NS;
	if (rm_str_u64(rm_http_header(a, "X-Rate-Limit-Reset"), &reset) && reset > now_s)
		return reset - now_s < PAUSE_MOST_NS / SECOND_NS ? (reset - now_s) * SECOND_NS : PAUSE_MOST_NS;
	return a->retry_after_ns ? a->retry_after_ns : USUAL_PAUSE_S * SECOND_NS;
}

static void note_rate(struct rollbar *r, const struct rm_http_answer *a)
{
	uint64_t remaining;

	if (a->status == 429 || (rm_str_u64(rm_http_header(a, "X-Rate-Limit-Remaining"), &remaining) && remaining == 0))
		r->not_before_ns = rm_clock_mono_ns() + pause_ns(a);
}

/* True, with the verdict, while nothing may be sent. */
static bool must_wait(const struct rollbar *r, struct rm_export_result *ret)
{
	uint64_t now_ns = rm_clock_mono_ns();

	if (now_ns >= r->not_before_ns)
		return false;
	ret->code = RM_EXPORT_RETRY;
	ret->retry_after_ns = r->not_before_ns - now_ns;
	rm_format(ret->message, sizeof(ret->message), "the rate limit is used up");
	return true;
}

/* ---- sending ---- */

/* What came of one item. False ends the batch, with the verdict in *ret. */
static bool settle(struct rollbar *r, const struct rm_http_answer *answer, struct rm_export_result *ret, bool *ret_refused)
{
	struct rm_export_result said;

	rm_backend_judge(&r->backend, answer, answer->status / 100 == 2 ? RM_STR("") : answer->body, &said);
	note_rate(r, answer);
	if (said.code == RM_EXPORT_DONE)
		return true;
	*ret_refused = said.code != RM_EXPORT_RETRY;
	/* A token that is wrong is wrong for all that follow. */
	if (*ret_refused && answer->status != 401 && answer->status != 403) {
		memcpy(ret->message, said.message, sizeof(ret->message));
		return true;
	}
	*ret = said;
	if (!*ret_refused)
		must_wait(r, ret);
	return false;
}

static bool send_item(struct rollbar *r, const struct rm_rollbar_subject *subject, const struct rm_export_io *io,
		      struct rm_export_result *ret, bool *ret_refused)
{
	uint8_t id[RM_ROLLBAR_ID_BYTES];
	struct rm_http_answer answer;
	bool goes_on = true;
	struct rm_json j;

	*ret_refused = false;
	rm_rollbar_id(subject, id);
	if (was_sent(r, id))
		return true;
	if (must_wait(r, ret))
		return false;
	rm_json_init(&j);
	rm_rollbar_json(&j, &r->style, subject);
	*ret_refused = j.failed;
	if (!j.failed) {
		rm_http_post(r->http, (struct rm_str){ j.p, j.n }, io, &answer);
		goes_on = settle(r, &answer, ret, ret_refused);
		if (goes_on && !*ret_refused)
			note_sent(r, id);
	}
	rm_json_free(&j);
	return goes_on;
}

/* All items of a span or a log record. False ends the batch. */
static bool send_all(struct rollbar *r, struct rm_rollbar_subject subject, uint32_t count, const struct rm_export_io *io,
		     struct rm_export_result *ret)
{
	bool any_refused = false, refused = false;

	for (; subject.which < count; subject.which++) {
		if (!send_item(r, &subject, io, ret, &refused))
			return false;
		any_refused |= refused;
	}
	ret->rejected += any_refused;
	return true;
}

static bool send_group(struct rollbar *r, const struct rm_batch_group *g, const struct rm_export_io *io, struct rm_export_result *ret)
{
	struct rm_rollbar_subject subject = { .resource = g->resource };

	for (uint32_t i = 0; i < g->span_count; i++) {
		subject.span = g->spans[i];
		if (!send_all(r, subject, rm_rollbar_count(&r->style, subject.span), io, ret))
			return false;
	}
	subject.span = NULL;
	for (uint32_t i = 0; i < g->log_count; i++) {
		subject.log = g->logs[i];
		/* One that is an event is the agent's own: a crash. */
		if (!(r->no_crashes && subject.log->event_bytes > 0) &&
		    !send_all(r, subject, rm_rollbar_takes(&r->style, subject.log), io, ret))
			return false;
	}
	return true;
}

static void rollbar_export(void *state, const struct rm_batch *batch, const struct rm_export_io *io,
			   struct rm_export_result *ret)
{
	*ret = (struct rm_export_result){ .code = RM_EXPORT_DONE };
	for (uint32_t g = 0; g < batch->group_count; g++)
		if (!send_group(state, &batch->groups[g], io, ret))
			return;
}

static int rollbar_open_logs(const struct rm_env *env, void **ret_state)
{
	int err = rollbar_open(env, ret_state);

	if (!err)
		((struct rollbar *)*ret_state)->no_crashes = rm_env_lists(env, RM_ENV_TRACES_EXPORTER, RM_STR("rollbar"));
	return err;
}

const struct rm_exporter rm_exporter_rollbar = {
	.name = "rollbar",
	.signal = RM_SIGNAL_TRACES,
	.help = "errors to Rollbar: exceptions, crashes and 5xx (ROLLBAR_ACCESS_TOKEN)",
	.open = rollbar_open,
	.export = rollbar_export,
	.close = rollbar_close,
};

const struct rm_exporter rm_exporter_rollbar_logs = {
	.name = "rollbar",
	.signal = RM_SIGNAL_LOGS,
	.help = "exceptions that programs print, to Rollbar (ROLLBAR_ACCESS_TOKEN)",
	.open = rollbar_open_logs,
	.export = rollbar_export,
	.close = rollbar_close,
};
