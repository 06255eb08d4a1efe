/* http.request.resend_count: which requests are sent again, and which only seem to. */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/client_fixture.h"

static int64_t counts[8]; /* of the spans that ended, in order; 0: they have none */

static size_t ended(void)
{
	const struct rm_span *span;
	size_t n = 0;

	for (; (span = stub_span()) != NULL && n < 8; n++) {
		struct rm_attr_iter it = rm_record_attrs(&span->record);
		struct rm_attr attr;

		counts[n] = 0;
		while (rm_attr_next(&it, &attr))
			if (rm_str_eq(attr.key, RM_STR("http.request.resend_count")))
				counts[n] = attr.v.i64;
	}
	return n;
}

/* A request and its answer; `status` 0: none comes. */
static void ask(int fd, const char *path, int status, const char *location)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: h:80\r\n\r\n", path);

	RM_CHECK(send_text(fd, text, (size_t)n) == n);
	if (!status)
		return;
	n = snprintf(text, sizeof(text), "HTTP/1.1 %d x\r\nContent-Length: 0\r\n%s%s%s\r\n", status,
		     location ? "Location: " : "", location ? location : "", location ? "\r\n" : "");
	receive_text(fd, text, (size_t)n);
}

/* The count of the last of two requests. */
static int64_t second(int status, const char *location, const char *path)
{
	open_client(7);
	ask(7, "/first?a=b", status, location);
	ask(7, path, 200, NULL);
	close_fd(7);
	RM_CHECK(ended() == 2 && counts[0] == 0);
	return counts[1];
}

RM_TEST("the request that a redirect names is a resent one, in each form that needs no guess")
{
	char *none[] = { NULL };

	stub_start(none);
	RM_CHECK(second(302, "/next", "/next") == 1);
	RM_CHECK(second(301, "http://h:80/next?x=%20", "/next?x=%20") == 1);
	RM_CHECK(second(303, "/next#part", "/next") == 1);
	RM_CHECK(second(307, "http://h:80", "/") == 1);
	RM_CHECK(second(308, "/first?a=b", "/first?a=b") == 1);
}

RM_TEST("another URL, another status and forms that have to be resolved are not counted")
{
	RM_CHECK(second(302, "/next", "/other") == 0);
	RM_CHECK(second(302, "http://h/next", "/next") == 0);
	RM_CHECK(second(302, "https://h:80/next", "/next") == 0);
	RM_CHECK(second(302, "//h:80/next", "/next") == 0);
	RM_CHECK(second(302, "next", "/next") == 0);
	RM_CHECK(second(302, "", "/first?a=b") == 0);
	RM_CHECK(second(302, "/a\r\nLocation: /b", "/a") == 0);
	RM_CHECK(second(201, "/next", "/next") == 0);
	RM_CHECK(second(300, "/next", "/next") == 0);
	RM_CHECK(second(503, NULL, "/first?a=b") == 0);
}

RM_TEST("a chain of redirects counts up, and over a tunnel, too")
{
	static const char tunnel[] = "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n";

	open_client(7);
	ask(7, "/1", 302, "/2");
	ask(7, "/2", 302, "/3");
	close_fd(7);
	open_client(8);
	RM_CHECK(send_text(8, tunnel, sizeof(tunnel) - 1) == sizeof(tunnel) - 1);
	close_fd(8);
	open_client(7);
	ask(7, "/3", 200, NULL);
	ask(7, "/3", 200, NULL);
	close_fd(7);
	RM_CHECK(ended() == 5);
	RM_CHECK(counts[0] == 0 && counts[1] == 1 && counts[2] == 0 && counts[3] == 2 && counts[4] == 0);
}

RM_TEST("after a request in between, or one that came in, nothing is counted")
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	struct rm_scope s;
	int pair[2];

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	open_client(77);
	ask(77, "/1", 302, "/2");
	ask(77, "/x", 200, NULL);
	ask(77, "/2", 302, "/3");
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, pair[0]);
		rm_leave(&s);
	}
	receive_text(pair[0], request, sizeof(request) - 1);
	close_fd(pair[0]);
	close(pair[0]);
	close(pair[1]);
	ask(77, "/3", 200, NULL);
	close_fd(77);
	RM_CHECK(ended() == 5);
	for (int i = 0; i < 5; i++)
		RM_CHECK(counts[i] == 0);
}

