/* What runtime adapters ask of the agent: contexts by descriptor, bound, attached, as text; all by generation. */
#include <pthread.h>

#include "agent/adapter_api.h"
#include "tests/unit/served_fixture.h"

enum { SERVED_FD = 100, CLIENT_FD = 200 };

static char *ingress[] = { NULL };

/* The trace that a request carries which is sent on the client's connection. */
static const char *trace_sent(void)
{
	static const char text[] = "GET /out HTTP/1.1\r\nHost: h\r\n\r\n";
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	static char trace[33];
	char *line;

	sent_bytes = 0;
	send_text(CLIENT_FD, text, sizeof(text) - 1);
	sent[sent_bytes] = '\0';
	receive_text(CLIENT_FD, reply, sizeof(reply) - 1);
	line = strstr(sent, "traceparent: 00-");
	snprintf(trace, sizeof(trace), "%.32s", line ? line + 16 : "");
	return trace;
}

static bool belongs(rm_ctx ctx)
{
	char text[RM_CTX_TEXT_BYTES];

	return rm_ctx_to_traceparent(ctx, text) && memcmp(text + 3, trace_sent(), 32) == 0;
}

static void start(void)
{
	stub_start(ingress);
	for (int i = 0; i < 3; i++)
		accept_on(SERVED_FD + i);
	open_client(CLIENT_FD);
}

static void *other_thread(void *arg)
{
	RM_CHECK(rm_ctx_current() == 0);
	rm_ctx_attach(*(rm_ctx *)arg, RM_SOURCE_HANDOFF);
	RM_CHECK(rm_ctx_current() == *(rm_ctx *)arg);
	RM_CHECK(belongs(*(rm_ctx *)arg));
	rm_ctx_attach(0, RM_SOURCE_ATTACHED);
	RM_CHECK(!belongs(*(rm_ctx *)arg));
	return NULL;
}

/* First: the tests below close the gate of the thread rule. */
RM_TEST("what is attached to a thread counts before what it read, and goes to other threads by hand only")
{
	pthread_t thread;
	rm_ctx a, b;

	start();
	request_on(SERVED_FD, 1);
	a = rm_ctx_of_request(SERVED_FD, 0);
	RM_CHECK(rm_ctx_current() == a && belongs(a));
	rm_ctx_attach(RM_CTX_NOBODY, RM_SOURCE_ATTACHED);
	RM_CHECK(rm_ctx_current() == 0 && !belongs(a));
	RM_CHECK(rm_ctx_attach(0, RM_SOURCE_ATTACHED) == RM_CTX_NOBODY);
	RM_CHECK(pthread_create(&thread, NULL, other_thread, &a) == 0 && pthread_join(thread, NULL) == 0);
	RM_CHECK(rm_context_count(RM_SOURCE_HANDOFF) > 0);
	rm_ctx_attach(a, RM_SOURCE_ATTACHED);
	answer_on(SERVED_FD);
	request_on(SERVED_FD + 1, 1);
	b = rm_ctx_of_request(SERVED_FD + 1, 0);
	RM_CHECK(rm_ctx_current() == 0 && !belongs(b)); /* dead, and still the adapter's to say */
	rm_ctx_attach(0, RM_SOURCE_ATTACHED);
}

RM_TEST("a request is found by its descriptor as long as it is served, and alone")
{
	rm_ctx first;

	start();
	RM_CHECK(rm_ctx_of_request(SERVED_FD, 0) == 0);
	request_on(SERVED_FD, 1);
	first = rm_ctx_of_request(SERVED_FD, 0);
	RM_CHECK(first && rm_ctx_lives(first));
	RM_CHECK(rm_ctx_of_request(SERVED_FD, 1) == 0); /* no stream of HTTP/1 */
	RM_CHECK(rm_ctx_of_request(CLIENT_FD, 0) == 0); /* what goes out is not served */
	RM_CHECK(rm_ctx_of_request(9999, 0) == 0);
	answer_on(SERVED_FD);
	RM_CHECK(!rm_ctx_lives(first) && rm_ctx_of_request(SERVED_FD, 0) == 0);
	request_on(SERVED_FD, 2); /* pipelined: nobody knows which */
	RM_CHECK(rm_ctx_of_request(SERVED_FD, 0) == 0);
}

RM_TEST("a context has a text that leads back to it until it ends")
{
	char text[RM_CTX_TEXT_BYTES];
	rm_ctx ctx;

	start();
	request_on(SERVED_FD, 1);
	ctx = rm_ctx_of_request(SERVED_FD, 0);
	RM_CHECK(rm_ctx_to_traceparent(ctx, text));
	RM_CHECK(rm_ctx_from_traceparent(text, sizeof(text)) == ctx);
	RM_CHECK(rm_ctx_from_traceparent(text, sizeof(text) - 1) == 0);
	text[10] ^= 1;
	RM_CHECK(rm_ctx_from_traceparent(text, sizeof(text)) == 0); /* somebody else's trace */
	text[10] ^= 1;
	answer_on(SERVED_FD);
	RM_CHECK(rm_ctx_from_traceparent(text, sizeof(text)) == 0);
	RM_CHECK(!rm_ctx_to_traceparent(ctx, text) && !rm_ctx_to_traceparent(RM_CTX_NOBODY, text));
}

RM_TEST("REMORA_ADAPTERS names the adapters that may move in")
{
	static char *some[] = { "REMORA_ADAPTERS=python, node", NULL }, *none[] = { "REMORA_ADAPTERS=none", NULL };

	stub_start(ingress);
	RM_CHECK(rm_ctx_wanted("python") && rm_ctx_wanted("ruby"));
	stub_start(some);
	RM_CHECK(rm_ctx_wanted("python") && rm_ctx_wanted("node") && !rm_ctx_wanted("ruby"));
	stub_start(none);
	RM_CHECK(!rm_ctx_wanted("python") && !rm_ctx_wanted("none"));
}

