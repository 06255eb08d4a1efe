/*
 * What backends answer, by way of the exporters and checks that ask them: OTLP over HTTP and gRPC, Zipkin, Rollbar, CloudWatch
 * Logs and where its credentials come from, X-Ray's rules, Honeycomb, metadata services of AWS. The input is a byte that chooses settings, then answers,
 * each behind a byte 0x1e: a byte for the status, a byte of circumstances, the head up to an empty line, the body. When
 * they are used up there is no answer any more. What must hold for any input: an exporter comes to a verdict, of no more records
 * than there are, and no key of the settings is in what it says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/check/check.h"
#include "exporters/cloud_facts.h"
#include "exporters/http.h"
#include "exporters/registry.h"
#include "exporters/xray_poller.h"
#include "tests/unit/sample_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
struct rm_http *__wrap_rm_http_new(const struct rm_http_options *options);
void __wrap_rm_http_free(struct rm_http *h);
void __wrap_rm_http_send(struct rm_http *h, const struct rm_http_request *request, const struct rm_export_io *io,
			 struct rm_http_answer *ret);
void __wrap_rm_http_post(struct rm_http *h, struct rm_str body, const struct rm_export_io *io, struct rm_http_answer *ret);

#define KEY "FUZZEDKEY7"
enum { SEPARATOR = 0x1e, ASKED_MAX = 64, LINES_MAX = 8 };

/* ---- settings ---- */

struct setting {
	const char *exporter;	      /* NULL: X-Ray's rules are fetched, or where we run */
	enum rm_signal signal;
	bool is_check;		      /* `remora check --backend` asks */
	const char *line[LINES_MAX];  /* of the environment */
};

#define OTLP_KEY  "OTEL_EXPORTER_OTLP_HEADERS=x-honeycomb-team=" KEY
#define AWS_STATIC "AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=" KEY, "AWS_SECRET_ACCESS_KEY=" KEY
#define AWS_ASKED  "AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL=http://localhost:1"

