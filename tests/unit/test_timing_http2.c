/*
 * Server-Timing in responses of HTTP/2, as a property: the peer gets the program's frames, those that end header
 * blocks of final responses with our fields at the end of the block and a length that says so, or untouched.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/client_fixture.h"
#include "tests/unit/http2_fixture.h"

enum { LITERAL = 0x00, INDEXING = 0x40 };

static int fd, peer;
static char stream[STREAM_MAX];
static size_t stream_bytes, asked_bytes;
static char asked[STREAM_MAX];
static int fields_added; /* in the last call of added() */

static void start(const char *setting)
{
	static char text[64];
	char *environment[] = { text, NULL };

	snprintf(text, sizeof(text), "REMORA_SERVER_TIMING=%s", setting);
	stub_start(environment);
}

static void ask(uint32_t id, const char *block, size_t n)
{
	asked_bytes += put_frame(asked + asked_bytes, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, id,
				 block, n);
}

static void receive_asked(void)
{
	for (size_t at = 0; at < asked_bytes; at += 2048)
		receive_text(fd, asked + at, asked_bytes - at < 2048 ? asked_bytes - at : 2048);
	asked_bytes = 0;
}

/* A server whose settings are sent, with so many requests of the streams 1, 3, ... */
static void open_server(int requests)
{
	struct rm_scope s;
	char settings[HEAD];
	int pair[2];

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	fd = pair[0];
	peer = pair[1];
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, fd);
		rm_leave(&s);
	}
	asked_bytes = put_preface(asked);
	for (int i = 0; i < requests; i++)
		ask((uint32_t)(2 * i + 1), get_block, sizeof(get_block));
	receive_asked();
	put_frame(settings, RM_HTTP2_SETTINGS, 0, 0, NULL, 0);
	RM_CHECK(send_text(fd, settings, HEAD) == HEAD);
	sent_bytes = 0;
}

/* Returns how many spans there were. */
static int close_server(void)
{
	int spans = 0;

	close_fd(fd);
	close(fd);
	close(peer);
	while (stub_span())
		spans++;
	RM_CHECK(all_freed());
	return spans;
}

static size_t add(uint8_t type, uint8_t flags, uint32_t id, const void *payload, size_t n)
{
	size_t took = put_frame(stream + stream_bytes, type, flags, id, payload, n);

	stream_bytes += took;
	return took;
}

static size_t put_field(char *to, char first, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);

	to[0] = first;
	to[1] = (char)n;
	memcpy(to + 2, name, n);
	to[2 + n] = (char)v;
	memcpy(to + 3 + n, value, v);
	return 3 + n + v;
}

/* A block of :status and pairs of names and values up to NULL, all literals. */
static size_t put_block(char *to, const char *status, const char *const *fields)
{
	size_t n = put_field(to, LITERAL, ":status", status);

	for (; fields && *fields; fields += 2)
		n += put_field(to + n, LITERAL, fields[0], fields[1]);
	return n;
}

static void respond(uint32_t id, uint8_t flags, const char *status, const char *const *fields)
{
	char block[9000];

	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | flags, id, block, put_block(block, status, fields));
}

static void ok_with_body(uint32_t id)
{
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS, id, "\x88", 1);
	add(RM_HTTP2_DATA, RM_HTTP2_END_STREAM, id, "hi", 2);
}

/* How many bytes were added to what one call sends; -1 when anything else is not as the program sent it. */
static long added(void)
{
	static char plain[STREAM_MAX * 2];
	size_t n;

	sent_bytes = 0;
	RM_CHECK(send_text(fd, stream, stream_bytes) == (ssize_t)stream_bytes);
	n = without_fields(sent, sent_bytes, plain, &fields_added);
	if (n != stream_bytes || memcmp(plain, stream, n) != 0)
		return -1;
	n = sent_bytes - stream_bytes;
	stream_bytes = 0;
	return (long)n;
}

static long added_to(const char *status, const char *const *fields)
{
	long n;

	open_server(1);
	respond(1, RM_HTTP2_END_STREAM, status, fields);
	n = added();
	RM_CHECK(close_server() == 1);
	return n;
}

#define FIELDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

