/* Heads that are not to be changed, or only with care: signed ones, and those whose end is disputed. */
#include <sys/socket.h>
#include <unistd.h>

#include "protocols/http2_frame.h"
#include "tests/unit/client_fixture.h"

#define VALUE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define FIELD "traceparent: " VALUE "\r\n"

static char got[4096]; /* what a program reads that was sent some text */

/* Has a program read `n` bytes of a new connection; true when they are as they were sent. */
static bool read_as_sent(const char *text, size_t n)
{
	struct iovec iov = { got, sizeof(got) - 1 };
	struct rm_scope s;
	struct rm_rx rx;
	int pair[2];
	ssize_t r;

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, pair[0]);
		rm_leave(&s);
	}
	rm_rx_begin(&rx, pair[0], iov.iov_len, 0);
	memcpy(got, text, n);
	r = rm_rx_done(&rx, &iov, 1, (ssize_t)n);
	got[r > 0 ? r : 0] = '\0';
	close_fd(pair[0]);
	close(pair[0]);
	close(pair[1]);
	return (size_t)r == n && memcmp(got, text, n) == 0;
}

static bool reads(const char *text)
{
	return read_as_sent(text, strlen(text));
}

RM_TEST("a traceparent that a signature covers is read as it came")
{
	char *none[] = { NULL };

	stub_start(none);
	RM_CHECK(!reads("GET / HTTP/1.1\r\n" FIELD "\r\n"));
	RM_CHECK(reads("GET / HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256 Credential=k/s3/aws4_request, "
		       "SignedHeaders=host;traceparent;x-amz-date, Signature=0\r\n" FIELD "\r\n"));
	RM_CHECK(reads("GET / HTTP/1.1\r\n" FIELD "Signature-Input: s=(\"@method\" \"traceparent\");created=1\r\n\r\n"));
	RM_CHECK(reads("GET /?X-Amz-SignedHeaders=host%3BTraceparent HTTP/1.1\r\n" FIELD "\r\n"));
	RM_CHECK(!reads("GET /?X-Amz-SignedHeaders=host%3Btracestate HTTP/1.1\r\n" FIELD "\r\n"));
}

RM_TEST("a signature's list is found wherever it stands, behind whatever looks like it")
{
	static const char before[] = "tracetraceparen-traceparen TRACEPARtratracepar", name[] = "TraceParent";
	char text[512];

	for (size_t from = 0; from < sizeof(before); from++) {
		for (size_t cut = 0; cut < 2; cut++) {
			snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" FIELD "X-List: %s%.*s\r\n\r\n", before + from,
				 (int)(sizeof(name) - 1 - cut), name);
			RM_CHECK(reads(text) == !cut);
		}
	}
}

RM_TEST("the same in a block of HTTP/2")
{
	static const char name[] = "\x0btraceparent\x37" VALUE, list[] = "\x0fsignature-input\x0b";
	char text[512], block[256] = { '\x82', '\x86', '\x84' };

	for (int is_signed = 0; is_signed < 2; is_signed++) {
		struct rm_http2_frame f = { .stream = 1, .type = RM_HTTP2_HEADERS,
					    .flags = RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM };
		size_t n = 4, at = RM_HTTP2_PREFACE;

		memcpy(block + n, name, sizeof(name) - 1);
		n += sizeof(name); /* and the zero of the next field */
		memcpy(block + n, list, sizeof(list) - 1);
		memcpy(block + n + sizeof(list) - 1, is_signed ? "traceparent" : "traceparens", 11);
		n += sizeof(list) - 1 + 11;
		memcpy(text, rm_http2_preface, RM_HTTP2_PREFACE);
		rm_http2_frame_write(&(struct rm_http2_frame){ .type = RM_HTTP2_SETTINGS }, (uint8_t *)text + at);
		at += RM_HTTP2_FRAME_HEAD;
		f.bytes = (uint32_t)n;
		rm_http2_frame_write(&f, (uint8_t *)text + at);
		at += RM_HTTP2_FRAME_HEAD;
		memcpy(text + at, block, n);
		RM_CHECK(read_as_sent(text, at + n) == is_signed);
	}
}

/* Reads a request that gets a line of ours, and writes the request that forwards it, with `more` lines. */
static void forward(char *request, size_t cap, const char *more, int *ret_pair)
{
	static const char incoming[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	struct iovec iov = { got, sizeof(got) - 1 };
	struct rm_scope s;
	struct rm_rx rx;
	char *line;
	ssize_t n;

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ret_pair) == 0);
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, ret_pair[0]);
		rm_leave(&s);
	}
	rm_rx_begin(&rx, ret_pair[0], iov.iov_len, 0);
	memcpy(got, incoming, sizeof(incoming) - 1);
	n = rm_rx_done(&rx, &iov, 1, sizeof(incoming) - 1);
	got[n > 0 ? n : 0] = '\0';
	line = strstr(got, "traceparent: ");
	RM_CHECK(line != NULL);
	snprintf(request, cap, "GET / HTTP/1.1\r\n%.68s\r\n%s\r\n", line ? line : "", more);
}

RM_TEST("a program that signs what it forwards sends what it signed")
{
	static const char *const more[] = { "", "Authorization: s SignedHeaders=host;traceparent\r\n" };
	char request[512];
	int pair[2];

	for (int i = 0; i < 2; i++) {
		forward(request, sizeof(request), more[i], pair);
		sent_bytes = 0;
		open_client(900);
		RM_CHECK(send_text(900, request, strlen(request)) == (ssize_t)strlen(request));
		RM_CHECK(sent_bytes == strlen(request));
		RM_CHECK((memcmp(sent, request, sent_bytes) == 0) == (i == 1));
		close_fd(900);
		close_fd(pair[0]);
		close(pair[0]);
		close(pair[1]);
	}
}

RM_TEST("our line ends as the line before it does, so that no CR LF CR LF comes to be")
{
	RM_CHECK(!reads("GET / HTTP/1.1\r\nHost: h\n\r\n"));
	RM_CHECK(strstr(got, "\ntraceparent: 00-") && !strstr(got, "\r\n\r\n"));
	RM_CHECK(!reads("GET / HTTP/1.1\nHost: h\n\n"));
	RM_CHECK(strstr(got, "\ntraceparent: 00-") && !strchr(got, '\r'));
	RM_CHECK(!reads("GET / HTTP/1.1\r\nHost: h\r\n\n"));
	RM_CHECK(strstr(got, "\r\n\n") && !strstr(got, "\r\n\r\n"));

	sent_bytes = 0;
	open_client(900);
	RM_CHECK(send_text(900, "GET / HTTP/1.1\nHost: h\n\r\n", 25) == 25);
	sent[sent_bytes] = '\0';
	RM_CHECK(strstr(sent, "\ntraceparent: 00-") && !strstr(sent, "\r\n\r\n"));
	close_fd(900);
}
