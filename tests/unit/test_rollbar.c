/* Rollbar: which spans make items, and the bytes of these. Settings and answers are proven end to end (rollbar.py). */
#include "exporters/rollbar_json.h"

#include "agent/record.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"

enum { ALL = RM_ROLLBAR_EXCEPTIONS | RM_ROLLBAR_SERVER | RM_ROLLBAR_CLIENT };

static struct sample sample;
static const struct rm_rollbar_style plain = { .kinds = RM_ROLLBAR_EXCEPTIONS | RM_ROLLBAR_SERVER, .environment = { "production", 10 } };

/* The document, with an end for strstr; the caller frees it. */
static struct rm_json written(const struct rm_rollbar_style *style, const struct rm_span *span, uint32_t which)
{
	struct rm_json j;

	rm_json_init(&j);
	rm_rollbar_json(&j, style, &(struct rm_rollbar_subject){ (const struct rm_record *)sample.resource[0], span, NULL, which });
	RM_CHECK(!j.failed);
	rm_json_raw(&j, (struct rm_str){ "", 1 });
	return j;
}

RM_TEST("an exception with a stack is a trace, the outermost frame first")
{
	const struct rm_span *span = (const struct rm_span *)sample.span[0];
	struct rm_json j;

	sample_init(&sample);
	sample_events(sample.span[0]);
	RM_CHECK(rm_rollbar_count(&plain, span) == 1);
	j = written(&plain, span, 0);
	RM_CHECK_STR(rm_str_c(j.p),
		     "{\"data\":{\"environment\":\"test\",\"body\":{\"trace\":{\"frames\":["
		     "{\"filename\":\"/app/shop.py\",\"lineno\":7,\"method\":\"home\",\"code\":\"return d[k]\"}],"
		     "\"exception\":{\"class\":\"KeyError\",\"message\":\"'\xc3\xa9'\"}}},\"level\":\"error\",\"timestamp\":0,"
		     "\"platform\":\"linux\",\"language\":\"python\",\"context\":\"GET\",\"server\":{\"pid\":42},"
		     "\"custom\":{\"trace_id\":\"01000000000000000000000000000000\",\"span_id\":\"0200000000000000\",\"service\":\"shop\","
		     "\"span\":\"GET\"},\"uuid\":\"03000000000080008000000000000000\","
		     "\"notifier\":{\"name\":\"remora\",\"version\":\"" REMORA_VERSION "\"}}}");
	rm_json_free(&j);
}

/* A span of a kind, with a status code and, perhaps, a path. */
static const struct rm_span *request(enum rm_span_kind kind, int64_t status, const char *path, enum rm_span_status outcome)
{
	static _Alignas(8) char memory[SAMPLE_CAP];
	struct rm_span head = { .trace_id = { 1 }, .span_id = { 2 }, .kind = (uint8_t)kind, .end_ns = 5000000000, .status = (uint8_t)outcome };
	struct rm_builder b = { 0 };
	char digits[8];

	rm_builder_span(&b, memory, SAMPLE_CAP, &head, RM_STR("GET"), RM_STR(""));
	rm_builder_str(&b, RM_KEY_HTTP_REQUEST_METHOD, RM_STR("GET"));
	rm_builder_str(&b, RM_KEY_URL_SCHEME, RM_STR("http"));
	rm_builder_str(&b, RM_KEY_URL_PATH, rm_str_c(path));
	rm_builder_str(&b, RM_KEY_URL_QUERY, RM_STR("a=1"));
	rm_builder_str(&b, RM_KEY_SERVER_ADDRESS, RM_STR("shop.example"));
	rm_builder_i64(&b, RM_KEY_SERVER_PORT, 8080);
	rm_builder_str(&b, RM_KEY_CLIENT_ADDRESS, RM_STR("192.0.2.7"));
	if (status) {
		snprintf(digits, sizeof(digits), "%d", (int)status);
		rm_builder_i64(&b, RM_KEY_HTTP_RESPONSE_STATUS_CODE, status);
		if (outcome == RM_STATUS_ERROR)
			rm_builder_str(&b, RM_KEY_ERROR_TYPE, rm_str_c(digits));
	}
	rm_builder_end(&b);
	return (const struct rm_span *)memory;
}

