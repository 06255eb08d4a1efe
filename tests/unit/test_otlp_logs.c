/* OTLP's logs: encodings, as bytes and as text, and the settings that are theirs. */
#include <stdlib.h>
#include <string.h>

#include "agent/otlp_wire.h"
#include "base/err.h"
#include "base/segment.h"
#include "exporters/otlp_config.h"
#include "exporters/otlp_logs.h"
#include "exporters/otlp_proto.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"

static struct sample sample;
static struct rm_env env;

RM_TEST("protobuf is the groups one after the other, as the agent encodes them")
{
	static char want[16 * 1024];
	uint8_t *bytes = NULL;
	size_t n = 0, at = 0;

	sample_init(&sample);
	for (int i = 0; i < 2; i++) {
		const struct rm_batch_group *g = &sample.log_groups[i];
		struct rm_otlp_wire w;

		rm_otlp_begin(&w, want + at, sizeof(want) - at, g->resource);
		for (uint32_t k = 0; k < g->log_count; k++)
			RM_CHECK(rm_otlp_log(&w, g->logs[k]) == RM_OK);
		at += rm_otlp_end(&w).n;
	}
	RM_CHECK(rm_otlp_proto(&sample.log_batch, 1 << 20, &bytes, &n) == RM_OK);
	RM_CHECK(n == at && memcmp(bytes, want, n) == 0);
	free(bytes);
	bytes = NULL;
	RM_CHECK(rm_otlp_proto(&sample.log_batch, 100, &bytes, &n) == RM_E_RANGE && !bytes);
}

RM_TEST("there is always room for what a record can become")
{
	static char text[RM_RECORD_MAX_BYTES - 256];
	static _Alignas(8) char memory[RM_RECORD_MAX_BYTES];
	const struct rm_log head = { .observed_ns = UINT64_MAX, .time_ns = UINT64_MAX, .severity = 24, .trace_flags = 255,
				     .trace_id = { 1 }, .span_id = { 1 } };
	const struct rm_log *log = (const struct rm_log *)memory;
	struct rm_builder b = { 0 };
	struct rm_batch_group group;
	uint8_t *bytes = NULL;
	size_t n = 0;

	sample_init(&sample);
	group = (struct rm_batch_group){ .resource = sample.groups[0].resource, .logs = &log, .log_count = 1 };
	/* Nothing but bytes that each become three. */
	memset(text, 0xff, sizeof(text));
	rm_builder_log(&b, memory, sizeof(memory), &head, RM_STR("\xff"), RM_STR("\xff"), (struct rm_str){ text, sizeof(text) });
	rm_builder_end(&b);
	RM_CHECK(rm_otlp_proto(&(struct rm_batch){ .groups = &group, .group_count = 1, .log_count = 1 }, 1 << 20, &bytes, &n) == RM_OK);
	RM_CHECK(n > 3 * sizeof(text));
	free(bytes);
	/* Attributes whose names are a number in the record, and lists of nothing. */
	rm_builder_log(&b, memory, sizeof(memory), &head, RM_STR(""), RM_STR(""), RM_STR(""));
	for (int i = 0; i < 100; i++)
		rm_builder_i64(&b, RM_KEY_MESSAGING_RABBITMQ_ROUTING_KEY, -1);
	for (int i = 0; i < 20; i++)
		rm_builder_named_strs(&b, RM_STR("k"), (struct rm_str[100]){ { "", 0 } }, 100);
	rm_builder_end(&b);
	RM_CHECK(rm_otlp_proto(&(struct rm_batch){ .groups = &group, .group_count = 1, .log_count = 1 }, 1 << 20, &bytes, &n) == RM_OK);
	free(bytes);
}