RM_TEST("a response gets the field, whatever its status, and the second one where origins may read it")
{
	start("true");
	RM_CHECK(added_to("200", NULL) == TIMING_BYTES);
	RM_CHECK(added_to("204", NULL) == TIMING_BYTES);
	RM_CHECK(added_to("503", FIELDS("content-length", "0")) == TIMING_BYTES);
	RM_CHECK(added_to("200", FIELDS("server-timing", "db;dur=5")) == TIMING_BYTES);
	RM_CHECK(added_to("200", FIELDS("access-control-allow-origin", "https://a")) == TIMING_BYTES + EXPOSE_BYTES);
	RM_CHECK(added_to("200", FIELDS("access-control-allow-origin", "*", "access-control-expose-headers",
					"x-b, server-timing")) == TIMING_BYTES);
	RM_CHECK(added_to("200", FIELDS("timing-allow-origin", "*")) == TIMING_BYTES);
}

/* So many fields with 128 letters each. */
static long added_to_large(int count)
{
	const char *fields[2 * 64 + 1] = { 0 };
	char value[127];

	memset(value, 'x', 126);
	value[126] = '\0';
	for (int i = 0; i < count; i++) {
		fields[2 * i] = "aa";
		fields[2 * i + 1] = value;
	}
	return added_to("200", fields);
}

RM_TEST("what is not to be changed, or only might be, stays as it is")
{
	RM_CHECK(added_to("304", NULL) == 0);
	RM_CHECK(added_to("200", FIELDS("server-timing", "db, traceparent;desc=\"00-x\"")) == 0);
	RM_CHECK(added_to_large(20) == TIMING_BYTES && added_to_large(25) == 0);
	start("false");
	RM_CHECK(added_to("200", NULL) == 0);
	start("true");
}

RM_TEST("of interim responses, the final one and trailers only the final one has it")
{
	open_server(1);
	respond(1, 0, "103", FIELDS("link", "a"));
	RM_CHECK(added() == 0);
	respond(1, 0, "100", NULL);
	ok_with_body(1);
	stream_bytes -= HEAD + 2; /* instead of an end: */
	add(RM_HTTP2_DATA, 0, 1, "hi", 2);
	respond(1, RM_HTTP2_END_STREAM, "200", NULL); /* trailers, whatever they say */
	RM_CHECK(added() == TIMING_BYTES && is_timing(sent + 2 * HEAD + 13 + 1));
	RM_CHECK(close_server() == 1);
}

RM_TEST("pushes, what was pushed, answers to nobody and to CONNECT stay as they are")
{
	/* CONNECT h, a literal of :method and of :authority */
	static const char connect_block[] = "\x02\x07" "CONNECT" "\x01\x01" "h";

	open_server(1);
	add(RM_HTTP2_PUSH_PROMISE, RM_HTTP2_END_HEADERS, 1, "\0\0\0\2\x82\x86\x84", 7);
	ok_with_body(2);
	ok_with_body(7);
	RM_CHECK(added() == 0);
	ask(3, connect_block, sizeof(connect_block) - 1);
	receive_asked();
	respond(3, 0, "200", NULL);
	RM_CHECK(added() == 0);
	ok_with_body(1);
	RM_CHECK(added() == TIMING_BYTES);
	ok_with_body(1); /* once more */
	RM_CHECK(added() == 0);
	RM_CHECK(close_server() == 2);
}

RM_TEST("the most that the client takes of a header list is respected")
{
	for (uint32_t most = 0; most < 1000; most += 50) {
		uint8_t setting[6] = { 0, 6, 0, 0, (uint8_t)(most >> 8), (uint8_t)most };

		open_server(1);
		asked_bytes = put_frame(asked, RM_HTTP2_SETTINGS, 0, 0, setting, sizeof(setting));
		receive_asked();
		ok_with_body(1);
		/* The list counts 42, with ours 164, and more is kept for what might be added. */
		RM_CHECK(added() == (most >= 500 ? TIMING_BYTES : 0));
		close_server();
	}
}

RM_TEST("what a client takes that upgraded from HTTP/1 is known from its settings on")
{
	static const char upgrade[] = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
				      "Upgrade: h2c\r\nHTTP2-Settings: AAYAAAAB\r\n\r\n";
	static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

	for (int settled = 0; settled < 2; settled++) {
		struct rm_scope s;
		int pair[2];

		RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
		fd = pair[0];
		peer = pair[1];
		if (rm_enter(&s)) {
			rm_fd_accept(&s, -1, fd);
			rm_leave(&s);
		}
		receive_text(fd, upgrade, sizeof(upgrade) - 1);
		RM_CHECK(send_text(fd, switching, sizeof(switching) - 1) == sizeof(switching) - 1);
		asked_bytes = settled ? put_preface(asked) : 0;
		receive_asked();
		add(RM_HTTP2_SETTINGS, 0, 0, NULL, 0);
		ok_with_body(1);
		RM_CHECK(added() == (settled ? TIMING_BYTES : 0));
		RM_CHECK(close_server() == 1);
	}
}

