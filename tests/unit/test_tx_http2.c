/*
 * The rewrite of requests of HTTP/2 on their way out, agent/tx.c and agent/edit.c: whatever the
 * program's cuts and the kernel's appetite, the peer receives the program's frames, those that end
 * header blocks with our field at the end of the block and a length that says so, or untouched.
 */
#include "tests/unit/client_fixture.h"
#include "tests/unit/http2_fixture.h"

static char stream[STREAM_MAX];
static size_t stream_bytes;
static unsigned long cases;
static const char no_block[1];

/* The program's position moves by what one call reports; the kernel takes `budget` bytes. */
static size_t call(size_t at, size_t to, long budget)
{
	ssize_t n;

	take_at_most = budget;
	n = send_text(7, stream + at, to - at);
	take_at_most = -1;
	if (n < 0)
		RM_CHECK(errno == EAGAIN);
	RM_CHECK(n != 0 && n <= (ssize_t)(to - at));
	return at + (n > 0 ? (size_t)n : 0);
}

static void start_case(void)
{
	char preface[64];
	size_t n = put_preface(preface);

	sent_bytes = 0;
	open_client(7);
	RM_CHECK(send_text(7, preface, n) == (ssize_t)n && sent_bytes == n);
	sent_bytes = 0;
}

/* How many fields of ours went out; -1 when anything else is not as the program sent it. */
static int fields_sent(void)
{
	static char plain[STREAM_MAX * 2];
	int fields;
	size_t n = without_fields(sent, sent_bytes, plain, &fields);

	return n == stream_bytes && memcmp(plain, stream, n) == 0 ? fields : -1;
}

/* The rest goes out whole, and the connection ends. */
static int end_case(size_t at)
{
	if (at < stream_bytes)
		at = call(at, stream_bytes, -1);
	RM_CHECK(at == stream_bytes);
	close_fd(7);
	RM_CHECK(all_freed());
	while (stub_span())
		;
	cases++;
	return fields_sent();
}

static size_t add(uint8_t type, uint8_t flags, uint32_t id, const void *payload, size_t n)
{
	size_t took = put_frame(stream + stream_bytes, type, flags, id, payload, n);

	stream_bytes += took;
	return took;
}

static void get_request(uint32_t id)
{
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, id, get_block, sizeof(get_block));
}

RM_TEST("a request offered whole, three calls of any size and a last one")
{
	char *none[] = { NULL };
	long left;

	stub_start(none);
	stream_bytes = 0;
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS, 1, get_block, sizeof(get_block));
	add(RM_HTTP2_DATA, RM_HTTP2_END_STREAM, 1, "b", 1);
	left = (long)stream_bytes + FIELD_BYTES;
	for (long a = 0; a <= left; a++)
		for (long b = 0; a + b <= left; b++)
			for (long c = 0; a + b + c <= left; c++) {
				size_t at;

				start_case();
				at = call(0, stream_bytes, a);
				if (at < stream_bytes)
					at = call(at, stream_bytes, b);
				if (at < stream_bytes)
					at = call(at, stream_bytes, c);
				RM_CHECK(end_case(at) == 1);
			}
	RM_CHECK(cases > 100000);
}

/* The request of each shape is cut in two anywhere, each part in two calls of any size. */
static void cut_in_two(size_t frame_at, size_t frame_end)
{
	long all = (long)stream_bytes + FIELD_BYTES;

	for (size_t cut = 1; cut < stream_bytes; cut++)
		for (long a = 0; a <= all; a++)
			for (long b = 0; a + b <= all; b += 1 + a % 3) {
				int fields;
				size_t at;

				start_case();
				at = call(0, cut, a);
				at = at < cut ? call(at, cut, b) : call(at, stream_bytes, b);
				fields = end_case(at);
				/* A frame that one call does not hold whole stays as it is. */
				RM_CHECK(fields == (cut <= frame_at || cut >= frame_end));
			}
}