static rm_ctx running; /* what the adapter below is asked for */
static bool asked_alone;

static rm_ctx runs(bool alone, enum rm_source *ret_how)
{
	asked_alone = alone;
	*ret_how = RM_SOURCE_HANDOFF;
	return running;
}

static rm_ctx told; /* what it was told last, and of which descriptor */
static int told_fd;
static bool tells;

static bool tell(rm_ctx ctx, int fd)
{
	told = ctx;
	told_fd = fd;
	return tells;
}

static unsigned carried_count;

static void carried(void)
{
	carried_count++;
}

static const struct rm_adapter asked = { .name = "asked", .runs = runs, .tell = tell, .carried = carried };

/* From here on: an adapter stays. */
RM_TEST("an adapter that attaches nothing is asked: believed before threads are, also where it knows of nobody")
{
	uint64_t before = rm_context_count(RM_SOURCE_HANDOFF);
	rm_ctx ctx;

	start();
	request_on(SERVED_FD, 1);
	ctx = rm_ctx_of_request(SERVED_FD, 0);
	rm_ctx_use(&asked);
	RM_CHECK(!belongs(ctx)); /* of the thread, which the tests above have shown to serve many */
	running = ctx;
	RM_CHECK(belongs(ctx) && asked_alone && rm_context_count(RM_SOURCE_HANDOFF) == before + 1);
	RM_CHECK(rm_ctx_current() == ctx && !asked_alone);
	running = RM_CTX_NOBODY;
	RM_CHECK(!belongs(ctx) && rm_ctx_current() == 0);
	running = ctx;
	answer_on(SERVED_FD);
	RM_CHECK(rm_ctx_current() == 0);
	running = 0;
}

/* Reads it; true when the program finds a traceparent in it. */
static bool reads_context(int fd, const char *text)
{
	char room[4096];
	struct iovec iov = { room, sizeof(room) };
	struct rm_rx rx;

	told = 0;
	rm_rx_begin(&rx, fd, sizeof(room), 0);
	memcpy(room, text, strlen(text));
	room[rm_rx_done(&rx, &iov, 1, (ssize_t)strlen(text))] = '\0';
	return strstr(room, "\r\ntraceparent: ") != NULL;
}

#define OUT "GET /out HTTP/1.1\r\nHost: h\r\n"
#define GET "GET /in HTTP/1.1\r\nHost: h\r\n"

RM_TEST("an adapter is told of requests that come alone on connections that it follows, which need no header then")
{
	start();
	rm_ctx_use(&asked);
	tells = true;
	RM_CHECK(reads_context(SERVED_FD, GET "\r\n") && !told);
	answer_on(SERVED_FD);
	rm_ctx_follow(SERVED_FD);
	rm_ctx_follow(CLIENT_FD); /* nor is anything else changed by these */
	rm_ctx_follow(9999);
	RM_CHECK(!reads_context(SERVED_FD, GET "\r\n"));
	RM_CHECK(told && told == rm_ctx_of_request(SERVED_FD, 0) && told_fd == SERVED_FD);
	answer_on(SERVED_FD);
	RM_CHECK(!reads_context(SERVED_FD, GET "Content-Length: 2\r\n\r\nhi") && told);
	answer_on(SERVED_FD);
	RM_CHECK(reads_context(SERVED_FD + 1, GET "\r\n") && !told); /* another one is not followed */
	answer_on(SERVED_FD + 1);
	tells = false; /* it cannot tell */
	RM_CHECK(reads_context(SERVED_FD, GET "\r\n") && told);
	answer_on(SERVED_FD);
	tells = true; /* a context that came with it stays one */
	RM_CHECK(reads_context(SERVED_FD, GET "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n"));
	RM_CHECK(told);
}

RM_TEST("an adapter is told of requests that go out with the context of one that is served, not of those with another one")
{
	static const char own[] = OUT "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n", none[] = OUT "\r\n";
	char text[RM_CTX_TEXT_BYTES + 1] = "", head[200];
	unsigned before;
	rm_ctx ctx;

	start();
	rm_ctx_use(&asked);
	request_on(SERVED_FD, 1);
	ctx = rm_ctx_of_request(SERVED_FD, 0);
	RM_CHECK(rm_ctx_to_traceparent(ctx, text));
	before = carried_count;
	send_text(CLIENT_FD, own, sizeof(own) - 1);
	send_text(CLIENT_FD, none, sizeof(none) - 1);
	RM_CHECK(carried_count == before);
	snprintf(head, sizeof(head), OUT "traceparent: %.55s\r\n\r\n", text);
	send_text(CLIENT_FD, head, strlen(head));
	RM_CHECK(carried_count == before + 1);
	answer_on(SERVED_FD);
}

RM_TEST("nothing is told of pipelined requests, of which each has its header")
{
	start();
	rm_ctx_use(&asked);
	tells = true;
	rm_ctx_follow(SERVED_FD);
	RM_CHECK(reads_context(SERVED_FD, GET "\r\n" GET "\r\n") && !told);
	answer_on(SERVED_FD);
	RM_CHECK(reads_context(SERVED_FD, GET "\r\n") && !told); /* the one before has no answer yet */
	answer_on(SERVED_FD);
	answer_on(SERVED_FD);
	RM_CHECK(!reads_context(SERVED_FD, GET "\r\n") && told);
}
