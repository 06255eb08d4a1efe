/* CloudWatch Logs: signatures, and the bytes of requests. Answers and settings are proven end to end (cloudwatch.py). */
#include "exporters/cloudwatch_events.h"

#include <stdlib.h>
#include <unistd.h>

#include "agent/record.h"
#include "base/segment.h"
#include "exporters/aws_files.h"
#include "exporters/sigv4.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"

static struct sample sample;
static const struct rm_cloudwatch_style plain = { .stream = { "here", 4 } };

RM_TEST("a signature is that of AWS's own example")
{
	/* AWS's test suite for Signature Version 4, "post-vanilla" and "post-x-www-form-urlencoded". */
	const struct rm_sigv4_header header[] = {
		{ RM_STR("content-type"), RM_STR("application/x-www-form-urlencoded") },
		{ RM_STR("host"), RM_STR("example.amazonaws.com") },
		{ RM_STR("x-amz-date"), RM_STR("20150830T123600Z") },
	};
	struct rm_sigv4 s = {
		.access_key = RM_STR("AKIDEXAMPLE"), .secret = RM_STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
		.region = RM_STR("us-east-1"), .service = RM_STR("service"), .method = RM_STR("POST"), .path = RM_STR("/"),
		.header = header + 1, .header_count = 2, .body = RM_STR(""),
	};
	char date[RM_SIGV4_DATE_BYTES], got[RM_SIGV4_BYTES], secret[300];

	rm_sigv4_date(1440938160, date);
	RM_CHECK_STR(rm_str_c(date), "20150830T123600Z");
	s.date = date;
	RM_CHECK(rm_sigv4_sign(&s, got));
	RM_CHECK_STR(rm_str_c(got), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
				    "SignedHeaders=host;x-amz-date, "
				    "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
	s.header = header;
	s.header_count = 3;
	s.body = RM_STR("Param1=value1");
	RM_CHECK(rm_sigv4_sign(&s, got));
	RM_CHECK(strstr(got, "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a") != NULL);
	memset(secret, 'x', sizeof(secret));
	s.secret = (struct rm_str){ secret, sizeof(secret) };
	RM_CHECK(!rm_sigv4_sign(&s, got));
}

/* The request from event `from` on, with an end for strstr; the caller frees it. */
static struct rm_json put(const struct rm_cloudwatch_plan *p, const struct rm_cloudwatch_style *style, uint32_t from,
			  uint32_t *ret_next, uint32_t *ret_left_out)
{
	struct rm_json j;

	rm_json_init(&j);
	*ret_next = rm_cloudwatch_put(p, style, from, &j, ret_left_out);
	RM_CHECK(!j.failed);
	rm_json_raw(&j, (struct rm_str){ "", 1 });
	return j;
}

RM_TEST("lines go as they are to the group of their service; empty ones are left out")
{
	struct rm_cloudwatch_plan plan;
	uint32_t next, left_out;
	struct rm_json j;

	sample_init(&sample);
	RM_CHECK(rm_cloudwatch_plan(&sample.log_batch, &plain, &plan) == 0);
	RM_CHECK(plan.count == 3);
	j = put(&plan, &plain, 0, &next, &left_out);
	RM_CHECK_STR(rm_str_c(j.p),
		     "{\"logGroupName\":\"shop\",\"logStreamName\":\"here\",\"logEvents\":["
		     "{\"timestamp\":1544712660300,\"message\":\"caf\xc3\xa9 \xef\xbf\xbd\\nat line 2\"},"
		     "{\"timestamp\":1544712660400,\"message\":\"one\"}]}");
	RM_CHECK(next == 2 && left_out == 0);
	rm_json_free(&j);
	j = put(&plan, &plain, next, &next, &left_out);
	RM_CHECK_STR(rm_str_c(j.p), "{\"logGroupName\":\"stock\",\"logStreamName\":\"here\",\"logEvents\":[]}");
	RM_CHECK(next == 3 && left_out == 1);
	rm_json_free(&j);
	rm_cloudwatch_plan_free(&plan);
}

RM_TEST("as JSON an event has trace, severity, attributes and resource")
{
	const struct rm_cloudwatch_style style = { .group = RM_STR("aws/a b:c"), .stream = RM_STR("a:b*c d"), .as_json = true };
	struct rm_cloudwatch_plan plan;
	uint32_t next, left_out;
	struct rm_json j;

	sample_init(&sample);
	RM_CHECK(rm_cloudwatch_plan(&sample.log_batch, &style, &plan) == 0);
	j = put(&plan, &style, 0, &next, &left_out);
	RM_CHECK(strncmp(j.p,
			 "{\"logGroupName\":\"aws_a_b_c\",\"logStreamName\":\"a_b_c_d\",\"logEvents\":[{\"timestamp\":1544712660300,"
			 "\"message\":\"{\\\"body\\\":\\\"caf\xc3\xa9 \xef\xbf\xbd\\\\nat line 2\\\",\\\"severity_number\\\":17,"
			 "\\\"severity_text\\\":\\\"ERR\\\",\\\"event_name\\\":\\\"exception\\\",\\\"dropped_attributes_count\\\":1,"
			 "\\\"flags\\\":1,\\\"trace_id\\\":\\\"0af7651916cd43dd8448eb211c80319c\\\","
			 "\\\"span_id\\\":\\\"b7ad6b7169203331\\\",\\\"xray_trace_id\\\":\\\"1-0af76519-16cd43dd8448eb211c80319c\\\","
			 "\\\"attributes\\\":{\\\"error.type\\\":\\\"ValueError\\\"", 400) == 0);
	/* The two services have one group now, and so one request: also the empty line, which is JSON. */
	RM_CHECK(next == 3 && left_out == 0 && strstr(j.p, "\\\"service.name\\\":\\\"stock\\\""));
	rm_json_free(&j);
	rm_cloudwatch_plan_free(&plan);
}

enum { MANY = 10050, LONG = 300 };

static _Alignas(8) char lines[MANY][128];
static const struct rm_log *logs[MANY];

/* A batch of lines of one resource, at these milliseconds. */
static struct rm_batch batch_of(struct rm_batch_group *g, uint32_t count, int64_t time_ms(uint32_t i))
{
	for (uint32_t i = 0; i < count; i++) {
		struct rm_log head = { .observed_ns = (uint64_t)time_ms(i) * 1000000 };
		struct rm_builder b = { 0 };
		char text[16];

		snprintf(text, sizeof(text), "line %u", i);
		rm_builder_log(&b, lines[i], sizeof(lines[i]), &head, RM_STR(""), RM_STR(""), rm_str_c(text));
		rm_builder_end(&b);
		logs[i] = (const struct rm_log *)lines[i];
	}
	*g = (struct rm_batch_group){ .resource = (const struct rm_record *)sample.resource[0], .logs = logs, .log_count = count };
	return (struct rm_batch){ .groups = g, .group_count = 1, .signal = RM_SIGNAL_LOGS, .log_count = count };
}

static int64_t backwards(uint32_t i)
{
	return 1000 - i / 2;
}

static int64_t at_once(uint32_t i)
{
	return 7;
}

static int64_t days(uint32_t i)
{
	return (int64_t)i * RM_CLOUDWATCH_SPAN_MS / 2;
}

RM_TEST("events are in order of time, and of the batch where that is the same")
{
	struct rm_batch_group g;
	struct rm_cloudwatch_plan plan;
	uint32_t next, left_out;
	struct rm_batch batch;
	struct rm_json j;

	sample_init(&sample);
	batch = batch_of(&g, 4, backwards);
	RM_CHECK(rm_cloudwatch_plan(&batch, &plain, &plan) == 0);
	j = put(&plan, &plain, 0, &next, &left_out);
	RM_CHECK(strstr(j.p, "[{\"timestamp\":999,\"message\":\"line 2\"},{\"timestamp\":999,\"message\":\"line 3\"},"
			     "{\"timestamp\":1000,\"message\":\"line 0\"},{\"timestamp\":1000,\"message\":\"line 1\"}]") != NULL);
	rm_json_free(&j);
	rm_cloudwatch_plan_free(&plan);
}

/* How many requests there are, and the events of the first. */
static uint32_t requests_of(const struct rm_batch *batch, uint32_t *ret_first)
{
	struct rm_cloudwatch_plan plan;
	uint32_t next = 0, count = 0, left_out;

	RM_CHECK(rm_cloudwatch_plan(batch, &plain, &plan) == 0);
	while (next < plan.count) {
		struct rm_json j = put(&plan, &plain, next, &next, &left_out);

		RM_CHECK(left_out == 0);
		if (count++ == 0)
			*ret_first = next;
		rm_json_free(&j);
	}
	rm_cloudwatch_plan_free(&plan);
	return count;
}

RM_TEST("a request has 10,000 events at most, of less than a day, and a mebibyte")
{
	static _Alignas(8) char memory[RM_RECORD_MAX_BYTES];
	static char text[RM_RECORD_MAX_BYTES - 256];
	const struct rm_log *long_logs[LONG], head = { .observed_ns = 1 };
	struct rm_batch_group g;
	struct rm_builder b = { 0 };
	struct rm_batch batch;
	uint32_t first = 0;

	sample_init(&sample);
	batch = batch_of(&g, MANY, at_once);
	RM_CHECK(requests_of(&batch, &first) == 2 && first == RM_CLOUDWATCH_EVENTS_MAX);
	batch = batch_of(&g, 5, days);
	RM_CHECK(requests_of(&batch, &first) == 3 && first == 2);
	memset(text, 'x', sizeof(text));
	rm_builder_log(&b, memory, sizeof(memory), &head, RM_STR(""), RM_STR(""), (struct rm_str){ text, sizeof(text) });
	rm_builder_end(&b);
	for (int i = 0; i < LONG; i++)
		long_logs[i] = (const struct rm_log *)memory;
	g.logs = long_logs;
	g.log_count = batch.log_count = LONG;
	RM_CHECK(requests_of(&batch, &first) > 1);
	RM_CHECK(first == RM_CLOUDWATCH_BYTES_MAX / (sizeof(text) + RM_CLOUDWATCH_EVENT_BYTES));
	/* Bytes that are no UTF-8 become three. */
	memset((char *)rm_log_body(long_logs[0]).p, 0xff, sizeof(text));
	RM_CHECK(requests_of(&batch, &first) > 1);
	RM_CHECK(first == RM_CLOUDWATCH_BYTES_MAX / (3 * sizeof(text) + RM_CLOUDWATCH_EVENT_BYTES));
}

RM_TEST("a batch is known again, and another is another")
{
	struct rm_batch_group g;
	struct rm_cloudwatch_plan plan;
	struct rm_batch batch;
	uint64_t mark;

	sample_init(&sample);
	batch = batch_of(&g, 4, at_once);
	RM_CHECK(rm_cloudwatch_plan(&batch, &plain, &plan) == 0);
	mark = rm_cloudwatch_plan_mark(&plan);
	RM_CHECK(mark == rm_cloudwatch_plan_mark(&plan));
	rm_cloudwatch_plan_free(&plan);
	batch = batch_of(&g, 4, backwards);
	RM_CHECK(rm_cloudwatch_plan(&batch, &plain, &plan) == 0);
	RM_CHECK(mark != rm_cloudwatch_plan_mark(&plan));
	rm_cloudwatch_plan_free(&plan);
}

/* Writes a file of its own, whose path goes into an environment. */
static void write_file(char *path, size_t cap, const char *variable, const char *text)
{
	char name[] = "/tmp/remora-aws-XXXXXX";
	int fd = mkstemp(name);

	RM_CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	snprintf(path, cap, "%s=%s", variable, name);
}

RM_TEST("of the shared files it is the profile's keys and region that count, never parts of two")
{
	static struct rm_env env;
	char credentials[128], config[128];
	char *environ[] = { credentials, config, "AWS_PROFILE=shop", NULL }, *others[] = { credentials, config, "AWS_PROFILE=both", NULL };
	static struct rm_aws_profile p;

	write_file(credentials, sizeof(credentials), "AWS_SHARED_CREDENTIALS_FILE",
		   "[default]\naws_access_key_id=no\n[ shop ]\r\n aws_session_token = nested\naws_access_key_id = AKID\r\n;x\n"
		   "aws_secret_access_key=a=b/c+\n[shops]\naws_session_token=no\n[both]\naws_access_key_id=A\naws_secret_access_key=B");
	write_file(config, sizeof(config), "AWS_CONFIG_FILE",
		   "[profile shop]\nregion = eu-central-1\n[profile both]\naws_access_key_id=C\naws_secret_access_key=D\n"
		   "aws_session_token=E\n");
	rm_env_load(&env, environ, NULL);
	RM_CHECK(rm_aws_profile(&env, rm_aws_profile_name(&env), &p));
	RM_CHECK_STR(rm_str_c(p.access_key), "AKID");
	RM_CHECK_STR(rm_str_c(p.secret), "a=b/c+");
	RM_CHECK_STR(rm_str_c(p.region), "eu-central-1");
	RM_CHECK(!p.token[0]);
	rm_env_load(&env, others, NULL);
	RM_CHECK(rm_aws_profile(&env, rm_aws_profile_name(&env), &p));
	RM_CHECK(strcmp(p.access_key, "A") == 0 && strcmp(p.secret, "B") == 0 && !p.token[0]);
	unlink(strchr(credentials, '=') + 1);
	unlink(strchr(config, '=') + 1);
	RM_CHECK(!rm_aws_profile(&env, rm_aws_profile_name(&env), &p));
}
