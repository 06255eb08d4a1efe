/* Zipkin: the bytes of the sample batch. Settings and answers are proven end to end (faults.py). */
#include <stdio.h>

#include "agent/record.h"
#include "exporters/zipkin_json.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"

#define SCOPE "\"otel.scope.name\":\"remora\",\"otel.scope.version\":\"" REMORA_VERSION "\""
#define TRACE "{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\","
#define RESOURCE(pid) "\"deployment.environment.name\":\"test\",\"process.pid\":\"" pid "\","

static struct sample sample;

RM_TEST("each span is an object with Zipkin's own fields, and a tag for everything else")
{
	struct rm_json j;

	sample_init(&sample);
	rm_json_init(&j);
	rm_zipkin_json(&j, &sample.batch);
	RM_CHECK(!j.failed);
	RM_CHECK_STR(((struct rm_str){ j.p, j.n }),
		     "[" TRACE "\"id\":\"b7ad6b7169203331\",\"parentId\":\"00f067aa0ba902b7\","
		     "\"name\":\"GET /caf\xc3\xa9\",\"kind\":\"SERVER\","
		     "\"timestamp\":1544712660300000,\"duration\":300000,"
		     "\"localEndpoint\":{\"serviceName\":\"shop\"},"
		     "\"tags\":{\"service.name\":\"shop\"," RESOURCE("42")
		     "\"http.request.method\":\"GET\","
		     "\"url.query\":\"bad=\xef\xbf\xbd\xef\xbf\xbd&good=\xe2\x82\xac\","
		     "\"http.request.header.accept-encoding\":\"[\\\"gzip\\\",\\\"br\\\"]\","
		     "\"http.response.status_code\":\"500\","
		     "\"http.request.body.size\":\"-9007199254740993\","
		     "\"server.port\":\"0.5\",\"client.address\":\"true\"," SCOPE
		     ",\"otel.status_code\":\"ERROR\",\"error\":\"\","
		     "\"otel.dropped_attributes_count\":\"1\"}},"
		     TRACE "\"id\":\"0102030405060700\",\"parentId\":\"b7ad6b7169203331\","
		     "\"name\":\"POST\",\"kind\":\"CLIENT\","
		     "\"timestamp\":1544712660400000,\"duration\":100000,"
		     "\"localEndpoint\":{\"serviceName\":\"shop\"},"
		     "\"tags\":{\"service.name\":\"shop\"," RESOURCE("42") SCOPE "}},"
		     TRACE "\"id\":\"0102030405060701\","
		     "\"name\":\"POST\",\"kind\":\"CLIENT\","
		     "\"timestamp\":1544712660400000,\"duration\":100000,"
		     "\"localEndpoint\":{\"serviceName\":\"stock\"},"
		     "\"tags\":{\"service.name\":\"stock\"," RESOURCE("43") SCOPE "}}]");
	rm_json_free(&j);
}

RM_TEST("events are annotations, and their attributes JSON in the text of those")
{
	struct rm_json j;

	sample_init(&sample);
	sample_events(sample.span[0]);
	rm_json_init(&j);
	rm_zipkin_json(&j, &sample.batch);
	rm_json_str(&j, RM_STR("")); /* an end for strstr */
	j.p[j.n - 1] = '\0';
	RM_CHECK(strstr(j.p, "\"localEndpoint\":{\"serviceName\":\"shop\"},\"annotations\":[{\"timestamp\":5,"
			     "\"value\":\"\\\"exception\\\":{\\\"exception.type\\\":\\\"KeyError\\\","
			     "\\\"exception.message\\\":\\\"'\xc3\xa9'\\\","));
	RM_CHECK(strstr(j.p, "\\\"}\"},{\"timestamp\":6,\"value\":\"done\"}],\"tags\":{"));
	RM_CHECK(strstr(j.p, "\"otel.dropped_events_count\":\"1\""));
	rm_json_free(&j);
}

/* The JSON of one CLIENT span to these; NULL leaves an attribute out. */
static struct rm_json call(const char *server, const char *peer, int64_t port, uint64_t duration_ns)
{
	static _Alignas(8) char resource[SAMPLE_CAP], memory[SAMPLE_CAP];
	const struct rm_span *span = (const struct rm_span *)memory;
	struct rm_batch_group group = { .resource = (const struct rm_record *)resource, .spans = &span, .span_count = 1 };
	struct rm_span head = { .start_ns = 1000, .end_ns = 1000 + duration_ns, .kind = RM_KIND_CLIENT };
	struct rm_builder b = { 0 };
	struct rm_json j;

	sample_resource(resource, RM_STR("shop"), 1);
	rm_builder_span(&b, memory, SAMPLE_CAP, &head, RM_STR("GET"), RM_STR(""));
	if (server)
		rm_builder_str(&b, RM_KEY_SERVER_ADDRESS, rm_str_c(server));
	if (peer) {
		rm_builder_str(&b, RM_KEY_NETWORK_PEER_ADDRESS, rm_str_c(peer));
		rm_builder_i64(&b, RM_KEY_NETWORK_PEER_PORT, port);
	}
	rm_builder_end(&b);
	rm_json_init(&j);
	rm_zipkin_json(&j, &(struct rm_batch){ .groups = &group, .group_count = 1, .span_count = 1 });
	rm_json_str(&j, RM_STR("")); /* an end for strstr */
	j.p[j.n - 1] = '\0';
	return j;
}

RM_TEST("a call's remote endpoint is named after the server, else after its address")
{
	static const struct {
		const char *server, *peer, *expected;
		int64_t port;
	} rows[] = {
		{ "stock.example", "10.0.0.7", "{\"serviceName\":\"stock.example\",\"ipv4\":\"10.0.0.7\",\"port\":80}", 80 },
		{ NULL, "2001:db8::1", "{\"serviceName\":\"2001:db8::1\",\"ipv6\":\"2001:db8::1\",\"port\":443}", 443 },
		{ "db", "/run/db.sock", "{\"serviceName\":\"db\"}", 0 },
		{ "db", NULL, "{\"serviceName\":\"db\"}", 0 },
		{ NULL, NULL, NULL, 0 },
	};
	char expected[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rm_json j = call(rows[i].server, rows[i].peer, rows[i].port, 5000);

		snprintf(expected, sizeof(expected), "\"remoteEndpoint\":%s,",
			 rows[i].expected ? rows[i].expected : "");
		RM_CHECK(rows[i].expected ? strstr(j.p, expected) != NULL : !strstr(j.p, "remoteEndpoint"));
		rm_json_free(&j);
	}
}

RM_TEST("no duration is 0, which is none to Zipkin")
{
	struct rm_json j = call(NULL, NULL, 0, 499);

	RM_CHECK(strstr(j.p, "\"timestamp\":1,\"duration\":1,") != NULL);
	rm_json_free(&j);
}