RM_TEST("a frame of the largest size goes on in another one")
{
	static const char long_value[] = "\x88\x00\x01" "a\x7f";
	static char block[RM_HTTP2_FRAME_MAX_BYTES + 4000];
	size_t value = sizeof(block) - (sizeof(long_value) - 1) - 3, rest = value - 0x7f, last;
	struct rm_http2_frame f;

	memcpy(block, long_value, sizeof(long_value) - 1);
	block[sizeof(long_value) - 1] = (char)(rest | 0x80);
	block[sizeof(long_value)] = (char)(rest >> 7 | 0x80);
	block[sizeof(long_value) + 1] = (char)(rest >> 14);
	memset(block + sizeof(long_value) + 2, 'v', value);
	open_server(1);
	last = add(RM_HTTP2_HEADERS, RM_HTTP2_END_STREAM, 1, block, 4000);
	add(RM_HTTP2_CONTINUATION, RM_HTTP2_END_HEADERS, 1, block + 4000, RM_HTTP2_FRAME_MAX_BYTES);
	RM_CHECK(send_text(fd, stream, stream_bytes) == (ssize_t)stream_bytes);
	RM_CHECK(sent_bytes == stream_bytes + HEAD + TIMING_BYTES && memcmp(sent, stream, last) == 0);
	f = rm_http2_frame_read((uint8_t *)sent + last);
	RM_CHECK(f.bytes == RM_HTTP2_FRAME_MAX_BYTES && f.flags == 0);
	RM_CHECK(memcmp(sent + last + HEAD, stream + last + HEAD, f.bytes) == 0);
	f = rm_http2_frame_read((uint8_t *)sent + stream_bytes);
	RM_CHECK(f.type == RM_HTTP2_CONTINUATION && f.bytes == TIMING_BYTES && f.flags == RM_HTTP2_END_HEADERS &&
		 f.stream == 1 && is_timing(sent + stream_bytes + HEAD));
	stream_bytes = 0;
	close_server();
}

RM_TEST("what stands in the program's table is known, within a call and later, and added to it once")
{
	/* :status 200, and access-control-allow-origin: * for the table, whose first entry it is then. */
	static const char learns[] = "\x88\x54\x01*", knows[] = "\x88\xbe";
	/* The table is made empty, and the same of another field, so that the reference says nothing of origins. */
	static const char other[] = "\x20\x3f\xe1\x1f\x88\x40\x01" "a\x01" "b\xbe";

	open_server(6);
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 1, learns, sizeof(learns) - 1);
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 3, knows, sizeof(knows) - 1);
	RM_CHECK(added() == 2 * (TIMING_BYTES + EXPOSE_BYTES));
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 5, knows, sizeof(knows) - 1);
	RM_CHECK(added() == TIMING_BYTES + EXPOSE_BYTES);
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 7, other, sizeof(other) - 1);
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 9, knows, sizeof(knows) - 1);
	RM_CHECK(added() == 2 * TIMING_BYTES);
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 11, "\x88\xbf", 2); /* there is but one */
	RM_CHECK(added() == 0);
	RM_CHECK(close_server() == 5);
}

/* ---- whatever the kernel takes ---- */

/* The program's position moves by what one call reports; the kernel takes `budget` bytes. */
static size_t call(size_t at, size_t to, long budget)
{
	ssize_t n;

	take_at_most = budget;
	n = send_text(fd, stream + at, to - at);
	take_at_most = -1;
	if (n < 0)
		RM_CHECK(errno == EAGAIN);
	RM_CHECK(n != 0 && n <= (ssize_t)(to - at));
	return at + (n > 0 ? (size_t)n : 0);
}

/* Sends the rest. How many responses have the field; -1 when anything else is not as the program sent it. */
static int end_case(size_t at, int spans)
{
	static char plain[STREAM_MAX * 2];
	int fields;
	size_t n;

	if (at < stream_bytes)
		at = call(at, stream_bytes, -1);
	RM_CHECK(at == stream_bytes);
	RM_CHECK(close_server() == spans);
	n = without_fields(sent, sent_bytes, plain, &fields);
	return n == stream_bytes && memcmp(plain, stream, n) == 0 ? fields : -1;
}

