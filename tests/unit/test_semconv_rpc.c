/* Which requests are calls of gRPC, and what status they end with: agent/semconv_rpc.c. */
#include "agent/semconv.h"
#include "agent/semconv_rpc.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

static struct rm_conn conn;
static const struct rm_block block;
static uint32_t x;
static struct rm_exchange *e;

static struct rm_head head_of(const char *target, const char *type, const struct rm_field *more)
{
	static struct rm_field fields[2];

	fields[0] = (struct rm_field){ RM_STR("content-type"), rm_str_c(type) };
	fields[1] = more ? *more : (struct rm_field){ RM_STR("te"), RM_STR("trailers") };
	return (struct rm_head){ .method = RM_STR("POST"), .target = rm_str_c(target), .version = RM_STR("2"),
				 .authority = RM_STR("shop:50051"), .fields = fields, .field_count = 2, .block = &block };
}

static enum rm_rpc kind_of(const char *target, const char *type)
{
	struct rm_head head = head_of(target, type, NULL);

	return rm_rpc_of(&head);
}

RM_TEST("a call is a POST of gRPC's content type to /service/method")
{
	char *none[] = { NULL };
	struct rm_head head;

	stub_start(none);
	RM_CHECK(kind_of("/shop.Cart/Add", "application/grpc") == RM_RPC_GRPC);
	RM_CHECK(kind_of("/shop.Cart/Add", "application/grpc+proto") == RM_RPC_GRPC);
	RM_CHECK(kind_of("/shop.Cart/Add", "application/grpc;charset=utf-8") == RM_RPC_GRPC);
	RM_CHECK(kind_of("/shop.Cart/Add", "application/grpc-web") == RM_RPC_WEB);
	RM_CHECK(kind_of("/shop.Cart/Add", "application/grpc-web-text+proto") == RM_RPC_WEB);
	RM_CHECK(kind_of("/shop.Cart/Add", "application/grpcx") == RM_RPC_NONE);
	RM_CHECK(kind_of("/shop.Cart/Add", "application/json") == RM_RPC_NONE);
	RM_CHECK(kind_of("/shop.Cart", "application/grpc") == RM_RPC_NONE);
	RM_CHECK(kind_of("/shop.Cart/", "application/grpc") == RM_RPC_NONE);
	RM_CHECK(kind_of("//Add", "application/grpc") == RM_RPC_NONE);
	RM_CHECK(kind_of("/", "application/grpc") == RM_RPC_NONE);
	head = head_of("/shop.Cart/Add", "application/grpc", NULL);
	head.block = NULL;
	RM_CHECK(rm_rpc_of(&head) == RM_RPC_NONE);
	head.method = RM_STR("GET");
	RM_CHECK(rm_rpc_of(&head) == RM_RPC_NONE);
}

static void begin(uint8_t kind, const char *type, const char *timeout)
{
	struct rm_field more = { RM_STR("grpc-timeout"), rm_str_c(timeout ? timeout : "") };
	struct rm_head head = head_of("/shop.Cart/Add", type, &more);
	struct rm_fields fields;

	x = rm_exchange_begin(kind, 1000000000, rm_thread_self());
	e = rm_exchange_at(x);
	rm_fields_read(&head, &fields);
	rm_semconv_request(e, &stub_config, &conn, &head, &fields, NULL);
}

static void answer(int status, const char *grpc_status)
{
	struct rm_field field = { RM_STR("grpc-status"), rm_str_c(grpc_status ? grpc_status : "") };
	struct rm_head head = { .status = status, .fields = &field, .field_count = grpc_status != NULL };

	if (status)
		rm_semconv_response(e, &stub_config, &head);
	else
		rm_semconv_trailers(e, &head);
}

/* Ends the exchange; true when the span says so, with no attribute of HTTP. */
static bool ends(const char *status, const char *error)
{
	struct rm_str got_status = { "none", 4 }, got_error = { "none", 4 };
	const struct rm_span *span;
	struct rm_attr_iter it;
	struct rm_attr a;
	bool http = false;

	rm_exchange_end(x, 2000000000, rm_thread_self());
	span = stub_span();
	if (!span || !rm_str_eq(rm_span_name(span), RM_STR("shop.Cart/Add")))
		return false;
	for (it = rm_record_attrs(&span->record); rm_attr_next(&it, &a);) {
		if (rm_str_eq(a.key, RM_STR("rpc.response.status_code")))
			got_status = a.v.str;
		else if (rm_str_eq(a.key, RM_STR("error.type")))
			got_error = a.v.str;
		http = http || (a.key.n > 5 && memcmp(a.key.p, "http.", 5) == 0);
	}
	return rm_str_eq(got_status, rm_str_c(status)) && rm_str_eq(got_error, rm_str_c(error)) && !http &&
	       (span->status == RM_STATUS_ERROR) == (strcmp(error, "none") != 0);
}