RM_TEST("a request cut in two anywhere")
{
	stream_bytes = 0;
	add(RM_HTTP2_PING, 0, 0, "12345678", 8);
	get_request(1);
	cut_in_two(HEAD + 8, stream_bytes);
}

RM_TEST("the same with padding and a priority, which keep their places")
{
	char payload[64] = { 3, 0, 0, 0, 0, 16 };
	size_t end;

	memcpy(payload + 6, get_block, sizeof(get_block));
	stream_bytes = 0;
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_PADDED | RM_HTTP2_HAS_PRIORITY, 1, payload,
	    6 + sizeof(get_block) + 3);
	end = stream_bytes - 3;
	add(RM_HTTP2_DATA, RM_HTTP2_END_STREAM, 1, NULL, 0);
	cut_in_two(0, end);
}

RM_TEST("the same of a header block that goes on in a second frame")
{
	size_t from;

	stream_bytes = 0;
	from = add(RM_HTTP2_HEADERS, RM_HTTP2_END_STREAM, 1, get_block, 4);
	add(RM_HTTP2_CONTINUATION, RM_HTTP2_END_HEADERS, 1, get_block + 4, 2);
	cut_in_two(from, stream_bytes);
}

RM_TEST("an empty last frame of a block takes the field")
{
	stream_bytes = 0;
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_STREAM, 1, get_block, sizeof(get_block));
	add(RM_HTTP2_CONTINUATION, RM_HTTP2_END_HEADERS, 1, no_block, 0);
	start_case();
	RM_CHECK(end_case(0) == 1);
}

RM_TEST("many requests in one call, whatever the kernel takes of each of its parts")
{
	for (int requests = 1; requests <= 40; requests++) {
		stream_bytes = 0;
		for (int i = 0; i < requests; i++) {
			get_request((uint32_t)(2 * i + 1));
			if (i % 3 == 0)
				add(RM_HTTP2_WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4);
		}
		for (int round = 0; round < 200; round++) {
			size_t at = 0;

			start_case();
			short_percent = round % 4 * 30;
			refuse_percent = round % 3 * 20;
			for (int i = 0; i < 20 && at < stream_bytes; i++)
				at = call(at, stream_bytes, -1);
			short_percent = refuse_percent = 0;
			RM_CHECK(end_case(at) == requests);
		}
	}
}

RM_TEST("many requests in one call, each in a piece of its own")
{
	enum { REQUEST = HEAD + sizeof(get_block), REQUESTS = 60 };
	struct iovec iov[REQUESTS];

	for (int requests = 1; requests <= REQUESTS; requests++) {
		stream_bytes = 0;
		for (int i = 0; i < requests; i++) {
			iov[i] = (struct iovec){ stream + stream_bytes, REQUEST };
			get_request((uint32_t)(2 * i + 1));
		}
		start_case();
		RM_CHECK(hooked_send(7, iov, requests) == (ssize_t)stream_bytes);
		RM_CHECK(end_case(stream_bytes) == requests);
	}
}

RM_TEST("pieces of any size: each request has its field or is as it was")
{
	for (int round = 0; round < 3000; round++) {
		size_t at = 0;
		int fields;

		stream_bytes = 0;
		for (int i = 0; i < 8; i++) {
			get_request((uint32_t)(2 * i + 1));
			add(RM_HTTP2_DATA, 0, (uint32_t)(2 * i + 1), "what a request of HTTP/2 sends", dice(30));
		}
		start_case();
		short_percent = round % 4 * 25;
		refuse_percent = round % 3 * 20;
		while (at < stream_bytes) {
			size_t to = at + 1 + dice(60);

			at = call(at, to < stream_bytes ? to : stream_bytes, -1);
		}
		short_percent = refuse_percent = 0;
		fields = end_case(at);
		RM_CHECK(fields >= 0 && fields <= 8);
	}
}