RM_TEST("a request that failed without an exception is a message, with the request and without who asked")
{
	struct rm_rollbar_style open = plain;
	struct rm_json j;

	sample_init(&sample);
	j = written(&plain, request(RM_KIND_SERVER, 503, "/home", RM_STATUS_ERROR), 0);
	RM_CHECK(strstr(j.p, "\"body\":{\"message\":{\"body\":\"503 in answer to GET /home\"}},\"level\":\"error\",\"timestamp\":5,"));
	RM_CHECK(strstr(j.p, "\"context\":\"GET /home\",\"request\":{\"url\":\"http://shop.example:8080/home?a=1\",\"query_string\":\"a=1\","
			     "\"method\":\"GET\"},"));
	RM_CHECK(strstr(j.p, "\"custom\":{") && strstr(j.p, "\"error\":\"503\"") && !strstr(j.p, "192.0.2.7"));
	rm_json_free(&j);
	open.user_ip = true;
	j = written(&open, request(RM_KIND_SERVER, 503, "/home", RM_STATUS_ERROR), 0);
	RM_CHECK(strstr(j.p, "\"method\":\"GET\",\"user_ip\":\"192.0.2.7\"}"));
	rm_json_free(&j);
}

RM_TEST("which spans make items follows the settings; a client that went away is no error")
{
	struct rm_rollbar_style style = { .kinds = ALL };

	sample_init(&sample);
	RM_CHECK(rm_rollbar_count(&style, request(RM_KIND_SERVER, 500, "/", RM_STATUS_ERROR)) == 1);
	RM_CHECK(rm_rollbar_count(&style, request(RM_KIND_SERVER, 200, "/", RM_STATUS_UNSET)) == 0);
	RM_CHECK(rm_rollbar_count(&style, request(RM_KIND_SERVER, 0, "/", RM_STATUS_ERROR)) == 0);
	RM_CHECK(rm_rollbar_count(&style, request(RM_KIND_CLIENT, 404, "/", RM_STATUS_ERROR)) == 1);
	RM_CHECK(rm_rollbar_count(&style, request(RM_KIND_CLIENT, 200, "/", RM_STATUS_UNSET)) == 0);
	RM_CHECK(rm_rollbar_count(&plain, request(RM_KIND_CLIENT, 404, "/", RM_STATUS_ERROR)) == 0);
	style.kinds = RM_ROLLBAR_SERVER;
	sample_events(sample.span[0]); /* its status is an error, but no answer of 5xx */
	RM_CHECK(rm_rollbar_count(&style, (const struct rm_span *)sample.span[0]) == 0);
	style.kinds = RM_ROLLBAR_EXCEPTIONS;
	RM_CHECK(rm_rollbar_count(&style, request(RM_KIND_SERVER, 500, "/", RM_STATUS_ERROR)) == 0);
}

static void fingerprint_of(const struct rm_span *span, char ret[40])
{
	struct rm_json j = written(&plain, span, 0);
	const char *at = strstr(j.p, "\"fingerprint\":\"");

	RM_CHECK(at != NULL);
	snprintf(ret, 40, "%.32s", at ? at + 15 : "");
	rm_json_free(&j);
}

RM_TEST("requests that differ in their numbers only are one item, others are not")
{
	static const char *const same[] = { "/orders/17/items/0b1c9f3e-1", "/orders/18/items/ffff0000", "/orders/9/items/7" };
	static const char *const other[] = { "/orders/17", "/orders/x17/items/1", "/orders/items/17/1", "/" };
	char first[40], next[40];

	sample_init(&sample);
	fingerprint_of(request(RM_KIND_SERVER, 500, same[0], RM_STATUS_ERROR), first);
	for (int i = 1; i < 3; i++) {
		fingerprint_of(request(RM_KIND_SERVER, 500, same[i], RM_STATUS_ERROR), next);
		RM_CHECK(strcmp(first, next) == 0);
	}
	for (int i = 0; i < 4; i++) {
		fingerprint_of(request(RM_KIND_SERVER, 500, other[i], RM_STATUS_ERROR), next);
		RM_CHECK(strcmp(first, next) != 0);
	}
	fingerprint_of(request(RM_KIND_SERVER, 502, same[0], RM_STATUS_ERROR), next);
	RM_CHECK(strcmp(first, next) != 0);
}

