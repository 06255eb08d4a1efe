/*
 * X-Amzn-Trace-Id in heads: what a program reads, and what leaves it when it forwards that.
 */
#include "tests/unit/served_fixture.h"

#define TRACE  "12345678-901234567890123456789012"
#define ROOT   "Root=1-" TRACE
#define CALLER "00f067aa0ba902b7"

enum { IN_FD = 300, OUT_FD = 7 };

static char got[4096]; /* the head that the program read */

/* A request, as the program reads it. */
static void serve(const char *request)
{
	struct iovec iov = { got, sizeof(got) };
	struct rm_rx rx;
	size_t n = strlen(request);
	ssize_t grown;

	accept_on(IN_FD);
	rm_rx_begin(&rx, IN_FD, sizeof(got), 0);
	memcpy(got, request, n);
	grown = rm_rx_done(&rx, &iov, 1, (ssize_t)n);
	RM_CHECK(grown >= (ssize_t)n);
	got[grown] = '\0';
}

static void end(void)
{
	answer_on(IN_FD);
	close_fd(IN_FD);
	while (stub_span())
		;
	RM_CHECK(all_freed());
}

/* The same head, sent on; NUL-terminated. */
static const char *forward(const char *head)
{
	open_client(OUT_FD);
	sent_bytes = 0;
	send_text(OUT_FD, head, strlen(head));
	sent[sent_bytes] = '\0';
	return sent;
}

static void answer(void)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	receive_text(OUT_FD, reply, sizeof(reply) - 1);
	close_fd(OUT_FD);
}

/* `text` is `pattern`, in which `#` stands for the span id of exchange `x`. */
static bool is_of(const char *text, const char *pattern, uint32_t x)
{
	char want[1024], id[17] = { 0 };
	size_t n = 0;

	rm_hex_encode(rm_exchange_at(x)->ctx.span_id, 8, id);
	for (; *pattern; pattern++)
		n += *pattern == '#' ? (size_t)sprintf(want + n, "%s", id) : (want[n] = *pattern, 1u);
	want[n] = '\0';
	if (text && strcmp(text, want) == 0)
		return true;
	printf("# got  %s\n# want %s\n", text ? text : "nothing", want);
	return false;
}

static void start(char *setting)
{
	static bool started;
	char *environment[] = { setting, NULL };

	if (!started)
		stub_start(environment);
	started = true;
	rm_env_load(&stub_env, environment, NULL);
	rm_config_build(&stub_config, &stub_env);
}

RM_TEST("a program reads its own span in the header that came, and what else was in there")
{
	start("OTEL_PROPAGATORS=xray");
	serve("GET / HTTP/1.1\r\nX-Amzn-Trace-Id: Self=1-2-3;" ROOT ";Parent=" CALLER ";Sampled=1;Lineage=1:a:2\r\n"
	      "Host: h\r\n\r\n");
	RM_CHECK(is_of(got, "GET / HTTP/1.1\r\nX-Amzn-Trace-Id: Self=1-2-3;" ROOT
			    ";Parent=#;Sampled=1;Lineage=1:a:2\r\nHost: h\r\n\r\n", 1));
	RM_CHECK(rm_exchange_at(1)->parent.valid && rm_exchange_at(1)->parent.span_id[7] == 0xb7);
	RM_CHECK(is_of(forward(got), "GET / HTTP/1.1\r\nX-Amzn-Trace-Id: Self=1-2-3;" ROOT
			    ";Parent=#;Sampled=1;Lineage=1:a:2\r\nHost: h\r\n\r\n", 2));
	RM_CHECK(memcmp(rm_exchange_at(2)->parent.span_id, rm_exchange_at(1)->ctx.span_id, 8) == 0);
	answer();
	end();
}

RM_TEST("the trace of a load balancer is joined, and its header becomes whole")
{
	start("OTEL_PROPAGATORS=xray");
	serve("GET / HTTP/1.1\nHost: h\nX-Amzn-Trace-Id: " ROOT "\n\n");
	RM_CHECK(is_of(got, "GET / HTTP/1.1\nHost: h\nX-Amzn-Trace-Id: " ROOT ";Parent=#;Sampled=1\n\n", 1));
	RM_CHECK(!rm_exchange_at(1)->parent.valid && rm_exchange_at(1)->ctx.trace_id[0] == 0x12);
	end();
}