RM_TEST("the most that the server takes of a header list is respected")
{
	char settings[32];
	size_t n;

	/* The list of the request counts 148 bytes, with ours 246, and more is kept for what may be added. */
	for (uint32_t most = 0; most < 1000; most += 50) {
		uint8_t setting[6] = { 0, 6, 0, 0, (uint8_t)(most >> 8), (uint8_t)most };

		stream_bytes = 0;
		get_request(1);
		start_case();
		n = put_frame(settings, RM_HTTP2_SETTINGS, 0, 0, setting, sizeof(setting));
		receive_text(7, settings, n);
		RM_CHECK(end_case(0) == (most >= 600));
	}
}

RM_TEST("a frame of the largest size goes on in another one")
{
	/* In two frames, so that the head is beyond a limit of servers already, and far from the next. */
	static char block[RM_HTTP2_FRAME_MAX_BYTES + 4000];
	static const char start[] = "\x82\x86\x84\x00\x01" "a\x7f";
	size_t value = sizeof(block) - (sizeof(start) - 1) - 3, rest = value - 0x7f, last;
	struct rm_http2_frame f;

	memcpy(block, start, sizeof(start) - 1);
	block[sizeof(start) - 1] = (char)(rest | 0x80);
	block[sizeof(start)] = (char)(rest >> 7 | 0x80);
	block[sizeof(start) + 1] = (char)(rest >> 14);
	memset(block + sizeof(start) + 2, 'v', value);
	stream_bytes = 0;
	last = add(RM_HTTP2_HEADERS, RM_HTTP2_END_STREAM, 1, block, 4000);
	add(RM_HTTP2_CONTINUATION, RM_HTTP2_END_HEADERS, 1, block + 4000, RM_HTTP2_FRAME_MAX_BYTES);
	start_case();
	end_case(0);
	RM_CHECK(sent_bytes == stream_bytes + HEAD + FIELD_BYTES && memcmp(sent, stream, last) == 0);
	f = rm_http2_frame_read((uint8_t *)sent + last);
	RM_CHECK(f.bytes == RM_HTTP2_FRAME_MAX_BYTES && f.flags == 0);
	RM_CHECK(memcmp(sent + last + HEAD, stream + last + HEAD, f.bytes) == 0);
	f = rm_http2_frame_read((uint8_t *)sent + stream_bytes);
	RM_CHECK(f.type == RM_HTTP2_CONTINUATION && f.bytes == FIELD_BYTES && f.flags == RM_HTTP2_END_HEADERS &&
		 f.stream == 1 && is_field_as(sent + stream_bytes + HEAD, OUTGOING));
}

RM_TEST("what only looks like HTTP/2 goes out untouched")
{
	static const char *const behind[] = { "GET / HTTP/1.1\r\n\r\n", "\0\0\6\1\5\0\0\0\1.........",
					      "..................." };

	for (int i = 0; i < 3; i++) {
		for (int round = 0; round < 200; round++) {
			size_t at = 0;

			memcpy(stream, rm_http2_preface, RM_HTTP2_PREFACE);
			stream_bytes = RM_HTTP2_PREFACE;
			memcpy(stream + stream_bytes, behind[i], 18);
			stream_bytes += 18;
			sent_bytes = 0;
			open_client(7);
			short_percent = 50;
			while (at < stream_bytes) {
				size_t to = at + 1 + dice(30);

				at = call(at, to < stream_bytes ? to : stream_bytes, -1);
			}
			short_percent = 0;
			close_fd(7);
			RM_CHECK(sent_bytes == stream_bytes && memcmp(sent, stream, sent_bytes) == 0);
			RM_CHECK(all_freed());
		}
	}
}

/* ---- a context that the program forwards ---- */

static char incoming_value[RM_TRACEPARENT_BYTES];

/* A request that came in, whose header says our SERVER span: what a program may forward. */
static void read_incoming(void)
{
	static const char incoming[] = "GET /in HTTP/1.1\r\nHost: h\r\n\r\n";
	char room[1024], *line;
	struct iovec iov = { room, sizeof(room) };
	struct rm_scope s;
	struct rm_rx rx;
	int pair[2];
	ssize_t n;

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, pair[0]);
		rm_leave(&s);
	}
	rm_rx_begin(&rx, pair[0], sizeof(room), 0);
	memcpy(room, incoming, sizeof(incoming) - 1);
	n = rm_rx_done(&rx, &iov, 1, sizeof(incoming) - 1);
	room[n > 0 ? n : 0] = '\0';
	line = strstr(room, "traceparent: ");
	RM_CHECK(line != NULL);
	if (line)
		memcpy(incoming_value, line + 13, sizeof(incoming_value));
}

