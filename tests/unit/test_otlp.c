/*
 * OTLP: both encodings of the sample batch, and what backends answer. The protobuf
 * form is compared with a second implementation, protobuf-c's.
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/segment.h"
#include "exporters/otlp_answer.h"
#include "exporters/otlp_json.h"
#include "exporters/otlp_proto.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"
#include "trace_service.pb-c.h"

#define LINKS                                                                                                \
	"\"links\":[{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"0102030405060708\",\"flags\":769}," \
	"{\"traceId\":\"05000000000000000000000000000000\",\"spanId\":\"0600000000000000\",\"flags\":768}],"         \
	"\"droppedLinksCount\":1"

static struct sample sample;

/* ---- encodings ---- */

/* What protobuf-c itself makes of a request that it has read: each message measured, then packed, by its own code. */
static bool packs_whole_to_the_same(const uint8_t *bytes, size_t n)
{
	Otlp__ExportTraceServiceRequest *r = otlp__export_trace_service_request__unpack(NULL, n, bytes);
	uint8_t *again = malloc(n + 1);
	bool same = r && otlp__export_trace_service_request__get_packed_size(r) == n &&
		    otlp__export_trace_service_request__pack(r, again) == n && memcmp(again, bytes, n) == 0;

	if (r)
		otlp__export_trace_service_request__free_unpacked(r, NULL);
	free(again);
	return same;
}

RM_TEST("protobuf: a batch of several groups is what protobuf-c packs")
{
	uint8_t *bytes = NULL;
	size_t n = 0;

	sample_init(&sample);
	RM_CHECK(rm_otlp_proto(&sample.batch, 1 << 20, &bytes, &n) == RM_OK);
	RM_CHECK(packs_whole_to_the_same(bytes, n));
	free(bytes);
}

RM_TEST("protobuf: links, as bytes")
{
	/* Checked with `protoc-c --decode`: the link, its flags, the other link, and one that is left out. */
	static const char want[] = "6a210a100af7651916cd43dd8448eb211c80319c12080102030405060708350103000"
				   "06a210a1005000000000000000000000000000000120806000000000000003500030000"
				   "7001";
	char text[sizeof(want)];
	struct rm_batch batch;
	uint8_t *bytes = NULL;
	size_t n = 0, at;

	sample_init(&sample);
	sample_linked(sample.span[0]);
	batch = (struct rm_batch){ .groups = sample.groups, .group_count = 1, .span_count = 2 };
	RM_CHECK(rm_otlp_proto(&batch, 1 << 20, &bytes, &n) == RM_OK);
	RM_CHECK(packs_whole_to_the_same(bytes, n));
	for (at = 0; at + 74 < n && memcmp(bytes + at, "\x6a\x21\x0a\x10", 4) != 0;)
		at++;
	rm_hex_encode(bytes + at, sizeof(want) / 2, text);
	RM_CHECK_STR(((struct rm_str){ text, sizeof(want) - 1 }), want);
	free(bytes);
}

