/*
 * gRPC-Web: what captures cannot say of protocols/grpc_body.c, and calls from the first byte to the span: what the
 * status is when a call ends in the ways that HTTP/1 has.
 */
#include "protocols/grpc_body.h"
#include "tests/unit/served_fixture.h"

enum { CLIENT = 7, SERVER = 9 };

static const char request[] = "POST /test.Echo/Say HTTP/1.1\r\nHost: h\r\n"
			      "Content-Type: application/grpc-web\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0";
static const char late[] = "POST /test.Echo/Say HTTP/1.1\r\nHost: h\r\nGrpc-Timeout: 1n\r\n"
			   "Content-Type: application/grpc-web\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0";
static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web\r\nContent-Length: 25\r\n\r\n";
static const char body[] = "\0\0\0\0\0\x80\0\0\0\x0fgrpc-status: 5\n";

/* The status of the one span that ended: "" for a span without, "none" for no span. */
static const char *ended_with(const char *key)
{
	static char text[64];
	const struct rm_span *span = stub_span();
	struct rm_attr_iter it;
	struct rm_attr a;

	snprintf(text, sizeof(text), "%s", span ? "" : "none");
	if (span)
		for (it = rm_record_attrs(&span->record); rm_attr_next(&it, &a);)
			if (rm_str_eq(a.key, rm_str_c(key)))
				snprintf(text, sizeof(text), "%.*s", (int)a.v.str.n, a.v.str.p);
	return text;
}

static bool status_is(const char *want)
{
	return strcmp(ended_with("rpc.response.status_code"), want) == 0;
}

static void call(const char *text, size_t n)
{
	open_client(CLIENT);
	send_text(CLIENT, text, n);
}

static void serve(const char *text, size_t n)
{
	accept_on(SERVER);
	receive_text(SERVER, text, n);
}

static void peer_ends(int fd)
{
	receive_text(fd, "", 0);
}

static void peer_resets(int fd)
{
	char room[64];
	struct iovec iov = { room, sizeof(room) };
	struct rm_rx rx;

	rm_rx_begin(&rx, fd, sizeof(room), 0);
	errno = ECONNRESET;
	rm_rx_done(&rx, &iov, 1, -1);
}

RM_TEST("the status of a call is that of the trailers in its body")
{
	char *none[] = { NULL };

	stub_start(none);
	call(request, sizeof(request) - 1);
	receive_text(CLIENT, head, sizeof(head) - 1);
	receive_text(CLIENT, body, sizeof(body) - 1);
	RM_CHECK(status_is("NOT_FOUND"));
	close_fd(CLIENT);
	RM_CHECK(all_freed());
}

RM_TEST("a client that closes its connection gives up the call, but not one whose status it has")
{
	call(request, sizeof(request) - 1);
	receive_text(CLIENT, head, sizeof(head) - 1);
	close_fd(CLIENT);
	RM_CHECK(status_is("CANCELLED"));
	call(late, sizeof(late) - 1);
	close_fd(CLIENT);
	RM_CHECK(status_is("DEADLINE_EXCEEDED"));
	call(request, sizeof(request) - 1);
	receive_text(CLIENT, head, sizeof(head) - 1);
	receive_text(CLIENT, body, sizeof(body) - 1 - 1);
	close_fd(CLIENT);
	RM_CHECK(status_is("CANCELLED"));
	RM_CHECK(all_freed());
}

RM_TEST("a server that goes away leaves its clients with UNAVAILABLE")
{
	call(request, sizeof(request) - 1);
	peer_ends(CLIENT);
	RM_CHECK(status_is("UNAVAILABLE"));
	close_fd(CLIENT);
	call(request, sizeof(request) - 1);
	peer_resets(CLIENT);
	RM_CHECK(status_is("UNAVAILABLE"));
	close_fd(CLIENT);
	RM_CHECK(all_freed());
}

