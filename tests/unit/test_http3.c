/* Requests of HTTP/3, told of by the hooks of a library: agent/http3.c. */
#include "agent/http3.h"

#include <pthread.h>

#include "agent/local.h"
#include "tests/unit/served_fixture.h"

enum { MANY = 3000 /* more than the table has places */ };

enum { A = 3, B = 255 }; /* connections */
static char lines_room[RM_HTTP3_LINES_BYTES];
static struct rm_strbuf lines;
static bool replace;

static const struct rm_http3_field get[] = {
	{ { ":method", 7 }, { "GET", 3 } },
	{ { ":scheme", 7 }, { "https", 5 } },
	{ { ":authority", 10 }, { "shop.example:8443", 17 } },
	{ { ":path", 5 }, { "/item?id=1", 10 } },
	{ { "user-agent", 10 }, { "test", 4 } },
	{ { "traceparent", 11 }, { "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", 55 } },
};

static void begin_test(void)
{
	static bool started;
	char *empty[] = { NULL };

	if (!started)
		stub_start(empty);
	started = true;
	while (stub_span())
		;
}

/* The first `count` of the fields above. */
static bool ask(uint32_t conn, int64_t stream, uint32_t count)
{
	rm_strbuf_init(&lines, lines_room, sizeof(lines_room));
	return rm_http3_request(rm_thread_self(), conn, stream, get, count, &lines, &replace);
}

static void answer(uint32_t conn, int64_t stream, const char *status)
{
	rm_http3_status(rm_thread_self(), conn, stream, rm_str_c(status));
}

static void end(uint32_t conn, int64_t stream, const char *error)
{
	rm_http3_end(rm_thread_self(), conn, stream, rm_str_c(error));
}

static bool attribute(const struct rm_span *span, const char *key, struct rm_attr *ret)
{
	struct rm_attr_iter it = rm_record_attrs(&span->record);

	while (rm_attr_next(&it, ret))
		if (rm_str_eq(ret->key, rm_str_c(key)))
			return true;
	return false;
}

static bool says(const struct rm_span *span, const char *key, const char *value)
{
	struct rm_attr a;

	return attribute(span, key, &a) && a.type == RM_ATTR_STR && rm_str_eq(a.v.str, rm_str_c(value));
}

static bool counts(const struct rm_span *span, const char *key, int64_t value)
{
	struct rm_attr a;

	return attribute(span, key, &a) && a.type == RM_ATTR_I64 && a.v.i64 == value;
}

/* What the request carries names the span: its bytes, as text. */
static bool is_carried(const struct rm_span *span)
{
	char id[17];

	for (int i = 0; i < 8; i++)
		snprintf(id + 2 * i, 3, "%02x", span->span_id[i]);
	return lines.n > 50 && memcmp(lines.p, "traceparent: 00-", 16) == 0 && memcmp(lines.p + 49, id, 16) == 0;
}

RM_TEST("a request whose response is whole is a CLIENT span, which it carries")
{
	const struct rm_span *span;
	struct rm_attr a;

	begin_test();
	RM_CHECK(ask(A, 0, 5) && !replace);
	answer(A, 0, "103");
	answer(A, 0, "200");
	RM_CHECK(!stub_span());
	end(A, 0, "");
	span = stub_span();
	RM_CHECK(span && span->kind == RM_KIND_CLIENT && span->status == RM_STATUS_UNSET && is_carried(span));
	RM_CHECK(says(span, "http.request.method", "GET") && says(span, "network.protocol.version", "3"));
	RM_CHECK(says(span, "url.full", "https://shop.example:8443/item?id=1"));
	RM_CHECK(says(span, "server.address", "shop.example") && counts(span, "server.port", 8443));
	RM_CHECK(counts(span, "http.response.status_code", 200) && !attribute(span, "error.type", &a));
	end(A, 0, "");
	RM_CHECK(!stub_span());
	RM_CHECK(all_freed());
}

RM_TEST("streams of two connections with the same numbers are told apart, and each ends as it does")
{
	static const char *const errors[] = { "request_rejected", "", "connection_closed", "connection_closed" };

	begin_test();
	for (int i = 0; i < 4; i++) {
		RM_CHECK(ask(A, 4 * i, 5));
		RM_CHECK(ask(B, 4 * i, 5));
		answer(B, 4 * i, i == 3 ? "503" : "200");
	}
	end(A, 0, "request_rejected");
	answer(A, 4, "404");
	end(A, 4, "");
	rm_http3_closed(rm_thread_self(), A);
	for (int i = 0; i < 4; i++) {
		const struct rm_span *span = stub_span();

		RM_CHECK(span && span->status == RM_STATUS_ERROR);
		RM_CHECK(i == 1 ? says(span, "error.type", "404") : says(span, "error.type", errors[i]));
	}
	RM_CHECK(!stub_span());
	for (int i = 0; i < 4; i++)
		end(B, 4 * i, "");
	for (int i = 0; i < 4; i++) {
		const struct rm_span *span = stub_span();

		RM_CHECK(span && span->status == (i == 3 ? RM_STATUS_ERROR : RM_STATUS_UNSET));
	}
	RM_CHECK(all_freed());
}