RM_TEST("the status is the trailers', or the head's where there is no body")
{
	begin(RM_KIND_CLIENT, "application/grpc", NULL);
	answer(200, NULL);
	answer(0, "0");
	rm_semconv_bodies(e, 5, 2000000000);
	RM_CHECK(ends("OK", "none"));
	begin(RM_KIND_CLIENT, "application/grpc", NULL);
	answer(200, "5");
	rm_semconv_bodies(e, 0, 2000000000);
	RM_CHECK(ends("NOT_FOUND", "NOT_FOUND"));
	begin(RM_KIND_CLIENT, "application/grpc", NULL);
	answer(200, "77");
	RM_CHECK(ends("77", "77"));
}

RM_TEST("what is the caller's fault is no error of the server")
{
	begin(RM_KIND_SERVER, "application/grpc", NULL);
	answer(200, "5");
	RM_CHECK(ends("NOT_FOUND", "none"));
	begin(RM_KIND_SERVER, "application/grpc", NULL);
	answer(200, "13");
	RM_CHECK(ends("INTERNAL", "INTERNAL"));
}

RM_TEST("an answer of something else than a gRPC server is read as clients do")
{
	begin(RM_KIND_CLIENT, "application/grpc", NULL);
	answer(503, NULL);
	RM_CHECK(ends("UNAVAILABLE", "UNAVAILABLE"));
	begin(RM_KIND_CLIENT, "application/grpc", NULL);
	answer(200, NULL);
	rm_semconv_bodies(e, 5, 2000000000);
	RM_CHECK(ends("UNKNOWN", "UNKNOWN"));
}

/* Answers a call of gRPC-Web with a head of that one field beside its type; true when its content is to be shown. */
static bool answer_web(int status, const char *type, const char *name, const char *value)
{
	struct rm_field fields[2] = {
		{ RM_STR("Content-Type"), rm_str_c(type) },
		{ rm_str_c(name), rm_str_c(value) },
	};
	struct rm_head head = { .status = status, .fields = fields, .field_count = 2 };

	begin(RM_KIND_CLIENT, "application/grpc-web+proto", NULL);
	return rm_semconv_response(e, &stub_config, &head);
}

/* A message, then the content, in two pieces. */
static void show(const char *content, size_t n)
{
	rm_semconv_content(e, "\0\0\0\0\2hi", 7);
	rm_semconv_content(e, content, n / 2);
	rm_semconv_content(e, content + n / 2, n - n / 2);
	rm_semconv_bodies(e, 7 + n, 2000000000);
}

RM_TEST("the status of gRPC-Web is in the trailers of its body")
{
	RM_CHECK(answer_web(200, "application/grpc-web+proto", "server", "test"));
	show("\x80\0\0\0\x0fgrpc-status: 0\n", 20);
	RM_CHECK(ends("OK", "none"));
	RM_CHECK(answer_web(200, "application/grpc-web", "content-encoding", "identity"));
	show("\x80\0\0\0\x10grpc-status:77\r\n", 21);
	RM_CHECK(ends("77", "77"));
	RM_CHECK(answer_web(200, "application/grpc-web+proto; charset=utf-8", "transfer-encoding", "Chunked"));
	show("\x80\0\0\0\x0dgrpc-status:5", 18);
	RM_CHECK(ends("NOT_FOUND", "NOT_FOUND"));
}

RM_TEST("once it is known nothing that comes behind it changes the status of a call of gRPC-Web")
{
	RM_CHECK(answer_web(200, "application/grpc-web+proto", "server", "test"));
	show("\x80\0\0\0\x0fgrpc-status: 0\n\x80\0\0\0\x0fgrpc-status: 2\n", 40);
	rm_semconv_broken(e, RM_STR("connection_reset"), 2000000000);
	RM_CHECK(ends("OK", "none"));
}

RM_TEST("a call of gRPC-Web without messages may have its status in the head, or none at all")
{
	RM_CHECK(!answer_web(200, "application/grpc-web+proto", "grpc-status", "5"));
	rm_semconv_bodies(e, 0, 2000000000);
	RM_CHECK(ends("NOT_FOUND", "NOT_FOUND"));
	RM_CHECK(!answer_web(503, "application/grpc-web+proto", "server", "test"));
	rm_semconv_bodies(e, 0, 2000000000);
	RM_CHECK(ends("UNAVAILABLE", "UNAVAILABLE"));
	RM_CHECK(answer_web(200, "application/grpc-web+proto", "server", "test"));
	rm_semconv_bodies(e, 0, 2000000000);
	RM_CHECK(ends("UNKNOWN", "UNKNOWN"));
}