/* A span with one exception of this stack. */
static const struct rm_span *raised(const char *type, const char *message, const char *stack)
{
	static _Alignas(8) char memory[SAMPLE_CAP], event[SAMPLE_CAP];
	static const struct rm_span head = { .trace_id = { 1 }, .span_id = { 2 }, .kind = RM_KIND_INTERNAL, .status = RM_STATUS_ERROR };
	struct rm_builder b = { 0 };

	rm_builder_event(&b, event, sizeof(event), RM_STR("exception"), 7000000000);
	rm_builder_str(&b, RM_KEY_EXCEPTION_TYPE, rm_str_c(type));
	rm_builder_str(&b, RM_KEY_EXCEPTION_MESSAGE, rm_str_c(message));
	rm_builder_str(&b, RM_KEY_EXCEPTION_STACKTRACE, rm_str_c(stack));
	rm_builder_end(&b);
	rm_builder_span(&b, memory, SAMPLE_CAP, &head, RM_STR("crash"), RM_STR(""));
	rm_builder_add_event(&b, (const struct rm_event *)event, 9);
	rm_builder_add_event(&b, (const struct rm_event *)event, 9);
	rm_builder_end(&b);
	return (const struct rm_span *)memory;
}

RM_TEST("a crash is critical, and the same one in another build")
{
	const struct rm_span *span = raised("SIGSEGV", "SEGV_MAPERR at 0x8", "    at sell+0x1c (/app/shop+0x2a31)\n    at main+0x7 (/app/shop+0x99)\n");
	char first[40], next[40];
	struct rm_json j;

	sample_init(&sample);
	RM_CHECK(rm_rollbar_count(&plain, span) == 2);
	j = written(&plain, span, 1);
	RM_CHECK(strstr(j.p, "\"body\":{\"trace\":{\"frames\":[{\"filename\":\"/app/shop\",\"method\":\"main\"},"
			     "{\"filename\":\"/app/shop\",\"method\":\"sell\"}],"
			     "\"exception\":{\"class\":\"SIGSEGV\",\"message\":\"SEGV_MAPERR at 0x8\"}}},\"level\":\"critical\",\"timestamp\":7,"));
	RM_CHECK(strstr(j.p, "\"language\":\"c\"") && strstr(j.p, "\"uuid\":\"03000000000080008000000000000001\""));
	rm_json_free(&j);
	fingerprint_of(span, first);
	fingerprint_of(raised("SIGSEGV", "at 0x9", "    at sell+0x2c (/app/shop+0x3a31)\n    at main+0x9 (/app/shop+0x9b)\n"), next);
	RM_CHECK(strcmp(first, next) == 0);
	fingerprint_of(raised("SIGSEGV", "at 0x9", "    at buy+0x2c (/app/shop+0x3a31)\n    at main+0x9 (/app/shop+0x9b)\n"), next);
	RM_CHECK(strcmp(first, next) != 0);
}

RM_TEST("what was raised for something else is a chain, and a stack that nobody understands is text")
{
	struct rm_json j;

	sample_init(&sample);
	j = written(&plain, raised("app.NoHome", "no home", "java.lang.X: y\n\tat a.B.c(B.java:3)\nCaused by: a.Deeper: why\n\tat a.B.d(B.java:9)\n"), 0);
	RM_CHECK(strstr(j.p, "\"trace_chain\":[{\"frames\":[{\"filename\":\"B.java\",\"lineno\":3,\"method\":\"a.B.c\"}],"
			     "\"exception\":{\"class\":\"app.NoHome\",\"message\":\"no home\"}},"
			     "{\"frames\":[{\"filename\":\"B.java\",\"lineno\":9,\"method\":\"a.B.d\"}],"
			     "\"exception\":{\"class\":\"a.Deeper\",\"message\":\"why\"}}]"));
	RM_CHECK(strstr(j.p, "\"language\":\"java\"") && !strstr(j.p, "\"fingerprint\""));
	rm_json_free(&j);
	j = written(&plain, raised("Odd", "no home", "somewhere else"), 0);
	RM_CHECK(strstr(j.p, "\"body\":{\"message\":{\"body\":\"Odd: no home\"}}") && strstr(j.p, "\"stack\":\"somewhere else\""));
	rm_json_free(&j);
}