RM_TEST("to a server a client that goes away is one that cancels")
{
	serve(request, sizeof(request) - 1);
	peer_ends(SERVER);
	close_fd(SERVER);
	RM_CHECK(status_is("CANCELLED"));
	serve(late, sizeof(late) - 1);
	peer_resets(SERVER);
	RM_CHECK(status_is("DEADLINE_EXCEEDED"));
	close_fd(SERVER);
	serve(request, sizeof(request) - 1);
	close_fd(SERVER);
	RM_CHECK(status_is("UNAVAILABLE"));
	RM_CHECK(all_freed());
}

RM_TEST("what becomes of a request of plain HTTP is still told as it was")
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

	call(get, sizeof(get) - 1);
	close_fd(CLIENT);
	RM_CHECK(strcmp(ended_with("error.type"), "connection_closed") == 0);
	serve(get, sizeof(get) - 1);
	peer_resets(SERVER);
	RM_CHECK(strcmp(ended_with("error.type"), "connection_reset") == 0);
	close_fd(SERVER);
}

/* ---- the body alone ---- */

/* What is made of bytes, in one piece or each for itself. */
static struct rm_grpc_body read_body(bool text, const char *p, size_t n, bool each)
{
	struct rm_grpc_body w;

	rm_grpc_body_start(&w, text);
	for (size_t i = 0; i < n; i += each ? 1 : n)
		rm_grpc_body_feed(&w, p + i, each ? 1 : n);
	return w;
}

static bool same(const struct rm_grpc_body *a, const struct rm_grpc_body *b)
{
	return a->status == b->status && a->state == b->state && a->messages == b->messages;
}

/* It is the same in one piece, in two and byte by byte. */
static struct rm_grpc_body body_of(bool text, const char *p, size_t n)
{
	struct rm_grpc_body whole = read_body(text, p, n, false), w = read_body(text, p, n, true);

	RM_CHECK(same(&whole, &w));
	for (size_t cut = 1; cut < n; cut++) {
		w = read_body(text, p, cut, false);
		rm_grpc_body_feed(&w, p + cut, n - cut);
		RM_CHECK(same(&whole, &w));
	}
	return whole;
}

static int status_of(bool text, const char *p, size_t n)
{
	return body_of(text, p, n).status;
}

/* How many messages passed; -1: that cannot be told. */
static int messages_of(bool text, const char *p, size_t n)
{
	struct rm_grpc_body b = body_of(text, p, n);

	return rm_grpc_body_counts(&b) ? (int)b.messages : -1;
}

#define STATUS(bytes) status_of(false, bytes, sizeof(bytes) - 1)
#define TEXT_STATUS(chars) status_of(true, chars, sizeof(chars) - 1)
#define MESSAGES(bytes) messages_of(false, bytes, sizeof(bytes) - 1)
#define TEXT_MESSAGES(chars) messages_of(true, chars, sizeof(chars) - 1)

RM_TEST("messages are counted that passed whole, and none of a body that cannot be read")
{
	RM_CHECK(MESSAGES("\0\0\0") == 0);
	RM_CHECK(MESSAGES("\0\0\0\0\0") == 1);
	RM_CHECK(MESSAGES("\0\0\0\0\2h") == 0);
	RM_CHECK(MESSAGES("\0\0\0\0\2hi\1\0\0\0\1x\0\0\0\0\0") == 3);
	RM_CHECK(MESSAGES("\0\0\0\0\2hi\0\0\0\0\3hi") == 1);
	RM_CHECK(MESSAGES("\0\0\0\0\2hi\2\0\0\0\1x") == -1);
	RM_CHECK(MESSAGES("\0\0\0\0\2hi\x80\0\0\0\x0fgrpc-status: 7\n") == 1);
	RM_CHECK(TEXT_MESSAGES("AAAAAAA=AAAAAAA=AAAAAAA=") == 3);
	RM_CHECK(TEXT_MESSAGES("AAAAAAA=*") == -1);
}

