/*
 * OTLP: both encodings of the sample batch, what backends answer, and the settings. The protobuf
 * form is compared with a second implementation, the agent's encoder for last words.
 */
#include <stdlib.h>

#include "agent/otlp_wire.h"
#include "base/err.h"
#include "base/log.h"
#include "base/segment.h"
#include "exporters/otlp_answer.h"
#include "exporters/otlp_config.h"
#include "exporters/otlp_json.h"
#include "exporters/otlp_proto.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"
#include "trace_service.pb-c.h"

static struct sample sample;
static struct rm_env env;

/* ---- encodings ---- */

/* What the agent's own encoder makes of a batch with one resource. */
static struct rm_str wire(const struct rm_batch *batch)
{
	static char memory[16 * 1024];
	struct rm_otlp_wire w;

	rm_otlp_begin(&w, memory, sizeof(memory), batch->groups[0].resource);
	for (uint32_t i = 0; i < batch->span_count; i++)
		RM_CHECK(rm_otlp_span(&w, batch->groups[0].spans[i]) == RM_OK);
	return rm_otlp_end(&w);
}

RM_TEST("protobuf: the exporter and the agent's last words write the same bytes")
{
	struct rm_batch batch;
	uint8_t *bytes = NULL;
	struct rm_str other;
	size_t n = 0;

	sample_init(&sample);
	batch = (struct rm_batch){ sample.groups, 1, 2 };
	other = wire(&batch);
	RM_CHECK(rm_otlp_proto(&batch, 1 << 20, &bytes, &n) == RM_OK);
	RM_CHECK(n == other.n && memcmp(bytes, other.p, n) == 0);
	free(bytes);
}

RM_TEST("protobuf: a small batch is these bytes")
{
	/* Checked with `protoc-c --decode`. Between the two stands the scope with our version. */
	static const char resource[] = "0a530a170a0c736572766963652e6e616d6512070a0573746f636b0a250"
				       "a1b6465706c6f796d656e742e656e76"
				       "69726f6e6d656e742e6e616d6512060a04746573740a110a0b70726f636"
				       "573732e7069641202182b12";
	static const char span[] = "123c0a100af7651916cd43dd8448eb211c80319c120801020304050607012a0"
				   "4504f535430033900cc30fbfaeb6f"
				   "154100ad2601fbeb6f15850101010000";
	static char hex[1024];
	struct rm_batch batch;
	uint8_t *bytes = NULL;
	size_t n = 0;

	sample_init(&sample);
	batch = (struct rm_batch){ sample.groups + 1, 1, 1 };
	RM_CHECK(rm_otlp_proto(&batch, 1 << 20, &bytes, &n) == RM_OK);
	RM_CHECK(2 * n < sizeof(hex) && 2 * n > strlen(resource) + strlen(span));
	rm_hex_encode(bytes, n, hex);
	RM_CHECK(strncmp(hex + 6, resource, strlen(resource)) == 0);
	RM_CHECK(strcmp(hex + 2 * n - strlen(span), span) == 0);
	free(bytes);
}

static Otlp__KeyValue *attribute(const Otlp__Span *s, size_t i)
{
	return otlp__key_value__unpack(NULL, s->attributes[i].len, s->attributes[i].data);
}

/* What protobuf-c itself makes of an attribute that it has read. */
static bool packs_to_the_same(const Otlp__KeyValue *kv, ProtobufCBinaryData got)
{
	uint8_t *again = malloc(otlp__key_value__get_packed_size(kv) + 1);
	size_t n = otlp__key_value__pack(kv, again);
	bool same = n == got.len && memcmp(again, got.data, n) == 0;

	free(again);
	return same;
}