RM_TEST("a thread that has had two requests under way is not believed any more")
{
	open_client(7);
	open_client(8);
	ask(7, "/1", 0, NULL);
	ask(8, "/2", 200, NULL);
	close_fd(7);
	close_fd(8);
	RM_CHECK(ended() == 2);
	RM_CHECK(second(302, "/next", "/next") == 0);
	RM_CHECK(all_freed());
}

/* ---- within a call of a client library ---- */

/* `frame`: where the caller's stack is, as the library's hook says it. */
static void in_call(const void *frame)
{
	struct rm_scope s;

	RM_CHECK(rm_enter(&s));
	rm_resend_call(&s, frame);
	rm_leave(&s);
}

static void over(void)
{
	struct rm_scope s;

	RM_CHECK(rm_enter(&s));
	rm_resend_call_over(&s);
	rm_leave(&s);
}

static int64_t second_in_call(int status, const char *location, const char *path)
{
	int64_t count;

	in_call(__builtin_frame_address(0));
	count = second(status, location, path);
	over();
	return count;
}

RM_TEST("within a call what follows a redirect is counted wherever it leads")
{
	RM_CHECK(second_in_call(302, "next", "/next") == 1);
	RM_CHECK(second_in_call(302, "/next?password=1", "/other") == 1);
	RM_CHECK(second_in_call(302, "/a\r\nLocation: /b", "/a") == 0);
	RM_CHECK(second_in_call(200, "/next", "/next") == 0);
	RM_CHECK(second_in_call(302, NULL, "/next") == 0);
}

RM_TEST("within a call an answer that asks for another attempt is followed by one at the same URL")
{
	static const int asks[] = { 401, 407, 417, 421 };

	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		RM_CHECK(second_in_call(asks[i], NULL, "/first?a=b") == 1);
		RM_CHECK(second_in_call(asks[i], NULL, "/first?a=c") == 0);
		RM_CHECK(second(asks[i], NULL, "/first?a=b") == 0);
	}
	RM_CHECK(second_in_call(503, NULL, "/first?a=b") == 0);
	RM_CHECK(second_in_call(200, NULL, "/first?a=b") == 0);
}

/* A request whose connection ends behind `answer`, and the same again on another one. */
static int64_t after_the_end(const char *answer)
{
	open_client(7);
	ask(7, "/x", 0, NULL);
	receive_text(7, answer, strlen(answer));
	if (*answer)
		receive_text(7, "", 0);
	close_fd(7);
	open_client(8);
	ask(8, "/x", 200, NULL);
	close_fd(8);
	RM_CHECK(ended() == 2);
	return counts[1];
}

RM_TEST("within a call a connection that broke without an answer is followed by another attempt")
{
	in_call(__builtin_frame_address(0));
	RM_CHECK(after_the_end("") == 1);
	over();
	in_call(__builtin_frame_address(0));
	RM_CHECK(after_the_end("HTTP/1.1 200 OK\r\n") == 0);
	over();
	RM_CHECK(after_the_end("") == 0);
}

RM_TEST("a call inside of another, one that is over and one that was left by longjmp count nothing")
{
	const void *frame = __builtin_frame_address(0);

	in_call(frame);
	in_call((const char *)frame - 64);
	RM_CHECK(second(401, NULL, "/first?a=b") == 0);
	over();
	RM_CHECK(second(401, NULL, "/first?a=b") == 1);
	open_client(7);
	ask(7, "/x", 302, "y");
	over();
	ask(7, "/y", 200, NULL);
	close_fd(7);
	RM_CHECK(ended() == 2 && counts[1] == 0);
	over();
	in_call((const char *)frame - (1 << 19));
	RM_CHECK(second(401, NULL, "/first?a=b") == 0);
	RM_CHECK(second_in_call(401, NULL, "/first?a=b") == 1);
	RM_CHECK(all_freed());
}
