/* X-Ray: documents of spans, the daemon's address, datagrams to a daemon of the test's own. */
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/exporter.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/xray_address.h"
#include "exporters/xray_json.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"

#define SERVICE "\"service\":{},\"aws\":{\"xray\":{\"sdk\":\"remora for c\",\"sdk_version\":\"" REMORA_VERSION \
	"\",\"auto_instrumentation\":true}}"
#define TRACE "\"trace_id\":\"1-0af76519-16cd43dd8448eb211c80319c\""

extern const struct rm_exporter rm_exporter_xray;

static struct sample sample;

/* The document, until the next call; NULL: there is none. */
static const char *document(const struct rm_xray_style *style, const struct rm_record *resource,
			    const struct rm_span *span)
{
	static const struct rm_xray_style plain;
	static char text[RM_XRAY_DOCUMENT_MAX_BYTES + 1];
	struct rm_json j;
	bool good;

	rm_json_init(&j);
	good = rm_xray_json(&j, style ? style : &plain, resource, span);
	memcpy(text, good ? j.p : "", good ? j.n : 0);
	text[good ? j.n : 0] = '\0';
	rm_json_free(&j);
	return good ? text : NULL;
}

static bool has(const char *text, const char *part)
{
	if (text && strstr(text, part))
		return true;
	printf("# %s\n# has no %s\n", text ? text : "(none)", part);
	return false;
}

RM_TEST("a request that came in is a segment, with what has no field as metadata")
{
	sample_init(&sample);
	RM_CHECK_STR(rm_str_c(document(NULL, (const struct rm_record *)sample.resource[0], sample.spans[0])),
		     "{\"name\":\"shop\",\"id\":\"b7ad6b7169203331\"," TRACE ",\"parent_id\":\"00f067aa0ba902b7\","
		     "\"start_time\":1544712660.3,\"end_time\":1544712660.6," SERVICE ","
		     "\"http\":{\"request\":{\"method\":\"GET\"},\"response\":{\"status\":500}},\"fault\":true,"
		     "\"metadata\":{\"default\":{\"otel.span.name\":\"GET /caf\xc3\xa9\","
		     "\"url.query\":\"bad=\xef\xbf\xbd\xef\xbf\xbd&good=\xe2\x82\xac\","
		     "\"http.request.header.accept-encoding\":[\"gzip\",\"br\"],"
		     "\"http.request.body.size\":-9007199254740993,\"server.port\":0.5,\"client.address\":true,"
		     "\"otel.resource.service.name\":\"shop\",\"otel.resource.deployment.environment.name\":\"test\","
		     "\"otel.resource.process.pid\":42}}}");
}

RM_TEST("a call below a request is an independent subsegment; one that is a root has a segment around it")
{
	sample_init(&sample);
	RM_CHECK_STR(rm_str_c(document(NULL, (const struct rm_record *)sample.resource[0], sample.spans[1])),
		     "{\"name\":\"POST\",\"id\":\"0102030405060700\",\"type\":\"subsegment\"," TRACE ","
		     "\"parent_id\":\"b7ad6b7169203331\",\"start_time\":1544712660.4,\"end_time\":1544712660.5,"
		     "\"namespace\":\"remote\",\"metadata\":{\"default\":{\"otel.span.name\":\"POST\"}}}");
	RM_CHECK_STR(rm_str_c(document(NULL, (const struct rm_record *)sample.resource[1], sample.spans[2])),
		     "{\"name\":\"stock\",\"id\":\"8102030405060701\"," TRACE ","
		     "\"start_time\":1544712660.4,\"end_time\":1544712660.5," SERVICE ",\"subsegments\":["
		     "{\"name\":\"POST\",\"id\":\"0102030405060701\",\"start_time\":1544712660.4,"
		     "\"end_time\":1544712660.5,\"namespace\":\"remote\","
		     "\"metadata\":{\"default\":{\"otel.span.name\":\"POST\"}}}],"
		     "\"metadata\":{\"default\":{\"otel.resource.service.name\":\"stock\","
		     "\"otel.resource.deployment.environment.name\":\"test\",\"otel.resource.process.pid\":43}}}");
}

RM_TEST("links are a member of the document")
{
	sample_init(&sample);
	sample_linked(sample.span[0]);
	RM_CHECK(has(document(NULL, (const struct rm_record *)sample.resource[0], sample.spans[0]),
		     ",\"links\":[{" TRACE ",\"id\":\"0102030405060708\"},"
		     "{\"trace_id\":\"1-05000000-000000000000000000000000\",\"id\":\"0600000000000000\"}],"));
}

