/* Calls that the bodies of requests tell of, from their bytes to their spans: agent/semconv_api.c behind agent/observe.c. */
#include "tests/unit/client_fixture.h"

static void begin(void)
{
	char *none[] = { NULL };

	stub_start(none);
	sent_bytes = 0;
	open_client(7);
}

static void end(void)
{
	close_fd(7);
	while (stub_span())
		;
	RM_CHECK(all_freed());
}

static void ask(const char *more, const char *body)
{
	char text[2048];
	int n = snprintf(text, sizeof(text), "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n%s\r\n%s", strlen(body), more, body);

	RM_CHECK(send_text(7, text, (size_t)n) == n);
}

static void send_line(const char *text)
{
	RM_CHECK(send_text(7, text, strlen(text)) == (ssize_t)strlen(text));
}

static void answer(const char *text)
{
	char all[1024];
	int n = snprintf(all, sizeof(all), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text);

	receive_text(7, all, (size_t)n);
}

static const char *of(const struct rm_span *span, const char *key)
{
	static char text[256];
	struct rm_attr_iter it = rm_record_attrs(&span->record);
	struct rm_attr a;

	while (span && rm_attr_next(&it, &a)) {
		if (!rm_str_eq(a.key, rm_str_c(key)))
			continue;
		if (a.type == RM_ATTR_STR)
			snprintf(text, sizeof(text), "%.*s", (int)a.v.str.n, a.v.str.p);
		else
			snprintf(text, sizeof(text), "%ld", (long)a.v.i64);
		return text;
	}
	return "";
}

#define JSON "Content-Type: application/json\r\n"

RM_TEST("a call of JSON-RPC is called by its method, and fails with the code of its answer")
{
	const struct rm_span *span;

	begin();
	ask(JSON, "{\"jsonrpc\":\"2.0\",\"method\":\"stock.count\",\"params\":[\"hunter2\"],\"id\":7}");
	answer("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"hunter2\"},\"id\":7}");
	span = stub_span();
	RM_CHECK(span && span->status == RM_STATUS_ERROR);
	RM_CHECK_STR(rm_span_name(span), "stock.count");
	RM_CHECK(strcmp(of(span, "rpc.system.name"), "jsonrpc") == 0 && strcmp(of(span, "rpc.method"), "stock.count") == 0);
	RM_CHECK(strcmp(of(span, "jsonrpc.request.id"), "7") == 0 && strcmp(of(span, "jsonrpc.protocol.version"), "2.0") == 0);
	RM_CHECK(strcmp(of(span, "rpc.response.status_code"), "-32000") == 0 && strcmp(of(span, "error.type"), "-32000") == 0);
	RM_CHECK(strcmp(of(span, "http.response.status_code"), "200") == 0 && strcmp(of(span, "http.request.method"), "POST") == 0);
	RM_CHECK(!memmem(span, span->record.bytes, "hunter2", 7));
	ask(JSON, "{\"jsonrpc\":\"2.0\",\"method\":\"stock.count\",\"id\":8}");
	answer("{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":8}");
	span = stub_span();
	RM_CHECK(span && span->status == RM_STATUS_UNSET && !*of(span, "rpc.response.status_code"));
	end();
}

RM_TEST("an operation of GraphQL is called by its type; nothing of its document is shown")
{
	const struct rm_span *span;

	begin();
	ask(JSON, "{\"query\":\"mutation Pay($card: String) { pay(card: \\\"hunter2\\\") }\",\"variables\":{\"card\":\"hunter2\"}}");
	answer("{\"data\":{}}");
	span = stub_span();
	RM_CHECK_STR(rm_span_name(span), "mutation");
	RM_CHECK(strcmp(of(span, "graphql.operation.type"), "mutation") == 0 && strcmp(of(span, "graphql.operation.name"), "Pay") == 0);
	RM_CHECK(!memmem(span, span->record.bytes, "hunter2", 7) && span->status == RM_STATUS_UNSET);
	end();
}

RM_TEST("a body in pieces, one that is answered before its end, and one that breaks off say what they have said")
{
	const struct rm_span *span;

	begin();
	send_line("POST /graphql HTTP/1.1\r\nHost: a\r\n" JSON "Transfer-Encoding: chunked\r\n\r\n");
	send_line("a\r\n{\"query\": \r\n");
	send_line("6\r\n\"{ a }\r\n");
	send_line("2\r\n\"}\r\n0\r\n\r\n");
	answer("{}");
	span = stub_span();
	RM_CHECK_STR(rm_span_name(span), "query");
	send_line("POST /graphql HTTP/1.1\r\nHost: a\r\n" JSON "Content-Length: 100\r\n\r\n{\"query\":\"{ a }\",");
	answer("{}");
	span = stub_span();
	RM_CHECK_STR(rm_span_name(span), "query");
	end();
	begin();
	send_line("POST /graphql HTTP/1.1\r\nHost: a\r\n" JSON "Content-Length: 100\r\n\r\n{\"query\":\"{ a }\",");
	close_fd(7);
	span = stub_span();
	RM_CHECK_STR(rm_span_name(span), "query");
	RM_CHECK(span->status == RM_STATUS_ERROR && all_freed());
}

RM_TEST("other bodies change nothing")
{
	const struct rm_span *span;

	begin();
	ask(JSON, "{\"name\":\"rope\",\"count\":7}");
	answer("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1}}");
	span = stub_span();
	RM_CHECK_STR(rm_span_name(span), "POST");
	RM_CHECK(span->status == RM_STATUS_UNSET);
	ask("Content-Type: text/plain\r\n", "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":7}");
	answer("{}");
	RM_CHECK_STR(rm_span_name(stub_span()), "POST");
	ask("", "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":7}");
	answer("{}");
	RM_CHECK_STR(rm_span_name(stub_span()), "POST");
	end();
}

RM_TEST("an action of AWS's Query protocol gives its span a name, and what it is about")
{
	const struct rm_span *span;

	begin();
	ask("Content-Type: application/x-www-form-urlencoded\r\nAuthorization: AWS4-HMAC-SHA256 "
	    "Credential=AKIDEXAMPLE/20260101/eu-west-1/sns/aws4_request, SignedHeaders=host, Signature=00ff\r\n",
	    "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Anews&Message=hunter2");
	answer("{}");
	span = stub_span();
	RM_CHECK_STR(rm_span_name(span), "SNS.Publish");
	RM_CHECK(strcmp(of(span, "rpc.method"), "SNS/Publish") == 0 && strcmp(of(span, "aws.sns.topic.arn"), "arn:aws:sns:news") == 0);
	RM_CHECK(!memmem(span, span->record.bytes, "hunter2", 7));
	end();
}