RM_TEST("protobuf: attributes of every kind and length are those that protobuf-c packs")
{
	static _Alignas(8) char memory[RM_RECORD_MAX_BYTES];
	static char long_text[9000];
	const struct rm_span *span = (const struct rm_span *)memory;
	static const size_t lengths[] = { 1, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 300, 9000 };
	static const int64_t numbers[] = { 0, 1, 127, 128, 16383, 16384, INT64_MAX, -1, INT64_MIN };
	struct rm_str list[2] = { RM_STR("one"), RM_STR("tw\xc3\xb6") };

	memset(long_text, 'k', sizeof(long_text));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct rm_str key = { long_text, lengths[i] < 255 ? lengths[i] : 255 };
		Otlp__ExportTraceServiceRequest *r;
		struct rm_builder b = { 0 };
		struct rm_batch_group group;
		uint8_t *bytes = NULL;
		Otlp__Span *s;
		size_t n = 0;

		sample_init(&sample);
		rm_builder_span(&b, memory, sizeof(memory), sample.spans[1], RM_STR("n"), RM_STR(""));
		rm_builder_named_str(&b, key, (struct rm_str){ long_text, lengths[i] });
		rm_builder_named_strs(&b, key, list, 2);
		for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
			rm_builder_i64(&b, RM_KEY_SERVER_PORT, numbers[k]);
		rm_builder_end(&b);
		group = (struct rm_batch_group){ sample.groups[0].resource, &span, 1 };
		RM_CHECK(rm_otlp_proto(&(struct rm_batch){ &group, 1, 1 }, 1 << 20, &bytes, &n) == RM_OK);
		r = otlp__export_trace_service_request__unpack(NULL, n, bytes);
		RM_CHECK(r && r->resource_spans[0]->scope_spans[0]->spans[0]->n_attributes == 11);
		s = r->resource_spans[0]->scope_spans[0]->spans[0];
		for (size_t k = 0; k < s->n_attributes; k++) {
			Otlp__KeyValue *kv = attribute(s, k);

			RM_CHECK(kv && packs_to_the_same(kv, s->attributes[k]));
			if (k == 0)
				RM_CHECK(strlen(kv->key) == key.n && strlen(kv->value->string_value) == lengths[i]);
			if (k == 1)
				RM_CHECK_STR(rm_str_c(kv->value->array_value->values[1]->string_value), "tw\xc3\xb6");
			if (k > 1)
				RM_CHECK(kv->value->int_value == numbers[k - 2]);
			otlp__key_value__free_unpacked(kv, NULL);
		}
		otlp__export_trace_service_request__free_unpacked(r, NULL);
		free(bytes);
	}
}

RM_TEST("protobuf: text that is not UTF-8, or holds NUL, is replaced")
{
	static const char raw[] = "a\0b\xc3\x28\xed\xa0\x80z";
	static _Alignas(8) char memory[SAMPLE_CAP];
	const struct rm_span *span = (const struct rm_span *)memory;
	Otlp__ExportTraceServiceRequest *r;
	struct rm_builder b = { 0 };
	struct rm_batch_group group;
	uint8_t *bytes = NULL;
	size_t n = 0;

	sample_init(&sample);
	rm_builder_span(&b, memory, SAMPLE_CAP, sample.spans[1], RM_STR("n"), RM_STR(""));
	rm_builder_str(&b, RM_KEY_URL_PATH, (struct rm_str){ raw, sizeof(raw) - 1 });
	rm_builder_end(&b);
	group = (struct rm_batch_group){ sample.groups[0].resource, &span, 1 };
	RM_CHECK(rm_otlp_proto(&(struct rm_batch){ &group, 1, 1 }, 1 << 20, &bytes, &n) == RM_OK);
	r = otlp__export_trace_service_request__unpack(NULL, n, bytes);
	RM_CHECK(r != NULL);
	if (r) {
		Otlp__Span *s = r->resource_spans[0]->scope_spans[0]->spans[0];

		Otlp__KeyValue *kv = attribute(s, 0);

		RM_CHECK_STR(rm_str_c(kv->value->string_value),
			     "a\xef\xbf\xbd"
			     "b\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");
		otlp__key_value__free_unpacked(kv, NULL);
		otlp__export_trace_service_request__free_unpacked(r, NULL);
	}
	free(bytes);
}

RM_TEST("protobuf: a message over the limit is not made")
{
	uint8_t *bytes = NULL;
	size_t n = 0;

	sample_init(&sample);
	RM_CHECK(rm_otlp_proto(&sample.batch, 100, &bytes, &n) == RM_E_RANGE);
	RM_CHECK(!bytes && n == 0);
}