RM_TEST("exceptions are the cause, with their stacks")
{
	sample_init(&sample);
	sample_events(sample.span[0]);
	RM_CHECK(has(document(NULL, (const struct rm_record *)sample.resource[0], sample.spans[0]),
		     "\"fault\":true,\"cause\":{\"exceptions\":[{\"id\":\"0200000000000000\",\"type\":\"KeyError\","
		     "\"message\":\"'\xc3\xa9'\",\"stack\":[{\"path\":\"/app/shop.py\",\"line\":7,\"label\":\"home\"}]}]},"));
}

struct attr {
	enum rm_key key;
	const char *text; /* NULL: the number */
	int64_t number;
};

/* A span with these attributes (the last has neither text nor number), of a service in `platform`. */
static const char *made(const struct rm_xray_style *style, enum rm_span_kind kind, const struct attr *attr,
			const char *const *resource)
{
	static _Alignas(8) char r[SAMPLE_CAP], memory[SAMPLE_CAP];
	struct rm_span head = { .trace_id = { 1 }, .span_id = { 2 }, .parent_id = { 3 },
				.start_ns = 1, .end_ns = 2, .kind = (uint8_t)kind };
	struct rm_builder b = { 0 };

	rm_builder_resource(&b, r, sizeof(r));
	rm_builder_str(&b, RM_KEY_SERVICE_NAME, RM_STR("shop"));
	for (int i = 0; resource && resource[i]; i += 2)
		rm_builder_named_str(&b, rm_str_c(resource[i]), rm_str_c(resource[i + 1]));
	rm_builder_end(&b);
	b = (struct rm_builder){ 0 };
	rm_builder_span(&b, memory, sizeof(memory), &head, RM_STR("GET /x"), RM_STR(""));
	for (; attr->text || attr->number; attr++) {
		if (attr->text)
			rm_builder_str(&b, attr->key, rm_str_c(attr->text));
		else
			rm_builder_i64(&b, attr->key, attr->number);
	}
	rm_builder_end(&b);
	return document(style, (const struct rm_record *)r, (const struct rm_span *)memory);
}

RM_TEST("the URL of a request is put together, its sender's address told from a proxy's word")
{
	struct attr direct[] = { { RM_KEY_HTTP_REQUEST_METHOD, "GET", 0 }, { RM_KEY_URL_SCHEME, "http", 0 },
				 { RM_KEY_SERVER_ADDRESS, "api.example", 0 }, { RM_KEY_SERVER_PORT, NULL, 8080 },
				 { RM_KEY_URL_PATH, "/a", 0 }, { RM_KEY_URL_QUERY, "b=c", 0 },
				 { RM_KEY_CLIENT_ADDRESS, "10.0.0.1", 0 }, { RM_KEY_NETWORK_PEER_ADDRESS, "10.0.0.1", 0 },
				 { RM_KEY_HTTP_RESPONSE_STATUS_CODE, NULL, 429 }, { 0 } };
	const char *text = made(NULL, RM_KIND_SERVER, direct, NULL);

	RM_CHECK(has(text, "\"http\":{\"request\":{\"method\":\"GET\",\"url\":\"http://api.example:8080/a?b=c\","
			   "\"client_ip\":\"10.0.0.1\"},\"response\":{\"status\":429}},"
			   "\"error\":true,\"throttle\":true,"));
	direct[3].number = 80;
	direct[7].text = "10.9.9.9";
	text = made(NULL, RM_KIND_SERVER, direct, NULL);
	RM_CHECK(has(text, "\"url\":\"http://api.example/a?b=c\",\"client_ip\":\"10.0.0.1\",\"x_forwarded_for\":true}"));
}

RM_TEST("a database call says what it asked where, never with a literal of its own making")
{
	static const struct attr query[] = { { RM_KEY_DB_SYSTEM_NAME, "postgresql", 0 },
					     { RM_KEY_SERVER_ADDRESS, "db", 0 }, { RM_KEY_SERVER_PORT, NULL, 5432 },
					     { RM_KEY_DB_NAMESPACE, "shop", 0 },
					     { RM_KEY_DB_QUERY_TEXT, "SELECT ?", 0 },
					     { RM_KEY_ERROR_TYPE, "timeout", 0 }, { 0 } };
	const char *text = made(NULL, RM_KIND_CLIENT, query, NULL);

	RM_CHECK(has(text, "{\"name\":\"db\","));
	RM_CHECK(has(text, "\"sql\":{\"url\":\"postgresql://db:5432/shop\",\"database_type\":\"postgresql\","
			   "\"sanitized_query\":\"SELECT ?\"}"));
	RM_CHECK(has(text, "\"cause\":{\"exceptions\":[{\"id\":\"0200000000000000\",\"type\":\"timeout\",\"remote\":true}]}"));
}