RM_TEST("a response offered whole, three calls of any size and a last one")
{
	const long most = (long)sizeof("\x88hi") - 1 + 2 * HEAD + TIMING_BYTES;

	ok_with_body(1);
	for (long a = 0; a <= most; a++)
		for (long b = 0; a + b <= most; b += 1 + a % 2)
			for (long c = 0; a + b + c <= most; c += 1 + b % 5) {
				size_t at;

				open_server(1);
				at = call(0, stream_bytes, a);
				if (at < stream_bytes)
					at = call(at, stream_bytes, b);
				if (at < stream_bytes)
					at = call(at, stream_bytes, c);
				RM_CHECK(end_case(at, 1) == 1);
			}
}

/* The response of each shape is cut in two anywhere, each part in two calls of any size. */
static void cut_in_two(size_t frame_at, size_t frame_end)
{
	long all = (long)stream_bytes + TIMING_BYTES;

	for (size_t cut = 1; cut < stream_bytes; cut++)
		for (long a = 0; a <= all; a++)
			for (long b = 0; a + b <= all; b += 1 + a % 7) {
				int fields;
				size_t at;

				open_server(1);
				at = call(0, cut, a);
				at = at < cut ? call(at, cut, b) : call(at, stream_bytes, b);
				fields = end_case(at, 1);
				/* A frame of which no call holds all stays as it is. */
				if (cut <= frame_at || cut >= frame_end)
					RM_CHECK(fields == 1);
				else
					RM_CHECK(fields == 0 || (fields == 1 && at < cut && at <= frame_at));
			}
}

RM_TEST("a response cut in two anywhere, with padding and a priority, which keep their places")
{
	static const char payload[] = "\3\0\0\0\0\x10\x88\0\0\0";
	size_t from, end;

	stream_bytes = 0;
	from = add(RM_HTTP2_PING, RM_HTTP2_ACK, 0, "12345678", 8);
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_PADDED | RM_HTTP2_HAS_PRIORITY, 1, payload,
	    sizeof(payload) - 1);
	end = stream_bytes - 3;
	add(RM_HTTP2_DATA, RM_HTTP2_END_STREAM, 1, NULL, 0);
	cut_in_two(from, end);
}

RM_TEST("the same of a header block that goes on in a second frame")
{
	static const char block[] = "\x88\x0f\x10\x01" "a";
	size_t from;

	stream_bytes = 0;
	from = add(RM_HTTP2_HEADERS, RM_HTTP2_END_STREAM, 1, block, 2);
	add(RM_HTTP2_CONTINUATION, RM_HTTP2_END_HEADERS, 1, block + 2, sizeof(block) - 1 - 2);
	cut_in_two(from, stream_bytes);
}

RM_TEST("many responses in one call, each in pieces of its own: all have the field, whatever the kernel takes")
{
	struct iovec iov[2 * 60];

	for (int responses = 1; responses <= 60; responses++)
		for (int round = 0; round < 20; round++) {
			size_t at = 0;

			open_server(responses);
			stream_bytes = 0;
			for (int i = 0; i < responses; i++) {
				size_t from = stream_bytes;

				ok_with_body((uint32_t)(2 * i + 1));
				iov[2 * i] = (struct iovec){ stream + from, HEAD + 1 };
				iov[2 * i + 1] = (struct iovec){ stream + from + HEAD + 1, HEAD + 2 };
			}
			if (round) {
				short_percent = round % 4 * 30;
				refuse_percent = round % 3 * 20;
				for (int i = 0; i < 20 && at < stream_bytes; i++)
					at = call(at, stream_bytes, -1);
				short_percent = refuse_percent = 0;
			} else {
				RM_CHECK(hooked_send(fd, iov, 2 * responses) == (ssize_t)stream_bytes);
				at = stream_bytes;
			}
			RM_CHECK(end_case(at, responses) == responses);
		}
}

RM_TEST("pieces of any size: each response has the field or is as it was")
{
	static const char knows[] = "\x88\x54\x01*\xbe";
	int all = 0;

	for (int round = 0; round < 3000; round++) {
		size_t at = 0;
		int fields;

		open_server(8);
		stream_bytes = 0;
		for (uint32_t id = 1; id < 16; id += 2) {
			add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS, id, knows, sizeof(knows) - 1);
			add(RM_HTTP2_DATA, RM_HTTP2_END_STREAM, id, "what a response of HTTP/2 sends", dice(30));
		}
		short_percent = round % 4 * 25;
		refuse_percent = round % 3 * 20;
		while (at < stream_bytes) {
			size_t to = at + 1 + dice(120);

			at = call(at, to < stream_bytes ? to : stream_bytes, -1);
		}
		short_percent = refuse_percent = 0;
		fields = end_case(at, 8);
		RM_CHECK(fields >= 0 && fields <= 8);
		all += fields;
	}
	RM_CHECK(all > 3000);
}