RM_TEST("it belongs to the request that is being served")
{
	const struct rm_span *client, *server;
	uint8_t parent[8];

	begin_test();
	accept_on(90);
	request_on(90, 1);
	RM_CHECK(ask(A, 0, 5));
	answer(A, 0, "200");
	end(A, 0, "");
	client = stub_span();
	RM_CHECK(client != NULL);
	memcpy(parent, client->parent_id, 8);
	answer_on(90);
	server = stub_span();
	RM_CHECK(server && server->kind == RM_KIND_SERVER && memcmp(server->span_id, parent, 8) == 0);
	close_fd(90);
	RM_CHECK(all_freed());
}

RM_TEST("a traceparent of the program's own stays, and is the parent")
{
	const struct rm_span *span;

	begin_test();
	RM_CHECK(ask(A, 0, 6) && !replace && lines.n == 0);
	end(A, 0, "request_cancelled");
	span = stub_span();
	RM_CHECK(span && span->parent_id[0] == 0 && span->parent_id[1] == 0xf0 && span->trace_id[0] == 0x4b);
	RM_CHECK(all_freed());
}

RM_TEST("one that came in and is forwarded becomes that of the CLIENT span, in its place")
{
	static const char text[] = "GET /in HTTP/1.1\r\nHost: h\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-"
				   "00f067aa0ba902b7-01\r\n\r\n";
	const struct rm_span *span;

	begin_test();
	accept_on(90);
	receive_text(90, text, sizeof(text) - 10);
	receive_text(90, text + sizeof(text) - 10, 9);
	RM_CHECK(ask(A, 0, 6) && replace);
	answer(A, 0, "200");
	end(A, 0, "");
	span = stub_span();
	RM_CHECK(span && is_carried(span));
	answer_on(90);
	close_fd(90);
	begin_test();
	RM_CHECK(all_freed());
}

RM_TEST("what is no request, was refused, or is a call of gRPC-Web gives no span and carries nothing")
{
	static const struct rm_http3_field grpc[] = {
		{ { ":method", 7 }, { "POST", 4 } },
		{ { ":path", 5 }, { "/a.B/C", 6 } },
		{ { "content-type", 12 }, { "application/grpc-web", 20 } },
	};

	begin_test();
	RM_CHECK(!ask(A, 0, 0) && !ask(A, 0, 2) && lines.n == 0);
	RM_CHECK(!rm_http3_request(rm_thread_self(), A, 0, grpc, 3, &lines, &replace) && lines.n == 0);
	RM_CHECK(ask(A, 0, 5));
	rm_http3_refused(A, 0);
	end(A, 0, "");
	RM_CHECK(!stub_span());
	RM_CHECK(all_freed());
}

RM_TEST("a stream that no client has for a request is not followed")
{
	begin_test();
	RM_CHECK(!ask(A, 1, 5) && !ask(A, -4, 5) && !ask(A, INT64_MAX, 5) && lines.n == 0);
	answer(A, 1, "200");
	end(A, 1, "");
	rm_http3_refused(A, -4);
	RM_CHECK(!stub_span());
	RM_CHECK(all_freed());
}

RM_TEST("of too many streams the first are followed, and the end of the process ends them")
{
	int followed = 0, spans = 0;

	begin_test();
	for (int i = 0; i < MANY; i++)
		followed += ask(A, 4 * i, 5);
	RM_CHECK(followed > 512 && followed <= 1024);
	rm_local_end_all(rm_thread_self());
	for (const struct rm_span *span; (span = stub_span()) != NULL; spans++)
		RM_CHECK(says(span, "error.type", "process_exit"));
	RM_CHECK(spans > 0 && spans <= followed);
	RM_CHECK(all_freed());
}

/* ---- several threads ---- */

enum { ROUNDS = 2000 };

struct asker {
	uint32_t conn;
	int followed;
	atomic_bool over;
};

/* As a thread with a connection of its own. */
static void *ask_and_end(void *arg)
{
	struct asker *a = arg;
	char room[RM_HTTP3_LINES_BYTES];

	for (int64_t i = 0; i < ROUNDS; i++) {
		struct rm_strbuf own;
		bool replaces;
		struct rm_scope s;

		if (!rm_enter(&s))
			continue;
		rm_strbuf_init(&own, room, sizeof(room));
		a->followed += rm_http3_request(s.thread, a->conn, 4 * i, get, 5, &own, &replaces);
		rm_http3_status(s.thread, a->conn, 4 * i, RM_STR("200"));
		rm_http3_end(s.thread, a->conn, 4 * i, RM_STR(""));
		rm_leave(&s);
	}
	atomic_store(&a->over, true);
	return NULL;
}

static int spans_of_all_rings(void)
{
	static _Alignas(8) char buf[RM_RECORD_MAX_BYTES];
	int n = 0;

	for (uint32_t ring = 0; ring < RM_SEGMENT_SPAN_RINGS; ring++)
		while (rm_segment_pop(&stub_segment, ring, buf) > 0)
			n++;
	return n;
}

RM_TEST("what the process ends while others are at it is ended once")
{
	struct asker a = { .conn = A }, b = { .conn = B };
	pthread_t first, second;
	int spans = 0;

	begin_test();
	RM_CHECK(pthread_create(&first, NULL, ask_and_end, &a) == 0);
	RM_CHECK(pthread_create(&second, NULL, ask_and_end, &b) == 0);
	while (!atomic_load(&a.over) || !atomic_load(&b.over)) {
		rm_local_end_all(rm_thread_self());
		spans += spans_of_all_rings();
	}
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	spans += spans_of_all_rings();
	RM_CHECK(a.followed == ROUNDS && b.followed == ROUNDS && spans == 2 * ROUNDS);
	RM_CHECK(all_freed());
}