RM_TEST("segments are named by the setting, or after the host where that fits the pattern")
{
	static const struct attr host[] = { { RM_KEY_SERVER_ADDRESS, "api.Cruddur.com", 0 }, { 0 } };
	struct rm_xray_style style = { .name = RM_STR("back(end)! \xc3\xa9") };

	RM_CHECK(has(made(&style, RM_KIND_SERVER, host, NULL), "{\"name\":\"backend \xc3\xa9\","));
	style.host_pattern = RM_STR("*.cruddur.*");
	RM_CHECK(has(made(&style, RM_KIND_SERVER, host, NULL), "{\"name\":\"api.Cruddur.com\","));
	style.host_pattern = RM_STR("*.other.*");
	RM_CHECK(has(made(&style, RM_KIND_SERVER, host, NULL), "{\"name\":\"backend \xc3\xa9\","));
}

RM_TEST("a name is cut at 200 bytes, not in the middle of a character")
{
	struct rm_xray_style style;
	char name[300], expected[256];

	memset(name, 'a', sizeof(name));
	memcpy(name + 199, "\xc3\xa9", 2);
	style = (struct rm_xray_style){ .name = { name, sizeof(name) } };
	snprintf(expected, sizeof(expected), "{\"name\":\"%.199s\",", name);
	RM_CHECK(has(made(&style, RM_KIND_SERVER, (struct attr[]){ { 0 } }, NULL), expected));
}

RM_TEST("chosen attributes can be searched by")
{
	static const struct attr attrs[] = { { RM_KEY_HTTP_REQUEST_METHOD, "GET", 0 },
					     { RM_KEY_HTTP_RESPONSE_STATUS_CODE, NULL, 200 }, { 0 } };
	static const char *const resource[] = { "team.name", "a", NULL };
	struct rm_xray_style style = { .annotations = RM_STR("http.request.*, team.name") };

	RM_CHECK(has(made(&style, RM_KIND_SERVER, attrs, resource),
		     "\"annotations\":{\"http_request_method\":\"GET\",\"team_name\":\"a\"},\"metadata\""));
}