RM_TEST("who was refused may come with other frames")
{
	open_server(2);
	stream_bytes = 0;
	ok_with_body(1);
	RM_CHECK(call(0, stream_bytes, 0) == 0);
	stream_bytes = 0;
	ok_with_body(3);
	ok_with_body(1);
	RM_CHECK(end_case(0, 2) == 2);
}

RM_TEST("what is no HTTP/2 any more goes out untouched")
{
	open_server(1);
	stream_bytes = 0;
	ok_with_body(1);
	add(RM_HTTP2_CONTINUATION, 0, 1, "x", 1);
	RM_CHECK(end_case(0, 1) == 0);
}

RM_TEST("memory that cannot be read is the kernel's to refuse")
{
	struct iovec iov[2] = { { stream, 0 }, { (void *)16, 64 } };
	struct rm_tx tx;

	open_server(1);
	stream_bytes = 0;
	ok_with_body(1);
	iov[0].iov_len = stream_bytes;
	RM_CHECK(rm_tx_begin(&tx, fd, iov, 2) == RM_TX_DONE);
	rm_tx_done(&tx, -1);
	RM_CHECK(end_case(0, 1) == 1);
}

RM_TEST("the body of gRPC-Web tells its status where heads are foreseen, too")
{
	static const char *const type[] = { "content-type", "application/grpc-web", NULL };
	static const char trailers[] = "\x80\0\0\0\x0dgrpc-status:5";
	char block[200] = { '\x83', '\x86' };
	const struct rm_span *span;
	struct rm_attr_iter it;
	struct rm_attr a;
	bool told = false;
	size_t n = 2;

	start("true");
	open_server(0);
	stream_bytes = 0; /* the test before did not send it */
	n += put_field(block + n, LITERAL, ":path", "/test.Echo/Say");
	n += put_field(block + n, LITERAL, type[0], type[1]);
	ask(1, block, n);
	receive_asked();
	respond(1, 0, "200", type);
	RM_CHECK(added() > 0);
	add(RM_HTTP2_DATA, 0, 1, "\0\0\0\0", 4);
	RM_CHECK(added() == 0);
	add(RM_HTTP2_DATA, 0, 1, "\0", 1);
	add(RM_HTTP2_DATA, RM_HTTP2_END_STREAM, 1, trailers, sizeof(trailers) - 1);
	RM_CHECK(added() == 0);
	span = stub_span();
	RM_CHECK(span);
	for (it = rm_record_attrs(&span->record); rm_attr_next(&it, &a);)
		told = told || (rm_str_eq(a.key, RM_STR("rpc.response.status_code")) && rm_str_eq(a.v.str, RM_STR("NOT_FOUND")));
	RM_CHECK(told);
	close_server();
}

/* What comes with a request whose X-Amzn-Trace-Id is this. */
static size_t answered_to(uint32_t id, const char *trace_id)
{
	char block[256];
	size_t n = sizeof(get_block);

	memcpy(block, get_block, n);
	n += put_field(block + n, LITERAL, "x-amzn-trace-id", trace_id);
	ask(id, block, n);
	receive_asked();
	stream_bytes = sent_bytes = 0;
	ok_with_body(id);
	RM_CHECK(send_text(fd, stream, stream_bytes) == (ssize_t)stream_bytes);
	n = sent_bytes - stream_bytes;
	stream_bytes = 0;
	return n;
}

RM_TEST("a caller of X-Ray's that asks is told what was decided, and no other")
{
	static const char answer[] = "Root=1-12345678-901234567890123456789012;Sampled=1";
	char *environment[] = { "OTEL_PROPAGATORS=xray", NULL };

	stub_start(environment);
	open_server(0);
	RM_CHECK(answered_to(1, "Root=1-12345678-901234567890123456789012;Parent=00f067aa0ba902b7;Sampled=1") == 0);
	RM_CHECK(answered_to(3, "Root=1-12345678-901234567890123456789012;Parent=00f067aa0ba902b7;Sampled=?") ==
		 3 + strlen("x-amzn-trace-id") + strlen(answer));
	RM_CHECK(memmem(sent, sent_bytes, answer, strlen(answer)));
	RM_CHECK(answered_to(5, "Root=1-12345678-901234567890123456789012;Parent=00f067aa0ba902b7;Sampled=0") == 0);
	close_server();
}