RM_TEST("a request without the header gets one, in the trace that begins")
{
	const char *line;

	start("OTEL_PROPAGATORS=xray");
	serve("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	line = strstr(got, "x-amzn-trace-id: Root=1-");
	RM_CHECK(line && is_of(strstr(line, ";Parent="), ";Parent=#;Sampled=1\r\n\r\n", 1));
	RM_CHECK(is_of(strstr(forward(got), ";Parent="), ";Parent=#;Sampled=1\r\n\r\n", 2));
	answer();
	end();
}

RM_TEST("a header that nothing is known of, or whose name a signature has, stays as it is")
{
	static const char twice[] = "GET / HTTP/1.1\r\nX-Amzn-Trace-Id: " ROOT "\r\nX-Amzn-Trace-Id: " ROOT "\r\n\r\n";
	static const char broken[] = "GET / HTTP/1.1\r\nX-Amzn-Trace-Id: Root=1-2-3\r\n\r\n";
	static const char covered[] = "GET / HTTP/1.1\r\nX-Amzn-Trace-Id: " ROOT ";Parent=" CALLER ";Sampled=1\r\n"
				      "Signature-Input: s=(\"X-amzn-trace-id\")\r\n\r\n";
	const char *const heads[] = { twice, broken, covered };

	start("OTEL_PROPAGATORS=xray");
	for (size_t i = 0; i < 3; i++) {
		serve(heads[i]);
		RM_CHECK(strcmp(got, heads[i]) == 0);
		end();
	}
}

RM_TEST("beside traceparent the header that is sent on names the span that sends it")
{
	const char *out;

	start("OTEL_PROPAGATORS=tracecontext,xray");
	serve("GET / HTTP/1.1\r\nX-Amzn-Trace-Id: " ROOT ";Parent=" CALLER ";Sampled=0\r\nHost: h\r\n\r\n");
	RM_CHECK(strstr(got, "X-Amzn-Trace-Id: " ROOT ";Parent=" CALLER ";Sampled=0\r\nHost: h\r\ntraceparent: "));
	out = forward(got);
	RM_CHECK(is_of(strstr(out, "X-Amzn"), "X-Amzn-Trace-Id: " ROOT ";Parent=#;Sampled=0\r\nHost: h\r\n"
		       "traceparent: 00-12345678901234567890123456789012-#-00\r\n\r\n", 2));
	answer();
	end();
	serve("GET / HTTP/1.1\r\ntraceparent: 00-12345678901234567890123456789012-" CALLER "-01\r\n"
	      "X-Amzn-Trace-Id: " ROOT "\r\n\r\n");
	out = forward(got);
	RM_CHECK(is_of(strstr(out, "traceparent"), "traceparent: 00-12345678901234567890123456789012-#-01\r\n"
		       "X-Amzn-Trace-Id: " ROOT ";Parent=#;Sampled=1\r\n\r\n", 2));
	answer();
	end();
}

/* Sends a head of so many bytes on, with the header that a load balancer made. */
static bool is_forwarded_as_it_is(size_t bytes)
{
	static const char start_of[] = "GET / HTTP/1.1\r\nX-Amzn-Trace-Id: " ROOT "\r\nA: ", end_of[] = "\r\n\r\n";
	static char head[8192];
	size_t at = sizeof(start_of) - 1;

	memcpy(head, start_of, at);
	memset(head + at, 'a', bytes - at);
	memcpy(head + bytes - (sizeof(end_of) - 1), end_of, sizeof(end_of));
	return strcmp(forward(head), head) == 0;
}

RM_TEST("a header does not grow where a server would then refuse the head")
{
	start("OTEL_PROPAGATORS=xray");
	serve("GET / HTTP/1.1\r\nX-Amzn-Trace-Id: " ROOT "\r\n\r\n");
	RM_CHECK(is_forwarded_as_it_is(4090));
	answer();
	RM_CHECK(!is_forwarded_as_it_is(4000));
	answer();
	end();
}

RM_TEST("a header that names a span of the program's own is the program's")
{
	static const char own[] = "GET / HTTP/1.1\r\nX-Amzn-Trace-Id: " ROOT ";Parent=00000000000000aa;Sampled=1\r\n\r\n";

	start("OTEL_PROPAGATORS=tracecontext,xray");
	serve("GET / HTTP/1.1\r\nX-Amzn-Trace-Id: " ROOT ";Parent=" CALLER ";Sampled=1\r\n\r\n");
	RM_CHECK(strcmp(forward(own), own) == 0);
	RM_CHECK(rm_exchange_at(2)->parent.span_id[7] == 0xaa);
	answer();
	end();
}