RM_TEST("where in AWS a service runs is its origin")
{
	static const struct {
		const char *resource[9], *expected;
	} rows[] = {
		{ { "cloud.platform", "aws_ecs", "aws.ecs.launchtype", "FARGATE", "container.name", "c" },
		  "\"origin\":\"AWS::ECS::Fargate\",\"service\":{},\"aws\":{\"ecs\":{\"container\":\"c\",\"launch_type\":\"FARGATE\"}," },
		{ { "cloud.platform", "aws_ec2", "host.id", "i-1", "cloud.account.id", "42" },
		  "\"origin\":\"AWS::EC2::Instance\",\"service\":{},\"aws\":{\"account_id\":\"42\",\"ec2\":{\"instance_id\":\"i-1\"}," },
		{ { "cloud.platform", "aws_ec2", "host.id", "3d1219c7c4c5404aaa1f6d2a48adfda4", "host.type", "t3.micro" },
		  "\"aws\":{\"ec2\":{\"instance_size\":\"t3.micro\"}," },
		{ { "cloud.platform", "aws_elastic_beanstalk", "service.instance.id", "5bc118eb-d3af-4db2-9cec-c3bd056ff2cc" },
		  "\"aws\":{\"elastic_beanstalk\":{}," },
		{ { "cloud.platform", "aws_elastic_beanstalk", "service.instance.id", "32", "deployment.environment.name", "e" },
		  "\"aws\":{\"elastic_beanstalk\":{\"environment_name\":\"e\",\"deployment_id\":32}," },
		{ { "cloud.platform", "aws_elastic_beanstalk", "remora.beanstalk.deployment_id", "7", "host.id", "i-1" },
		  "\"aws\":{\"ec2\":{\"instance_id\":\"i-1\"},\"elastic_beanstalk\":{\"deployment_id\":7}," },
		{ { "cloud.platform", "aws_eks", "k8s.pod.name", "p", "service.version", "7" },
		  "\"origin\":\"AWS::EKS::Container\",\"service\":{\"version\":\"7\"},\"aws\":{\"eks\":{\"pod\":\"p\"}," },
		{ { "cloud.platform", "gcp_compute_engine" }, ",\"service\":{},\"aws\":{\"xray\"" },
		{ { "aws.log.group.names", "a&b" }, "\"cloudwatch_logs\":[{\"log_group\":\"a\"},{\"log_group\":\"b\"}]" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		RM_CHECK(has(made(NULL, RM_KIND_SERVER, (struct attr[]){ { 0 } }, rows[i].resource), rows[i].expected));
}

/* A CLIENT span with an attribute of `n` bytes. */
static const struct rm_span *long_span(struct rm_str key, size_t n)
{
	static _Alignas(8) char memory[160 * 1024];
	static char value[128 * 1024];
	struct rm_span head = { .trace_id = { 1 }, .span_id = { 2 }, .parent_id = { 3 }, .kind = RM_KIND_CLIENT };
	struct rm_builder b = { 0 };

	memset(value, 'v', sizeof(value));
	rm_builder_span(&b, memory, sizeof(memory), &head, RM_STR("x"), RM_STR(""));
	rm_builder_str(&b, RM_KEY_HTTP_REQUEST_METHOD, RM_STR("GET"));
	rm_builder_named_str(&b, key, (struct rm_str){ value, n });
	rm_builder_end(&b);
	return (const struct rm_span *)memory;
}

RM_TEST("what would be too long goes without metadata and says so; what still is does not go")
{
	const struct rm_record *resource = (const struct rm_record *)sample.resource[0];
	const char *text;

	sample_init(&sample);
	text = document(NULL, resource, long_span(RM_STR("user.note"), 63000));
	RM_CHECK(has(text, "\"metadata\":"));
	text = document(NULL, resource, long_span(RM_STR("user.note"), 64000));
	RM_CHECK(has(text, "\"annotations\":{\"remora_metadata_left_out\":true}}"));
	RM_CHECK(text && !strstr(text, "metadata\":"));
	RM_CHECK(!document(NULL, resource, long_span(RM_STR("url.full"), 64000)));
}

RM_TEST("the daemon's address has two forms")
{
	static const struct {
		const char *text, *host;
		unsigned port;
	} rows[] = {
		{ "127.0.0.1:2000", "127.0.0.1", 2000 },
		{ "xray-daemon:2000", "xray-daemon", 2000 },
		{ "[::1]:65535", "::1", 65535 },
		{ "tcp:127.0.0.1:2000 udp:10.0.0.2:3000", "10.0.0.2", 3000 },
		{ "udp:10.0.0.2:3000  tcp:x:1", "10.0.0.2", 3000 },
		{ "udp:10.0.0.2:3000", NULL, 0 },
		{ "udp:a:1 udp:b:2", NULL, 0 },
		{ "127.0.0.1", NULL, 0 },
		{ "127.0.0.1:0", NULL, 0 },
		{ "127.0.0.1:65536", NULL, 0 },
		{ ":2000", NULL, 0 },
		{ "::1:2000", NULL, 0 },
		{ "", NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rm_xray_address a;
		bool good = rm_xray_address(rm_str_c(rows[i].text), &a);

		RM_CHECK(good == (rows[i].host != NULL));
		if (good)
			RM_CHECK(strcmp(a.host, rows[i].host) == 0 && a.port == rows[i].port);
	}
}

/* ---- datagrams ---- */

static int daemon_start(char *setting, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(a);

	RM_CHECK(bind(fd, (struct sockaddr *)&a, len) == 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	snprintf(setting, n, "AWS_XRAY_DAEMON_ADDRESS=localhost:%d", ntohs(a.sin_port));
	return fd;
}

static void export_sample(void *state, struct rm_export_result *ret)
{
	struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + 30000000000ull };

	sample_init(&sample);
	rm_exporter_xray.export(state, &sample.batch, &io, ret);
}

RM_TEST("each span is a datagram of a header and a document; without a daemon the batch is to be sent again")
{
	static struct rm_env env;
	static char data[65536];
	char setting[64], *settings[] = { setting, NULL };
	int fd = daemon_start(setting, sizeof(setting));
	struct rm_export_result result;
	void *state;

	rm_log_init(0, RM_LEVEL_NONE);
	rm_env_load(&env, settings, NULL);
	RM_CHECK(rm_exporter_xray.open(&env, &state) == RM_OK);
	export_sample(state, &result);
	RM_CHECK(result.code == RM_EXPORT_DONE && result.rejected == 0);
	for (int i = 0; i < SAMPLE_SPANS; i++) {
		ssize_t n = recv(fd, data, sizeof(data) - 1, MSG_DONTWAIT);

		data[n > 0 ? n : 0] = '\0';
		RM_CHECK(strncmp(data, "{\"format\": \"json\", \"version\": 1}\n{\"name\":\"", 42) == 0);
	}
	RM_CHECK(recv(fd, data, sizeof(data), MSG_DONTWAIT) < 0);
	close(fd);
	export_sample(state, &result);
	RM_CHECK(result.code == RM_EXPORT_RETRY);
	RM_CHECK_STR(rm_str_c(result.message), "localhost: nobody takes datagrams at this port");
	rm_exporter_xray.close(state);
}