static const struct setting settings[] = {
	{ "otlp", RM_SIGNAL_TRACES, false, { OTLP_KEY } },
	{ "otlp", RM_SIGNAL_TRACES, false, { OTLP_KEY, "OTEL_EXPORTER_OTLP_PROTOCOL=http/json" } },
	{ "otlp", RM_SIGNAL_TRACES, false, { OTLP_KEY, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" } },
	{ "otlp", RM_SIGNAL_LOGS, false, { OTLP_KEY, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip" } },
	{ "zipkin", RM_SIGNAL_TRACES, false, { "OTEL_EXPORTER_ZIPKIN_ENDPOINT=http://u:" KEY "@localhost:1/api/v2/spans" } },
	{ "rollbar", RM_SIGNAL_TRACES, false, { "ROLLBAR_ACCESS_TOKEN=" KEY, "REMORA_ROLLBAR_ITEMS=exceptions,server,client" } },
	{ "rollbar", RM_SIGNAL_LOGS, false, { "ROLLBAR_ACCESS_TOKEN=" KEY } },
	{ "cloudwatch", RM_SIGNAL_LOGS, false, { AWS_STATIC, "AWS_SESSION_TOKEN=" KEY } },
	{ "cloudwatch", RM_SIGNAL_LOGS, false, { AWS_ASKED, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/r" } },
	{ "cloudwatch", RM_SIGNAL_LOGS, false, { AWS_ASKED } },
	{ "otlp", RM_SIGNAL_TRACES, true, { OTLP_KEY, "OTEL_TRACES_EXPORTER=otlp", "OTEL_LOGS_EXPORTER=none" } },
	{ "otlp", RM_SIGNAL_LOGS, true, { OTLP_KEY, "OTEL_TRACES_EXPORTER=none", "OTEL_LOGS_EXPORTER=otlp",
					  "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" } },
	{ "zipkin", RM_SIGNAL_TRACES, true, { "OTEL_TRACES_EXPORTER=zipkin", "OTEL_LOGS_EXPORTER=none" } },
	{ "cloudwatch", RM_SIGNAL_LOGS, true, { AWS_STATIC, "OTEL_TRACES_EXPORTER=none", "OTEL_LOGS_EXPORTER=cloudwatch" } },
	{ NULL, RM_SIGNAL_TRACES, false, { "OTEL_TRACES_SAMPLER=xray" } },
	{ "cloudwatch", RM_SIGNAL_LOGS, false, { AWS_ASKED, "AWS_WEB_IDENTITY_TOKEN_FILE=/proc/self/comm", "AWS_ROLE_ARN=arn:x" } },
	{ "rollbar", RM_SIGNAL_TRACES, true, { "ROLLBAR_ACCESS_TOKEN=" KEY, "OTEL_TRACES_EXPORTER=rollbar", "OTEL_LOGS_EXPORTER=none" } },
	{ NULL, RM_SIGNAL_TRACES, false, { "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://localhost:1" } },
	{ NULL, RM_SIGNAL_TRACES, false, { "ECS_CONTAINER_METADATA_URI_V4=http://localhost:1/v4/x" } },
};
enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };

/* ---- answers ---- */

static struct rm_str answers; /* those to come; p NULL: none */
static char *last_answer;
static unsigned asked;

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* What comes with an answer is no key of the settings. */
static bool tells_key(const struct setting *s, const char *text)
{
	bool has_key = false;

	for (int i = 0; i < LINES_MAX && s->line[i]; i++)
		has_key |= strstr(s->line[i], KEY) != NULL;
	return has_key && strstr(text, KEY);
}

static void refuse(uint8_t how, struct rm_http_answer *ret)
{
	static const char *const errors[] = { "no answer in time", "the certificate has expired", "alert certificate required",
					      "wrong version number", "no application protocol" };

	ret->fault = RM_HTTP_FAILED + how % (RM_HTTP_CLOSED - RM_HTTP_FAILED + 1);
	ret->error_number = how & 1;
	rm_format(ret->error, sizeof(ret->error), "%s", errors[how % (sizeof(errors) / sizeof(errors[0]))]);
}

static size_t head_bytes(struct rm_str s)
{
	const char *end = rm_str_find(s, RM_STR("\n\n"));

	return end ? (size_t)(end - s.p) + 1 : 0;
}

void __wrap_rm_http_send(struct rm_http *h, const struct rm_http_request *request, const struct rm_export_io *io,
			 struct rm_http_answer *ret)
{
	static const int statuses[] = { 200, 200, 200, 204, 302, 400, 401, 403, 404, 413, 415, 429, 500, 503, 599, 0 };
	struct rm_str answer = { NULL, 0 };
	size_t head;
	uint8_t flags;

	check(h && io->deadline_ns > 0 && asked++ < ASKED_MAX);
	*ret = (struct rm_http_answer){ .status = 0 };
	if (answers.p)
		answer = rm_str_cut(&answers, SEPARATOR);
	if (answer.n < 2) {
		refuse(0, ret);
		return;
	}
	ret->status = statuses[(uint8_t)answer.p[0] % (sizeof(statuses) / sizeof(statuses[0]))];
	flags = (uint8_t)answer.p[1];
	if (!ret->status) {
		refuse(flags, ret);
		return;
	}
	ret->is_json = flags & 1;
	ret->is_http2 = flags & 2;
	ret->is_cut = flags & 4;
	ret->retry_after_ns = flags & 8 ? 5000000000 : 0;
	answer = rm_str_behind(answer, 2);
	free(last_answer);
	last_answer = malloc(answer.n); /* of exactly this size, until the next one */
	if (answer.n)
		memcpy(last_answer, answer.p, answer.n);
	answer.p = last_answer;
	head = head_bytes(answer);
	ret->head = (struct rm_str){ answer.p, head };
	ret->body = rm_str_behind(answer, head ? head + 1 : 0);
}

void __wrap_rm_http_post(struct rm_http *h, struct rm_str body, const struct rm_export_io *io, struct rm_http_answer *ret)
{
	__wrap_rm_http_send(h, &(struct rm_http_request){ .body = body }, io, ret);
}

struct rm_http *__wrap_rm_http_new(const struct rm_http_options *options)
{
	check(options->url && *options->url);
	return malloc(1);
}

void __wrap_rm_http_free(struct rm_http *h)
{
	free(h);
}

/* ---- who asks ---- */

static void idle(void *arg)
{
}

static const struct rm_exporter *find(const struct setting *s)
{
	for (int i = 0; rm_exporters[i]; i++)
		if (rm_exporters[i]->signal == s->signal && strcmp(rm_exporters[i]->name, s->exporter) == 0)
			return rm_exporters[i];
	abort();
}

static const struct rm_batch *batch_of(enum rm_signal signal)
{
	static struct sample sample;

	if (!sample.batch.group_count) {
		sample_init(&sample);
		sample_events(sample.span[2]);
	}
	return signal == RM_SIGNAL_LOGS ? &sample.log_batch : &sample.batch;
}

/* Twice: what a first answer leaves behind is there for the next. */
static void export(const struct setting *s, const struct rm_env *env)
{
	static const atomic_int abort_flag;
	const struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + 1000000000, .abort = &abort_flag, .idle = idle };
	const struct rm_batch *batch = batch_of(s->signal);
	const struct rm_exporter *x = find(s);
	struct rm_export_result result;
	void *state = NULL;

	check(x->open(env, &state) == RM_OK);
	for (int i = 0; i < 2; i++) {
		memset(&result, 0xee, sizeof(result));
		x->export(state, batch, &io, &result);
		check(result.code <= RM_EXPORT_TOO_LARGE && memchr(result.message, '\0', sizeof(result.message)));
		check(result.rejected <= batch->span_count + batch->log_count);
		check(!tells_key(s, result.message));
	}
	x->close(state);
}

static void check_backend(const struct setting *s, const struct rm_env *env)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	check(out != NULL);
	rm_check_backends(env, out);
	fclose(out);
	check(n > 0 && text[n - 1] == '\n' && !tells_key(s, text));
	free(text);
}

static void fetch_rules(const struct rm_env *env)
{
	static struct rm_rules rules;
	const struct rm_pipeline_driver driver = { .idle = idle };
	struct rm_xray_poller *p;

	memset(&rules, 0, sizeof(rules));
	p = rm_xray_poller_open(env, &driver, &rules);
	check(p != NULL);
	rm_xray_poller_run(p);
	rm_xray_poller_close(p);
}

static void ask_where(const struct rm_env *env)
{
	const struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + 1000000000, .idle = idle };
	struct rm_record *facts = malloc(RM_CLOUD_FACTS_BYTES);
	uint32_t bytes;

	check(facts && rm_cloud_service(env) != RM_CLOUD_SERVICE_NONE);
	bytes = rm_cloud_facts(env, rm_cloud_service(env), &io, facts);
	check(!bytes || (bytes <= RM_CLOUD_FACTS_BYTES && rm_record_valid(facts, bytes) && facts->attr_count > 0));
	free(facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct rm_env env;
	const struct setting *s;

	if (n < 1)
		return 0;
	s = &settings[data[0] % SETTINGS];
	rm_log_init(0, RM_LEVEL_NONE);
	rm_env_load(&env, (char **)s->line, NULL);
	asked = 0;
	answers = (struct rm_str){ (const char *)data + 1, n - 1 };
	if (!s->exporter && rm_env_is_set(&env, RM_ENV_TRACES_SAMPLER))
		fetch_rules(&env);
	else if (!s->exporter)
		ask_where(&env);
	else if (s->is_check)
		check_backend(s, &env);
	else
		export(s, &env);
	free(last_answer);
	last_answer = NULL;
	return 0;
}