RM_TEST("a body of gRPC-Web that cannot be read leaves the status open")
{
	RM_CHECK(!answer_web(200, "application/grpc-web+proto", "content-encoding", "gzip"));
	rm_semconv_bodies(e, 7, 2000000000);
	RM_CHECK(ends("none", "none"));
	RM_CHECK(!answer_web(200, "application/grpc-web+proto", "transfer-encoding", "gzip, chunked"));
	rm_semconv_bodies(e, 7, 2000000000);
	RM_CHECK(ends("none", "none"));
	RM_CHECK(!answer_web(200, "text/html", "server", "test"));
	rm_semconv_bodies(e, 7, 2000000000);
	RM_CHECK(ends("none", "none"));
	RM_CHECK(answer_web(200, "application/grpc-web-text", "server", "test"));
	rm_semconv_content(e, NULL, 8);
	rm_semconv_bodies(e, 8, 2000000000);
	RM_CHECK(ends("none", "none"));
}

/* Answers with a head of that type; true when its content is to be shown. */
static bool answer_call(const char *type)
{
	struct rm_field field = { RM_STR("content-type"), rm_str_c(type) };
	struct rm_head head = { .status = 200, .fields = &field, .field_count = 1 };

	return rm_semconv_response(e, &stub_config, &head);
}

/* Ends the exchange; true when the span tells so many messages, of -1 nothing. */
static bool tells(int64_t request, int64_t response)
{
	int64_t got[2] = { -1, -1 };
	const struct rm_span *span;
	struct rm_attr_iter it;
	struct rm_attr a;

	rm_exchange_end(x, 2000000000, rm_thread_self());
	span = stub_span();
	if (!span)
		return false;
	for (it = rm_record_attrs(&span->record); rm_attr_next(&it, &a);) {
		if (rm_str_eq(a.key, RM_STR("remora.rpc.request.message_count")))
			got[0] = a.v.i64;
		else if (rm_str_eq(a.key, RM_STR("remora.rpc.response.message_count")))
			got[1] = a.v.i64;
	}
	return got[0] == request && got[1] == response;
}

RM_TEST("messages are told where they are not one, and their bodies were seen")
{
	static const char two[] = "\0\0\0\0\2hi\0\0\0\0";

	begin(RM_KIND_CLIENT, "application/grpc", NULL);
	RM_CHECK(rm_semconv_reads_request(e) && rm_semconv_request_content(e, two, sizeof(two)));
	RM_CHECK(answer_call("application/grpc+proto"));
	rm_semconv_content(e, two, 7);
	answer(0, "0");
	rm_semconv_bodies(e, 7, 2000000000);
	RM_CHECK(tells(2, -1));
	begin(RM_KIND_SERVER, "application/grpc", NULL);
	rm_semconv_request_content(e, two, 7);
	RM_CHECK(answer_call("application/grpc"));
	rm_semconv_content(e, two, sizeof(two));
	rm_semconv_content(e, "\x80\0\0\0\x0fgrpc-status: 7\n", 20);
	rm_semconv_broken(e, RM_STR("cancel"), 2000000000);
	RM_CHECK(tells(-1, 2));
	begin(RM_KIND_CLIENT, "application/grpc", NULL);
	rm_semconv_request_content(e, two, sizeof(two));
	rm_semconv_request_content(e, NULL, 9);
	RM_CHECK(!answer_call("text/html"));
	rm_semconv_bodies(e, 7, 2000000000);
	RM_CHECK(tells(-1, -1));
	begin(RM_KIND_CLIENT, "application/grpc", NULL);
	RM_CHECK(answer_call("application/grpc"));
	rm_semconv_content(e, "\x80\0\0\0\x0fgrpc-status: 7\n", 20);
	RM_CHECK(!e->rpc_answered);
	rm_semconv_broken(e, RM_STR("cancel"), 2000000000);
	RM_CHECK(tells(0, 0));
}

RM_TEST("a stream that was cancelled is a deadline's when that had come")
{
	const struct {
		const char *timeout, *error, *status;
	} cases[] = {
		{ NULL, "cancel", "CANCELLED" },
		{ "1S", "cancel", "DEADLINE_EXCEEDED" },
		{ "1004m", "cancel", "DEADLINE_EXCEEDED" },
		{ "1025m", "cancel", "DEADLINE_EXCEEDED" },
		{ "1026m", "cancel", "CANCELLED" },
		{ "1100m", "cancel", "CANCELLED" },
		{ "2H", "cancel", "CANCELLED" },
		{ "123456789m", "cancel", "CANCELLED" },
		{ "1x", "cancel", "CANCELLED" },
		{ "1S", "refused_stream", "UNAVAILABLE" },
		{ "1S", "connection_reset", "UNAVAILABLE" },
		{ "1S", "enhance_your_calm", "RESOURCE_EXHAUSTED" },
		{ "1S", "protocol_error", "INTERNAL" },
		{ "1S", "internal_error", "DEADLINE_EXCEEDED" },
		{ "1026m", "internal_error", "INTERNAL" },
		{ NULL, "internal_error", "INTERNAL" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(RM_KIND_CLIENT, "application/grpc", cases[i].timeout);
		rm_semconv_broken(e, rm_str_c(cases[i].error), 2000000000);
		RM_CHECK(ends(cases[i].status, cases[i].status));
	}
}