RM_TEST("protobuf: events")
{
	Otlp__ExportTraceServiceRequest *r;
	struct rm_batch batch;
	uint8_t *bytes = NULL;
	Otlp__Span *s;
	size_t n = 0;

	sample_init(&sample);
	sample_events(sample.span[0]);
	batch = (struct rm_batch){ .groups = sample.groups, .group_count = 1, .span_count = 2 };
	RM_CHECK(rm_otlp_proto(&batch, 1 << 20, &bytes, &n) == RM_OK);
	RM_CHECK(packs_whole_to_the_same(bytes, n));
	r = otlp__export_trace_service_request__unpack(NULL, n, bytes);
	RM_CHECK(r != NULL);
	s = r->resource_spans[0]->scope_spans[0]->spans[0];
	RM_CHECK(s->n_events == 2 && s->dropped_events_count == 1 && s->n_attributes == 1);
	RM_CHECK(strcmp(s->events[0]->name, "exception") == 0 && s->events[0]->time_unix_nano == 5000);
	RM_CHECK(s->events[0]->n_attributes == 3 && s->events[0]->dropped_attributes_count == 1);
	RM_CHECK(strcmp(s->events[1]->name, "done") == 0 && s->events[1]->n_attributes == 0);
	otlp__export_trace_service_request__free_unpacked(r, NULL);
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
	batch = (struct rm_batch){ .groups = sample.groups + 1, .group_count = 1, .span_count = 1 };
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
	static const size_t lengths[] = { 1, 100, 112, 113, 114, 115, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 300, 7000 };
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
		rm_builder_str(&b, RM_KEY_URL_PATH, (struct rm_str){ long_text, lengths[i] });
		rm_builder_i64(&b, RM_KEY_CLIENT_ADDRESS, 2);
		rm_builder_end(&b);
		sample_retype((struct rm_record *)memory, 1, RM_ATTR_BOOL);
		group = (struct rm_batch_group){ .resource = sample.groups[0].resource, .spans = &span, .span_count = 1 };
		RM_CHECK(rm_otlp_proto(&(struct rm_batch){ .groups = &group, .group_count = 1, .span_count = 1 }, 1 << 20, &bytes, &n) == RM_OK);
		r = otlp__export_trace_service_request__unpack(NULL, n, bytes);
		RM_CHECK(r && r->resource_spans[0]->scope_spans[0]->spans[0]->n_attributes == 13);
		s = r->resource_spans[0]->scope_spans[0]->spans[0];
		for (size_t k = 0; k < s->n_attributes; k++) {
			Otlp__KeyValue *kv = attribute(s, k);

			RM_CHECK(kv && packs_to_the_same(kv, s->attributes[k]));
			if (k == 0)
				RM_CHECK(strlen(kv->key) == key.n && strlen(kv->value->string_value) == lengths[i]);
			if (k == 1)
				RM_CHECK_STR(rm_str_c(kv->value->array_value->values[1]->string_value), "tw\xc3\xb6");
			if (k > 1 && k < 11)
				RM_CHECK(kv->value->int_value == numbers[k - 2]);
			if (k == 11)
				RM_CHECK(strcmp(kv->key, "url.path") == 0 && strlen(kv->value->string_value) == lengths[i]);
			if (k == 12)
				RM_CHECK(kv->value->bool_value);
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
	group = (struct rm_batch_group){ .resource = sample.groups[0].resource, .spans = &span, .span_count = 1 };
	RM_CHECK(rm_otlp_proto(&(struct rm_batch){ .groups = &group, .group_count = 1, .span_count = 1 }, 1 << 20, &bytes, &n) == RM_OK);
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

RM_TEST("JSON: links")
{
	struct rm_json j;

	sample_init(&sample);
	sample_linked(sample.span[0]);
	rm_json_init(&j);
	rm_otlp_json(&j, &sample.batch);
	RM_CHECK(memmem(j.p, j.n, LINKS, sizeof(LINKS) - 1));
	rm_json_free(&j);
}

RM_TEST("JSON: events")
{
	static const char want[] =
		"\"events\":[{\"timeUnixNano\":\"5000\",\"name\":\"exception\",\"attributes\":["
		"{\"key\":\"exception.type\",\"value\":{\"stringValue\":\"KeyError\"}},"
		"{\"key\":\"exception.message\",\"value\":{\"stringValue\":\"'\xc3\xa9'\"}},"
		"{\"key\":\"exception.stacktrace\",\"value\":{\"stringValue\":\"Traceback (most recent call last):\\n"
		"  File \\\"/app/shop.py\\\", line 7, in home\\n    return d[k]\\nKeyError: '\xc3\xa9'\\n\"}}],"
		"\"droppedAttributesCount\":1},{\"timeUnixNano\":\"6000\",\"name\":\"done\"}],\"droppedEventsCount\":1";
	struct rm_json j;

	sample_init(&sample);
	sample_events(sample.span[0]);
	rm_json_init(&j);
	rm_otlp_json(&j, &sample.batch);
	RM_CHECK(memmem(j.p, j.n, want, sizeof(want) - 1));
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
	RM_CHECK(answer(RM_STR("{\"partialSuccess\":{\"rejectedLogRecords\":\"4\"}}"), true, true).rejected == 4);
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