RM_TEST("JSON: the sample batch is this line")
{
	struct rm_json j;

	sample_init(&sample);
	rm_json_init(&j);
	rm_otlp_json(&j, &sample.batch);
	RM_CHECK(!j.failed);
	RM_CHECK_STR(
		((struct rm_str){ j.p, j.n }),
		"{\"resourceSpans\":[{\"resource\":{\"attributes\":["
		"{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}},"
		"{\"key\":\"deployment.environment.name\",\"value\":{\"stringValue\":\"test\"}},"
		"{\"key\":\"process.pid\",\"value\":{\"intValue\":\"42\"}}]},"
		"\"scopeSpans\":[{\"scope\":{\"name\":\"remora\",\"version\":\"" REMORA_VERSION
		"\"},\"spans\":["
		"{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\","
		"\"traceState\":\"congo=t61rcWkgMzE\",\"parentSpanId\":\"00f067aa0ba902b7\","
		"\"flags\":771,"
		"\"name\":\"GET "
		"/caf\xc3\xa9\",\"kind\":2,\"startTimeUnixNano\":\"1544712660300000123\","
		"\"endTimeUnixNano\":\"1544712660600000456\",\"attributes\":["
		"{\"key\":\"http.request.method\",\"value\":{\"stringValue\":\"GET\"}},"
		"{\"key\":\"url.query\",\"value\":{\"stringValue\":\"bad=\xef\xbf\xbd\xef\xbf\xbd&"
		"good=\xe2\x82\xac\"}},"
		"{\"key\":\"http.request.header.accept-encoding\",\"value\":{\"arrayValue\":{"
		"\"values\":["
		"{\"stringValue\":\"gzip\"},{\"stringValue\":\"br\"}]}}},"
		"{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":\"500\"}},"
		"{\"key\":\"http.request.body.size\",\"value\":{\"intValue\":\"-9007199254740993\"}"
		"},"
		"{\"key\":\"server.port\",\"value\":{\"doubleValue\":0.5}},"
		"{\"key\":\"client.address\",\"value\":{\"boolValue\":true}}],"
		"\"droppedAttributesCount\":1,\"status\":{\"code\":2}},"
		"{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"0102030405060700\","
		"\"parentSpanId\":\"b7ad6b7169203331\",\"flags\":257,\"name\":\"POST\",\"kind\":3,"
		"\"startTimeUnixNano\":\"1544712660400000000\",\"endTimeUnixNano\":"
		"\"1544712660500000000\"}]}]},"
		"{\"resource\":{\"attributes\":["
		"{\"key\":\"service.name\",\"value\":{\"stringValue\":\"stock\"}},"
		"{\"key\":\"deployment.environment.name\",\"value\":{\"stringValue\":\"test\"}},"
		"{\"key\":\"process.pid\",\"value\":{\"intValue\":\"43\"}}]},"
		"\"scopeSpans\":[{\"scope\":{\"name\":\"remora\",\"version\":\"" REMORA_VERSION
		"\"},\"spans\":["
		"{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"0102030405060701\","
		"\"flags\":257,\"name\":\"POST\",\"kind\":3,"
		"\"startTimeUnixNano\":\"1544712660400000000\",\"endTimeUnixNano\":"
		"\"1544712660500000000\"}]}]}]}\n");
	rm_json_free(&j);
}

/* ---- answers ---- */

static struct rm_otlp_answer answer(struct rm_str body, bool is_json, bool is_success)
{
	struct rm_otlp_answer a;

	rm_otlp_answer(body, is_json, is_success, &a);
	return a;
}