/* What a program printed: with an exception in it, if `type` says so. */
static const struct rm_log *printed(const char *type, enum rm_severity severity, const char *stack)
{
	static _Alignas(8) char memory[SAMPLE_CAP];
	struct rm_log head = { .observed_ns = 7000000000, .trace_id = { 1 }, .span_id = { 2 }, .severity = (uint8_t)severity };
	struct rm_builder b = { 0 };

	rm_builder_log(&b, memory, SAMPLE_CAP, &head, RM_STR(""), RM_STR(""), RM_STR("it went wrong"));
	rm_builder_str(&b, RM_KEY_EXCEPTION_TYPE, rm_str_c(type));
	rm_builder_str(&b, RM_KEY_EXCEPTION_MESSAGE, RM_STR("no home"));
	rm_builder_str(&b, RM_KEY_EXCEPTION_STACKTRACE, rm_str_c(stack));
	rm_builder_end(&b);
	return (const struct rm_log *)memory;
}

static struct rm_json written_log(const struct rm_log *log)
{
	struct rm_json j;

	rm_json_init(&j);
	rm_rollbar_json(&j, &plain, &(struct rm_rollbar_subject){ (const struct rm_record *)sample.resource[0], NULL, log, 0 });
	RM_CHECK(!j.failed);
	rm_json_raw(&j, (struct rm_str){ "", 1 });
	return j;
}

RM_TEST("an exception that a program printed is a trace of its request, and other lines make none")
{
	static const char stack[] = "Traceback (most recent call last):\n"
				    "  File \"/app/shop.py\", line 7, in home\n"
				    "    return d[k]\n"
				    "ValueError: no home\n";
	const struct rm_rollbar_style none = { .kinds = RM_ROLLBAR_SERVER };
	struct rm_json j;

	sample_init(&sample);
	RM_CHECK(rm_rollbar_takes(&plain, printed("ValueError", RM_SEVERITY_ERROR, stack)));
	RM_CHECK(!rm_rollbar_takes(&none, printed("ValueError", RM_SEVERITY_ERROR, stack)));
	RM_CHECK(!rm_rollbar_takes(&plain, printed("", RM_SEVERITY_ERROR, "")));
	j = written_log(printed("ValueError", RM_SEVERITY_ERROR, stack));
	RM_CHECK(strstr(j.p, "{\"trace\":{\"frames\":[{\"filename\":\"/app/shop.py\",\"lineno\":7,\"method\":\"home\",\"code\":\"return d[k]\"}],"
			     "\"exception\":{\"class\":\"ValueError\",\"message\":\"no home\"}}},\"level\":\"error\",\"timestamp\":7,"));
	RM_CHECK(strstr(j.p, "\"custom\":{\"trace_id\":\"01000000000000000000000000000000\",\"span_id\":\"0200000000000000\",\"service\":\"shop\"}"));
	rm_json_free(&j);
	j = written_log(printed("ValueError", RM_SEVERITY_WARN, "what nobody can read"));
	RM_CHECK(strstr(j.p, "\"body\":{\"message\":{\"body\":\"ValueError: no home\"}},\"level\":\"warning\""));
	RM_CHECK(strstr(j.p, "\"stack\":\"what nobody can read\"") && strstr(j.p, "\"fingerprint\":\""));
	rm_json_free(&j);
	j = written_log(printed("ValueError", RM_SEVERITY_FATAL, stack));
	RM_CHECK(strstr(j.p, "\"level\":\"critical\""));
	rm_json_free(&j);
}

RM_TEST("the id of an item is the same each time, and another one for another record")
{
	uint8_t id[3][RM_ROLLBAR_ID_BYTES];
	struct rm_rollbar_subject subject = { .log = printed("A", RM_SEVERITY_ERROR, "") };

	rm_rollbar_id(&subject, id[0]);
	rm_rollbar_id(&subject, id[1]);
	subject.log = printed("B", RM_SEVERITY_ERROR, "");
	rm_rollbar_id(&subject, id[2]);
	RM_CHECK(memcmp(id[0], id[1], sizeof(id[0])) == 0 && memcmp(id[0], id[2], sizeof(id[0])) != 0);
}
