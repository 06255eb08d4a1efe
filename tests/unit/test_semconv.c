/* What a span says of a request, whatever its Host field and its target hold: agent/semconv.c. */
#include <stdlib.h>

#include "agent/semconv.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

/* The span of a call with this method, Host and target. */
static const struct rm_span *called(const char *method, const char *host, const char *target)
{
	static struct rm_conn conn;
	struct rm_head head = { .method = rm_str_c(method), .target = rm_str_c(target), .version = RM_STR("1.1"),
				.authority = rm_str_c(host) };
	uint32_t x = rm_exchange_begin(RM_KIND_CLIENT, 1000000000, rm_thread_self());
	struct rm_fields fields;

	rm_fields_read(&head, &fields);
	rm_semconv_request(rm_exchange_at(x), &stub_config, &conn, &head, &fields, NULL);
	rm_exchange_end(x, 2000000000, rm_thread_self());
	return stub_span();
}

/* One of its attributes; "": it has none of that name. */
static struct rm_str attribute(const struct rm_span *span, const char *key)
{
	struct rm_attr_iter it = rm_record_attrs(&span->record);
	struct rm_attr a;

	while (rm_attr_next(&it, &a))
		if (rm_str_eq(a.key, rm_str_c(key)))
			return a.v.str;
	return RM_STR("");
}

static struct rm_str url(const char *host, const char *target)
{
	return attribute(called("GET", host, target), "url.full");
}

RM_TEST("a URL has no secret, in whichever part of the request it stands")
{
	char *none[] = { NULL };

	stub_start(none);
	RM_CHECK_STR(url("shop:80", "/a?id=1&sort=x"), "http://shop:80/a?id=1&sort=x");
	RM_CHECK_STR(url("shop:80", "/a?id=1&sig=x"), "http://shop:80/a?id=1&sig=REDACTED");
	RM_CHECK_STR(url("u:p@shop", "/a"), "http://REDACTED:REDACTED@shop/a");
	RM_CHECK_STR(url("shop?sig=", "/a&b=c"), "http://shop?sig=REDACTED&b=c");
	RM_CHECK_STR(url("shop", "http://u:p@h/x"), "http://REDACTED:REDACTED@h/x");
}

RM_TEST("a method that is not known is _OTHER, and is there as it came, even if it is spelled like that")
{
	static const struct {
		const char *known, *method, *told, *original, *name;
	} cases[] = {
		{ "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS=GET,POST", "GET", "GET", "", "GET" },
		{ "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS=GET,POST", "BREW", "_OTHER", "BREW", "HTTP" },
		{ "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS=GET,POST", "get", "_OTHER", "get", "HTTP" },
		{ "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS=GET,POST", "_OTHER", "_OTHER", "_OTHER", "HTTP" },
		{ "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS=GET,_OTHER", "_OTHER", "_OTHER", "", "_OTHER" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *env[] = { (char *)(uintptr_t)cases[i].known, NULL };
		const struct rm_span *span;

		stub_start(env);
		span = called(cases[i].method, "shop", "/a");
		RM_CHECK_STR(attribute(span, "http.request.method"), cases[i].told);
		RM_CHECK_STR(attribute(span, "http.request.method_original"), cases[i].original);
		RM_CHECK_STR(rm_span_name(span), cases[i].name);
	}
}

#define PICK(list) list[(unsigned)rand() % (sizeof(list) / sizeof(*(list)))]

/* The record of a request; `limit` as OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT has it. Returns its size. */
static uint32_t record(const struct rm_head *head, struct rm_conn *conn, uint8_t kind, uint32_t limit, void *ret)
{
	uint32_t x = rm_exchange_begin(kind, 1000000000, rm_thread_self());
	struct rm_exchange *e = rm_exchange_at(x);
	const struct rm_span *span;
	struct rm_fields fields;
	uint32_t bytes;

	stub_config.max_value_chars = limit;
	rm_fields_read(head, &fields);
	rm_semconv_request(e, &stub_config, conn, head, &fields, "header");
	rm_exchange_end(x, 2000000000, rm_thread_self());
	span = stub_span();
	bytes = span ? span->record.bytes : 0;
	if (bytes)
		memcpy(ret, span, bytes);
	((struct rm_span *)ret)->start_ns = ((struct rm_span *)ret)->end_ns = 0;
	return bytes;
}

RM_TEST("a request of the usual kind has the record that the long way would write, to the byte")
{
	static const char *const methods[] = { "GET", "POST", "CONNECT", "OPTIONS", "HEAD", "BREW" };
	static const char *const targets[] = { "/", "/a", "/api/items/1?id=1&sort=price", "/a?sig=x", "/?x=1&sig=", "*", "h:80",
					       "http://h/x?y", "/a?", "/?", "/\xff", "/sixteen-bytes..?and=seventeen-bytes", "//u@h/?sig=1" };
	static const char *const hosts[] = { "", "h", "h:80", "127.0.0.1:8080", "[::1]:80", "::1", "h:", "h:99999", ":80", "u@h", "h?x", "h:8a" };
	static const char *const versions[] = { "1.0", "1.1", "2" };
	static const char *const schemes[] = { "", "", "https", "http", "a-scheme-of-its-own" };
	static const char *const agents[] = { "", "c", "curl/7", "curl/7.88.1", "an agent of more than sixteen bytes" };
	static const char *const peers[] = { "", "::1", "127.0.0.1", "fe80::1234:5678:9abc:def0%eth0" };
	static _Alignas(8) char quick[RM_RECORD_MAX_BYTES], slow[RM_RECORD_MAX_BYTES];
	char *none[] = { NULL };

	srand(1);
	stub_start(none);
	for (int i = 0; i < 20000; i++) {
		struct rm_field fields[2] = { { RM_STR("User-Agent"), rm_str_c(PICK(agents)) }, { RM_STR("X-Forwarded-For"), RM_STR("1.2.3.4") } };
		struct rm_head head = { .method = rm_str_c(PICK(methods)), .target = rm_str_c(PICK(targets)), .version = rm_str_c(PICK(versions)),
					.authority = rm_str_c(PICK(hosts)), .scheme = rm_str_c(PICK(schemes)), .fields = fields,
					.field_count = 1 + (i % 9 == 0) };
		const char *peer = PICK(peers);
		struct rm_conn conn = { .secure = i & 1, .peer = { .asked = true, .port = (uint16_t)(i % 3 ? i : 0), .path = i % 11 == 0,
								   .bytes = (uint8_t)strlen(peer) } };
		uint8_t kind = i & 2 ? RM_KIND_SERVER : RM_KIND_CLIENT;
		uint32_t bytes;

		memcpy(conn.peer.text, peer, strlen(peer));
		bytes = record(&head, &conn, kind, 0, quick);
		RM_CHECK(bytes && bytes == record(&head, &conn, kind, UINT32_MAX, slow) && memcmp(quick, slow, bytes) == 0);
	}
	stub_config.max_value_chars = 0;
}