RM_TEST("answers: a partial success in protobuf")
{
	struct rm_otlp_answer a = answer(RM_STR("\x0a\x06\x08\x02\x12\x02no"), false, true);

	RM_CHECK(a.rejected == 2);
	RM_CHECK_STR(rm_str_c(a.message), "no");
	RM_CHECK(answer(RM_STR(""), false, true).rejected == 0);
	RM_CHECK(answer(RM_STR("\x0a\x00"), false, true).rejected == 0);
	RM_CHECK(answer(RM_STR("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false, true)
			 .rejected == 0);
	RM_CHECK(answer(RM_STR("<html>"), false, true).rejected == 0);
}

RM_TEST("answers: a partial success in JSON, the number as number or string")
{
	struct rm_otlp_answer a = answer(
		RM_STR("{ \"x\": [1,{\"rejectedSpans\":9},\"}\"], \"partialSuccess\" : "
		       "{\"errorMessage\":\"too \\\"old\\\"\", \"rejectedSpans\": \"3\"} }"),
		true, true);

	RM_CHECK(a.rejected == 3);
	RM_CHECK_STR(rm_str_c(a.message), "too \\\"old\\\"");
	RM_CHECK(answer(RM_STR("{\"partialSuccess\":{\"rejectedSpans\":7 } }"), true, true)
			 .rejected == 7);
	RM_CHECK(answer(RM_STR("{\"partialSuccess\":{}}"), true, true).rejected == 0);
	RM_CHECK(answer(RM_STR("{\"partialSuccess\":{\"rejectedSpans\":-1}}"), true, true)
			 .rejected == 0);
}

RM_TEST("answers: what is no JSON is survived, wherever it breaks off")
{
	struct rm_str whole = RM_STR(
		"{\"a\":{\"b\":[\"\\\"\",1]},\"partialSuccess\":{\"rejectedSpans\":\"3\"}}");

	for (size_t n = 0; n < whole.n; n++) {
		char *tight = malloc(n + 1);

		memcpy(tight, whole.p, n);
		RM_CHECK(answer((struct rm_str){ tight, n }, true, true).rejected <= 3);
		answer((struct rm_str){ tight, n }, true, false);
		free(tight);
	}
	RM_CHECK(answer(RM_STR("]]]]"), true, true).rejected == 0);
	RM_CHECK(answer(RM_STR("{\"partialSuccess\" 3}"), true, true).rejected == 0);
}

RM_TEST("answers: the message of an error, as Status or as whatever came")
{
	RM_CHECK_STR(rm_str_c(answer(RM_STR("\x08\x03\x12\x03"
					    "bad"),
				     false, false)
				      .message),
		     "bad");
	RM_CHECK_STR(rm_str_c(answer(RM_STR("not found\n"), false, false).message), "not found\n");
	RM_CHECK_STR(
		rm_str_c(answer(RM_STR("{\"code\":3,\"message\":\"bad\"}"), true, false).message),
		"bad");
	RM_CHECK_STR(rm_str_c(answer(RM_STR("{\"error\":1}"), true, false).message),
		     "{\"error\":1}");
}

/* ---- settings ---- */

static struct rm_otlp_config config(char *const *settings)
{
	struct rm_otlp_config c = { 0 };

	rm_log_init(0, RM_LEVEL_NONE);
	rm_env_load(&env, settings, NULL);
	RM_CHECK(rm_otlp_config(&env, &c) == RM_OK);
	return c;
}

#define CONFIG(...) config((char *[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static bool has_header(const struct rm_otlp_config *c, const char *line)
{
	for (uint32_t i = 0; i < c->header_count; i++)
		if (strcmp(c->header[i], line) == 0)
			return true;
	return false;
}

RM_TEST("settings: the URL that each endpoint gives")
{
	static const struct {
		const char *base, *traces, *url;
	} rows[] = {
		{ "", "", "http://localhost:4318/v1/traces" },
		{ "http://h:1", "", "http://h:1/v1/traces" },
		{ "http://h:1/", "", "http://h:1/v1/traces" },
		{ "https://h/a", "", "https://h/a/v1/traces" },
		{ "https://h/a/", "", "https://h/a/v1/traces" },
		{ " HTTP://h/a?k=v#f ", "", "http://h/a/v1/traces?k=v" },
		{ "http://h", "http://t/exactly/", "http://t/exactly/" },
		{ "http://h", "http://t", "http://t/" },
		{ "http://h", "t:4318", "http://h/v1/traces" },
		{ "localhost:4318", "", "http://localhost:4318/v1/traces" },
		{ "ftp://h", "", "http://localhost:4318/v1/traces" },
		{ "http://", "", "http://localhost:4318/v1/traces" },
		{ "http://[::1]:4318", "", "http://[::1]:4318/v1/traces" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char base[128], traces[128];
		struct rm_otlp_config c;

		snprintf(base, sizeof(base), "OTEL_EXPORTER_OTLP_ENDPOINT=%s", rows[i].base);
		snprintf(traces, sizeof(traces), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=%s",
			 rows[i].traces);
		c = CONFIG(base, traces);
		RM_CHECK_STR(rm_str_c(c.endpoint.url), rows[i].url);
		rm_otlp_config_free(&c);
	}
}

RM_TEST("settings: messages show no password and no query")
{
	struct rm_otlp_config c = CONFIG(
		"OTEL_EXPORTER_OTLP_ENDPOINT=https://me:secret@h:1/?token=x");

	RM_CHECK_STR(rm_str_c(c.endpoint.url), "https://me:secret@h:1/v1/traces?token=x");
	RM_CHECK_STR(rm_str_c(c.endpoint.shown), "https://h:1/v1/traces");
	rm_otlp_config_free(&c);
}

RM_TEST("settings: what a backend says is looked through for the keys it was sent")
{
	struct rm_otlp_config c = CONFIG(
		"OTEL_EXPORTER_OTLP_ENDPOINT=https://me12:secret@h:1/?token=x1",
		"OTEL_EXPORTER_OTLP_HEADERS=api-key=abc%3Ddef,authorization=Bearer%20k123,x-short=no");
	static const char *const told[] = { "abc=def", "<p>k123</p>", "Bearer k123", "secret", "who is me12?",
					    "?token=x1" };
	static const char *const harmless[] = { "", "no", "Bearer", "abc", "h:1", "application/x-protobuf" };

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		RM_CHECK(rm_secrets_are_told(&c.secrets, rm_str_c(told[i])));
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		RM_CHECK(!rm_secrets_are_told(&c.secrets, rm_str_c(harmless[i])));
	rm_otlp_config_free(&c);
}

RM_TEST("settings: headers are decoded; wrong ones and ours are left out")
{
	struct rm_otlp_config c = CONFIG(
		"OTEL_EXPORTER_OTLP_HEADERS=x-honeycomb-team=abc%3D%2C, x-b = a%20b ,empty=,"
		"bad name=1,evil=a%0d%0ab,half=%4,noequals,Content-Type=text/plain");

	RM_CHECK(has_header(&c, "x-honeycomb-team: abc=,"));
	RM_CHECK(has_header(&c, "x-b: a b"));
	RM_CHECK(has_header(&c, "empty;"));
	RM_CHECK(has_header(&c, "Content-Type: application/x-protobuf"));
	RM_CHECK(has_header(&c, "User-Agent: remora/" REMORA_VERSION
				" OTel-OTLP-Exporter-C/" REMORA_VERSION));
	RM_CHECK(c.header_count == 5);
	rm_otlp_config_free(&c);
}

RM_TEST("settings: more headers than there is room for are left out, ours are sent")
{
	char text[1024] = "OTEL_EXPORTER_OTLP_HEADERS=";
	struct rm_otlp_config c;

	for (int i = 0; i < 40; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "h%d=1,", i);
	c = CONFIG(text, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip");
	RM_CHECK(c.header_count == RM_OTLP_HEADERS_MAX);
	RM_CHECK(has_header(&c, "Content-Encoding: gzip"));
	rm_otlp_config_free(&c);
}

RM_TEST("settings: those for traces win, each by itself; a User-Agent of the user's replaces ours")
{
	struct rm_otlp_config c = CONFIG(
		"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json",
		"OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=none",
		"OTEL_EXPORTER_OTLP_TIMEOUT=1", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=2",
		"OTEL_EXPORTER_OTLP_HEADERS=a=1",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS=User-Agent=me");

	RM_CHECK(c.json && !c.gzip && c.timeout_ns == 2000000);
	RM_CHECK(c.header_count == 2);
	RM_CHECK(has_header(&c, "User-Agent: me") &&
		 has_header(&c, "Content-Type: application/json"));
	rm_otlp_config_free(&c);
}

RM_TEST("settings: certificates are for https, a client's key and certificate come together")
{
	struct rm_otlp_config c = CONFIG("OTEL_EXPORTER_OTLP_CERTIFICATE=/ca",
					 "OTEL_EXPORTER_OTLP_CLIENT_KEY=/k",
					 "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=/c");

	RM_CHECK(!c.ca_file && !c.client_key && !c.client_cert && c.timeout_ns == 10000000000);
	rm_otlp_config_free(&c);
	c = CONFIG("OTEL_EXPORTER_OTLP_ENDPOINT=https://h", "OTEL_EXPORTER_OTLP_CERTIFICATE=/ca",
		   "OTEL_EXPORTER_OTLP_CLIENT_KEY=/k",
		   "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE=/c");
	RM_CHECK_STR(rm_str_c(c.ca_file), "/ca");
	RM_CHECK_STR(rm_str_c(c.client_key), "/k");
	RM_CHECK_STR(rm_str_c(c.client_cert), "/c");
	rm_otlp_config_free(&c);
	c = CONFIG("OTEL_EXPORTER_OTLP_ENDPOINT=https://h", "OTEL_EXPORTER_OTLP_CLIENT_KEY=/k");
	RM_CHECK(!c.client_key);
	rm_otlp_config_free(&c);
}
