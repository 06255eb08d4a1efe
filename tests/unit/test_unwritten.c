/*
 * A proxy whose requests come in with a context that could not be replaced: what it forwards belongs to the request
 * that came in with the same, unless two of those that are being served did.
 */
#include "tests/unit/served_fixture.h"

enum { MANY = 70 /* more than the list has places */, FIRST_FD = 300, OUT_FD = 7 };

/* A traceparent of the outside, the n-th. */
static void name_context(int n, char ret[RM_TRACEPARENT_BYTES + 1])
{
	snprintf(ret, RM_TRACEPARENT_BYTES + 1, "00-%032x-%016x-01", n + 1, n + 1);
}

/* A request with the n-th context, of which one read brings what another one goes on with. */
static void read_in_two(int fd, int n)
{
	char text[200], context[RM_TRACEPARENT_BYTES + 1];
	size_t bytes, cut;

	name_context(n, context);
	bytes = (size_t)snprintf(text, sizeof(text), "GET /in HTTP/1.1\r\nHost: h\r\ntraceparent: %s\r\n\r\n", context);
	cut = bytes - 20;
	accept_on(fd);
	receive_text(fd, text, cut);
	receive_text(fd, text + cut, bytes - cut);
}

/* Forwards the n-th context and takes the answer. True when it left with another span's id: the CLIENT span's. */
static bool forward(int n)
{
	char text[200], context[RM_TRACEPARENT_BYTES + 1];
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	size_t bytes;

	name_context(n, context);
	bytes = (size_t)snprintf(text, sizeof(text), "GET /out HTTP/1.1\r\nHost: h\r\ntraceparent: %s\r\n\r\n", context);
	open_client(OUT_FD);
	sent_bytes = 0;
	send_text(OUT_FD, text, bytes);
	RM_CHECK(sent_bytes == bytes);
	receive_text(OUT_FD, reply, sizeof(reply) - 1);
	close_fd(OUT_FD);
	return memcmp(sent, text, bytes) != 0;
}

static void drop_spans(void)
{
	while (stub_span())
		;
}

/* The parent of the CLIENT span that ended last, and its own trace. */
static bool parent_is(const struct rm_exchange *server)
{
	const struct rm_span *span = stub_span();

	return span && span->kind == RM_KIND_CLIENT && memcmp(span->parent_id, server->ctx.span_id, 8) == 0 &&
	       memcmp(span->trace_id, server->ctx.trace_id, 16) == 0;
}

RM_TEST("what is forwarded belongs to the request that came in with it, whatever else is being served")
{
	char *none[] = { NULL };
	struct rm_exchange *first;

	stub_start(none);
	read_in_two(FIRST_FD, 0);
	read_in_two(FIRST_FD + 1, 1);
	read_in_two(FIRST_FD + 2, 2);
	first = rm_exchange_at(1);
	RM_CHECK(first->kind == RM_KIND_SERVER && first->parent.span_id[7] == 1);
	RM_CHECK(forward(0));
	RM_CHECK(parent_is(first));
	RM_CHECK(!forward(5));
	for (int i = 0; i < 3; i++)
		answer_on(FIRST_FD + i);
	drop_spans();
	RM_CHECK(!forward(0));
	for (int i = 0; i < 3; i++)
		close_fd(FIRST_FD + i);
	drop_spans();
	RM_CHECK(all_freed());
}

RM_TEST("of two requests with the same context nobody knows which one it is")
{
	read_in_two(FIRST_FD, 0);
	read_in_two(FIRST_FD + 1, 0);
	RM_CHECK(!forward(0));
	answer_on(FIRST_FD);
	RM_CHECK(forward(0));
	answer_on(FIRST_FD + 1);
	close_fd(FIRST_FD);
	close_fd(FIRST_FD + 1);
	drop_spans();
	RM_CHECK(all_freed());
}

RM_TEST("while more wait than the list has places for, none is found")
{
	for (int i = 0; i < MANY; i++)
		read_in_two(FIRST_FD + i, i);
	RM_CHECK(!forward(0) && !forward(MANY - 1));
	for (int i = MANY - 1; i > 0; i--) {
		answer_on(FIRST_FD + i);
		close_fd(FIRST_FD + i);
	}
	RM_CHECK(forward(0));
	answer_on(FIRST_FD);
	close_fd(FIRST_FD);
	drop_spans();
	RM_CHECK(all_freed());
}