RM_TEST("JSON is this line")
{
	struct rm_json j;

	sample_init(&sample);
	rm_json_init(&j);
	rm_otlp_json_logs(&j, &sample.log_batch);
	RM_CHECK(!j.failed);
	RM_CHECK_STR(((struct rm_str){ j.p, j.n }),
		"{\"resourceLogs\":[{\"resource\":{\"attributes\":["
		"{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}},"
		"{\"key\":\"deployment.environment.name\",\"value\":{\"stringValue\":\"test\"}},"
		"{\"key\":\"process.pid\",\"value\":{\"intValue\":\"42\"}}]},"
		"\"scopeLogs\":[{\"scope\":{\"name\":\"remora\",\"version\":\"" REMORA_VERSION "\"},\"logRecords\":["
		"{\"timeUnixNano\":\"1544712660300000123\",\"observedTimeUnixNano\":\"1544712660300000456\","
		"\"severityNumber\":17,\"severityText\":\"ERR\",\"body\":{\"stringValue\":\"caf\xc3\xa9 \xef\xbf\xbd\\nat line 2\"},"
		"\"attributes\":[{\"key\":\"error.type\",\"value\":{\"stringValue\":\"ValueError\"}},"
		"{\"key\":\"tags\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"},{\"stringValue\":\"\"}]}}},"
		"{\"key\":\"process.pid\",\"value\":{\"intValue\":\"7\"}}],\"droppedAttributesCount\":1,\"flags\":1,"
		"\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\",\"eventName\":\"exception\"},"
		"{\"observedTimeUnixNano\":\"1544712660400000000\",\"body\":{\"stringValue\":\"one\"}}]}]},"
		"{\"resource\":{\"attributes\":["
		"{\"key\":\"service.name\",\"value\":{\"stringValue\":\"stock\"}},"
		"{\"key\":\"deployment.environment.name\",\"value\":{\"stringValue\":\"test\"}},"
		"{\"key\":\"process.pid\",\"value\":{\"intValue\":\"43\"}}]},"
		"\"scopeLogs\":[{\"scope\":{\"name\":\"remora\",\"version\":\"" REMORA_VERSION "\"},\"logRecords\":["
		"{\"observedTimeUnixNano\":\"1544712660400000000\",\"body\":{\"stringValue\":\"\"}}]}]}]}\n");
	rm_json_free(&j);
}

static bool has_header(const struct rm_otlp_config *c, const char *line)
{
	for (uint32_t i = 0; i < c->header_count; i++)
		if (strcmp(c->header[i], line) == 0)
			return true;
	return false;
}

RM_TEST("variables of logs win over the general ones, those of traces say nothing")
{
	static char *const settings[] = { "OTEL_EXPORTER_OTLP_ENDPOINT=http://base:1/x", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://traces",
					  "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION=gzip",
					  "OTEL_EXPORTER_OTLP_HEADERS=a=1", "OTEL_EXPORTER_OTLP_LOGS_HEADERS=b=2",
					  "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=7", NULL };
	static char *const exact[] = { "OTEL_EXPORTER_OTLP_ENDPOINT=http://base", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://logs/in", NULL };
	struct rm_otlp_config c = { 0 };

	rm_env_load(&env, settings, NULL);
	RM_CHECK(rm_otlp_config(&env, RM_SIGNAL_LOGS, &c) == RM_OK);
	RM_CHECK_STR(rm_str_c(c.endpoint.url), "http://base:1/x/v1/logs");
	RM_CHECK(c.protocol == RM_OTLP_HTTP_PROTOBUF && c.gzip && c.timeout_ns == 7000000);
	RM_CHECK(has_header(&c, "b: 2") && !has_header(&c, "a: 1"));
	rm_otlp_config_free(&c);
	rm_env_load(&env, exact, NULL);
	RM_CHECK(rm_otlp_config(&env, RM_SIGNAL_LOGS, &c) == RM_OK);
	RM_CHECK_STR(rm_str_c(c.endpoint.url), "http://logs/in");
	rm_otlp_config_free(&c);
	rm_env_load(&env, (char *[]){ "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_LOGS_INSECURE=true",
				      "OTEL_EXPORTER_OTLP_ENDPOINT=h:1", NULL }, NULL);
	RM_CHECK(rm_otlp_config(&env, RM_SIGNAL_LOGS, &c) == RM_OK);
	RM_CHECK_STR(rm_str_c(c.endpoint.url), "http://h:1/opentelemetry.proto.collector.logs.v1.LogsService/Export");
	rm_otlp_config_free(&c);
}