RM_TEST("a status is one number of up to four digits on a line of that name")
{
	RM_CHECK(STATUS("\x80\0\0\0\x0fgrpc-status:  7") == 7);
	RM_CHECK(STATUS("\x80\0\0\0\x12grpc-status: 9999\n") == 9999);
	RM_CHECK(STATUS("\x80\0\0\0\x12grpc-status:10000\n") == RM_GRPC_NO_STATUS);
	RM_CHECK(STATUS("\x80\0\0\0\x10grpc-status: 1 2") == RM_GRPC_NO_STATUS);
	RM_CHECK(STATUS("\x80\0\0\0\x10grpc-status: 1x\n") == RM_GRPC_NO_STATUS);
	RM_CHECK(STATUS("\x80\0\0\0\x0egrpc-status: \n") == RM_GRPC_NO_STATUS);
	RM_CHECK(STATUS("\x80\0\0\0\x10xgrpc-status: 1\n") == RM_GRPC_NO_STATUS);
	RM_CHECK(STATUS("\x80\0\0\0\x10grpc-status\r: 1\n") == RM_GRPC_NO_STATUS);
	RM_CHECK(STATUS("\x80\0\0\0\x10grpc\rstatus: 1\r\n") == RM_GRPC_NO_STATUS);
	RM_CHECK(STATUS("\x80\0\0\0\x1agrpc-\ngrpc-status: 3\r\n\r\nab") == 3);
}

RM_TEST("only frames that everybody knows are read, up to the first one of trailers")
{
	static const char two[] = "\x80\0\0\0\x04" "a:b\n" "\x80\0\0\0\x0dgrpc-status:1";
	static const char empty[] = "\x80\0\0\0\0" "\x80\0\0\0\x0dgrpc-status:1";
	struct rm_grpc_body w;

	RM_CHECK(STATUS("\1\0\0\0\1x" "\0\0\0\0\0" "\x80\0\0\0\x0dgrpc-status:1") == 1);
	RM_CHECK(STATUS("\x81\0\0\0\x0dgrpc-status:1") == RM_GRPC_NO_STATUS);
	RM_CHECK(STATUS("\x82\0\0\0\x0dgrpc-status:1") == RM_GRPC_NO_STATUS);
	RM_CHECK(STATUS("\2\0\0\0\1x\x80\0\0\0\x0dgrpc-status:1") == RM_GRPC_NO_STATUS);
	RM_CHECK(STATUS("\x80\0\0\1\0grpc-status:1\n") == 1);
	w = read_body(false, two, sizeof(two) - 1, false);
	RM_CHECK(w.status == RM_GRPC_NO_STATUS && rm_grpc_body_lacks(&w));
	w = read_body(false, empty, sizeof(empty) - 1, true);
	RM_CHECK(w.status == RM_GRPC_NO_STATUS && rm_grpc_body_lacks(&w));
}

RM_TEST("a body lacks its status only where it ends behind a frame")
{
	static const char cut[] = "\0\0\0\0\2a";
	struct rm_grpc_body w = read_body(false, cut, sizeof(cut) - 1, false);

	RM_CHECK(!rm_grpc_body_lacks(&w));
	w = read_body(false, cut, 3, false);
	RM_CHECK(!rm_grpc_body_lacks(&w));
	w = read_body(false, "", 0, false);
	RM_CHECK(rm_grpc_body_lacks(&w));
	w = read_body(true, "AAAAAAA=", 8, false);
	RM_CHECK(rm_grpc_body_lacks(&w));
	w = read_body(true, "AAAAAAA", 7, false);
	RM_CHECK(!rm_grpc_body_lacks(&w));
	w = read_body(true, "AAAAAAA=AA", 10, false);
	RM_CHECK(!rm_grpc_body_lacks(&w));
	w = read_body(false, "\x80\0\0\0\x0dgrpc-status:1", 18, false);
	RM_CHECK(!rm_grpc_body_lacks(&w));
}