/* A request with the forwarded value; `first` says how it is written. Returns where its value is. */
static size_t forward(char first)
{
	char block[128] = { '\x82', '\x86', '\x84', first };
	size_t n = 4;

	memcpy(block + n, "\x0btraceparent\x37", 13);
	memcpy(block + n + 13, incoming_value, sizeof(incoming_value));
	n += 13 + sizeof(incoming_value);
	memcpy(block + n, "\x01\x01h", 3);
	stream_bytes = 0;
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 1, block, n + 3);
	return HEAD + 4 + 13;
}

/* The field went out at the end of the block, of the same trace but another span; the rest stayed. */
static bool is_replaced(size_t old_at, size_t old_bytes)
{
	size_t rest = stream_bytes - old_at - old_bytes, n = stream_bytes - old_bytes + FIELD_BYTES;
	const char *field = sent + n - FIELD_BYTES;
	struct rm_http2_frame f = rm_http2_frame_read((uint8_t *)sent);

	return sent_bytes == n && f.bytes == n - HEAD && memcmp(sent + 3, stream + 3, old_at - 3) == 0 &&
	       memcmp(sent + old_at, stream + old_at + old_bytes, rest) == 0 && is_field_as(field, OUTGOING) &&
	       memcmp(field + 14, incoming_value, 35) == 0 && memcmp(field + 14, incoming_value, 52) != 0;
}

static bool is_untouched(void)
{
	return sent_bytes == stream_bytes && memcmp(sent, stream, sent_bytes) == 0;
}

/* As end_case, with the request that came in still there. */
static void end_forwarded(size_t at)
{
	if (at < stream_bytes)
		at = call(at, stream_bytes, -1);
	RM_CHECK(at == stream_bytes);
	close_fd(7);
	while (stub_span())
		;
}

RM_TEST("a forwarded field that no table has becomes ours, whatever the kernel takes of three calls")
{
	const char forms[] = { 0x00, 0x10 };

	read_incoming();
	for (int i = 0; i < 2; i++) {
		long left;

		forward(forms[i]);
		left = (long)stream_bytes;
		for (long a = 0; a <= left; a++)
			for (long b = 0; a + b <= left; b++)
				for (long c = 0; a + b + c <= left; c++) {
					size_t at;

					start_case();
					at = call(0, stream_bytes, a);
					if (at < stream_bytes)
						at = call(at, stream_bytes, b);
					if (at < stream_bytes)
						at = call(at, stream_bytes, c);
					end_forwarded(at);
					RM_CHECK(is_replaced(HEAD + 4 - 1, FIELD_BYTES));
				}
	}
}

RM_TEST("one that goes into the table stays; a reference to it becomes a field of ours")
{
	char block[] = { '\x82', '\x86', '\x84', '\xbe' };

	forward(0x40);
	start_case();
	call(0, stream_bytes, -1);
	RM_CHECK(is_untouched());
	sent_bytes = stream_bytes = 0;
	add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 3, block, sizeof(block));
	end_forwarded(0);
	RM_CHECK(is_replaced(HEAD + 3, 1));
}

RM_TEST("a forwarded field in two parts is ours or the program's, never half of each")
{
	long all = (long)stream_bytes;

	forward(0x10);
	all = (long)stream_bytes;
	for (size_t cut = 1; cut < stream_bytes; cut++)
		for (long a = 0; a <= all; a++) {
			size_t at;

			start_case();
			at = call(0, cut, a);
			end_forwarded(call(at, at < cut && a % 2 ? cut : stream_bytes, -1));
			RM_CHECK(is_untouched());
		}
}