RM_TEST("messages of any length are stepped over, seen or not")
{
	struct rm_grpc_body w;

	rm_grpc_body_start(&w, false);
	rm_grpc_body_feed(&w, "\0\xff\xff\xff\xff", 5);
	rm_grpc_body_feed(&w, NULL, UINT32_MAX);
	RM_CHECK(rm_grpc_body_lacks(&w));
	rm_grpc_body_feed(&w, "\x80\0\0\0\x0dgrpc-status:1", 18);
	RM_CHECK(w.status == 1);
	rm_grpc_body_start(&w, false);
	rm_grpc_body_feed(&w, "\0\0\0\0\x03", 5);
	rm_grpc_body_feed(&w, NULL, 4);
	rm_grpc_body_feed(&w, "\0\0\0\0\x80\0\0\0\x0dgrpc-status:1", 22);
	RM_CHECK(w.status == RM_GRPC_NO_STATUS && !rm_grpc_body_lacks(&w));
	rm_grpc_body_start(&w, false);
	rm_grpc_body_feed(&w, NULL, 2);
	rm_grpc_body_feed(&w, "\x80\0\0\0\x0dgrpc-status:1", 18);
	RM_CHECK(w.status == RM_GRPC_NO_STATUS && !rm_grpc_body_lacks(&w));
	rm_grpc_body_start(&w, true);
	rm_grpc_body_feed(&w, "AAAAAAM=", 8);
	rm_grpc_body_feed(&w, NULL, 3);
	rm_grpc_body_feed(&w, "gAAAAA1ncnBjLXN0YXR1czox", 24);
	RM_CHECK(w.status == RM_GRPC_NO_STATUS && !rm_grpc_body_lacks(&w));
}

RM_TEST("base64 may be padded anywhere between groups, and nothing else may stand there")
{
	RM_CHECK(TEXT_STATUS("gAAAAA1ncnBjLXN0YXR1czo1") == 5);
	RM_CHECK(TEXT_STATUS("gA==AAAA""DWdycGMtc3RhdHVzOjU=") == 5);
	RM_CHECK(TEXT_STATUS("gA==AAAA""DWdycGMtc3RhdHVzOjUg") == 5);
	RM_CHECK(TEXT_STATUS("gAAAAA1n\ncnBjLXN0YXR1czo1") == RM_GRPC_NO_STATUS);
	RM_CHECK(TEXT_STATUS("gA=AAAAADWdycGMtc3RhdHVzOjU=") == RM_GRPC_NO_STATUS);
	RM_CHECK(TEXT_STATUS("g===AAAADWdycGMtc3RhdHVzOjU=") == RM_GRPC_NO_STATUS);
	/* A message of seven bytes, in pieces with padding and without. */
	RM_CHECK(TEXT_STATUS("AAAAAAdhYmNkZWZngAAAAA1ncnBjLXN0YXR1czo1") == 5);
	RM_CHECK(TEXT_STATUS("AAAAAAdhYmNkZQ==Zmc=gAAAAA1ncnBjLXN0YXR1czo1") == 5);
	RM_CHECK(TEXT_STATUS("AAAAAAdhYmNkZQ==?mc=gAAAAA1ncnBjLXN0YXR1czo1") == RM_GRPC_NO_STATUS);
	/* One that ends in the middle of a group. */
	RM_CHECK(TEXT_STATUS("AAAAAAZhYmNkZWaAAAAADWdycGMtc3RhdHVzOjU=") == 5);
	RM_CHECK(TEXT_STATUS("====gAAAAA1ncnBjLXN0YXR1czo1") == RM_GRPC_NO_STATUS);
	RM_CHECK(TEXT_STATUS("gA=AAAANZ3JwYy1zdGF0dXM6NQ==") == RM_GRPC_NO_STATUS);
	/* Within a message nobody looks. */
	RM_CHECK(TEXT_STATUS("AAAAAAdhYmNk????gAAAAA1ncnBjLXN0YXR1czo1") == 5);
}
