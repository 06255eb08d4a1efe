/*
 * What a server of HTTP/2 reads, as a property: the client's frames, of which those that end header
 * blocks may have our field at the end of the block and a length that says so; whatever the sizes
 * of buffers and segments. And a read is short only when the socket had no more.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/hookapi.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"
#include "tests/unit/http2_fixture.h"

enum { STREAM_MAX = 32 * 1024 };

static unsigned random_state = 5;
static char stream[STREAM_MAX], got[2 * STREAM_MAX], plain[2 * STREAM_MAX];
static size_t stream_bytes, got_bytes;
static int peer, fd;

static unsigned dice(unsigned sides)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % sides;
}

static void add(uint8_t type, uint8_t flags, uint32_t id, const void *payload, size_t n)
{
	stream_bytes += put_frame(stream + stream_bytes, type, flags, id, payload, n);
}

static void open_pair(void)
{
	struct rm_scope s;
	int fds[2];

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	peer = fds[0];
	fd = fds[1];
	got_bytes = 0;
	stream_bytes = put_preface(stream);
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, fd);
		rm_leave(&s);
	}
}

static void close_pair(void)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_close(&s, fd);
		rm_leave(&s);
	}
	close(fd);
	close(peer);
	while (stub_span())
		;
}

/* One read as a hook makes it. */
static ssize_t hooked_read(char *p, size_t room)
{
	struct iovec iov = { p, room }, less;
	struct rm_rx rx;

	rm_rx_begin(&rx, fd, room, 0);
	less = (struct iovec){ p, room - (rx.watch ? rx.reserve : 0) };
	return rx.watch ? rm_rx_done(&rx, &iov, 1, readv(fd, &less, 1)) : readv(fd, &iov, 1);
}

/* Reads until the socket says it has no more, as an edge-triggered program does. */
static void drain(size_t room)
{
	for (;;) {
		ssize_t n = hooked_read(got + got_bytes, room);
		int left = 0;

		if (n <= 0)
			return;
		got_bytes += (size_t)n;
		if ((size_t)n < room) {
			RM_CHECK(ioctl(fd, FIONREAD, &left) == 0 && left == 0);
			return;
		}
	}
}

/* How many fields of ours were read; -1 when anything else is not as the client sent it. */
static int fields_read(void)
{
	int fields;
	size_t n = without_fields(got, got_bytes, plain, &fields);

	return n == stream_bytes && memcmp(plain, stream, n) == 0 ? fields : -1;
}

static void send_cut(size_t cut, size_t room)
{
	RM_CHECK(write(peer, stream, cut) == (ssize_t)cut);
	drain(room);
	RM_CHECK(write(peer, stream + cut, stream_bytes - cut) == (ssize_t)(stream_bytes - cut));
	drain(room);
}

RM_TEST("a request that one read holds has our field, one that two reads hold is as it was")
{
	char *none[] = { NULL };

	stub_start(none);
	/* The first three bytes of the preface alone may as well be PROPFIND's. */
	for (size_t cut = 4; cut < RM_HTTP2_PREFACE + 2 * HEAD + 6 + 11; cut++) {
		const size_t from = RM_HTTP2_PREFACE + HEAD, to = from + HEAD + 6;

		open_pair();
		add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS, 1, get_block, sizeof(get_block));
		add(RM_HTTP2_DATA, RM_HTTP2_END_STREAM, 1, "hi", 2);
		send_cut(cut, 4096);
		RM_CHECK(fields_read() == (cut <= from || cut >= to));
		close_pair();
	}
}

/* Requests of the streams from 2 * `from` + 1 on. */
static void send_hundred(uint32_t from, size_t room_for)
{
	for (uint32_t i = from; i < from + 100; i++)
		add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 2 * i + 1, get_block, sizeof(get_block));
	RM_CHECK(write(peer, stream, stream_bytes) == (ssize_t)stream_bytes);
	drain(stream_bytes + room_for * CODED_MAX_BYTES);
}

RM_TEST("each of a hundred requests in one read has our field, as far as there is room")
{
	int fields;

	open_pair();
	send_hundred(0, 101);
	RM_CHECK(fields_read() == 100);
	got_bytes = stream_bytes = 0;
	send_hundred(100, 50);
	fields = fields_read();
	RM_CHECK(fields >= 49 && fields < 60);
	close_pair();
}

RM_TEST("many requests at once, buffers and segments of any size")
{
	int all = 0, edited = 0;

	for (int round = 0; round < 2000; round++) {
		size_t room = 16 + dice(round % 2 ? 300 : 5000);
		int fields;

		open_pair();
		for (int i = 0; i < 20; i++) {
			uint8_t padded = dice(3) ? 0 : RM_HTTP2_PADDED;
			char payload[32] = { 4 };

			memcpy(payload + 1, get_block, sizeof(get_block));
			add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | padded, (uint32_t)(2 * i + 1),
			    padded ? payload : get_block, sizeof(get_block) + (padded ? 5 : 0));
			add(RM_HTTP2_DATA, RM_HTTP2_END_STREAM, (uint32_t)(2 * i + 1), plain, dice(200));
			all++;
		}
		for (size_t at = 0; at < stream_bytes;) {
			size_t n = 1 + dice(1500);

			n = n < stream_bytes - at ? n : stream_bytes - at;
			RM_CHECK(write(peer, stream + at, n) == (ssize_t)n);
			at += n;
			drain(room);
		}
		fields = fields_read();
		RM_CHECK(fields >= 0);
		edited += fields;
		close_pair();
	}
	/* Small reads leave no room, and a head in two reads stays as it is. */
	RM_CHECK(edited > all / 4);
}

RM_TEST("a traceparent of the client is replaced where no table has it")
{
	static const char value[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	const char forms[] = { 0x00, 0x10, 0x40 };

	for (int i = 0; i < 3; i++) {
		char block[128] = { '\x82', '\x86', '\x84', forms[i] };
		const char *field;

		memcpy(block + 4, "\x0btraceparent\x37", 13);
		memcpy(block + 17, value, RM_TRACEPARENT_BYTES);
		open_pair();
		add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 1, block, 17 + RM_TRACEPARENT_BYTES);
		RM_CHECK(write(peer, stream, stream_bytes) == (ssize_t)stream_bytes);
		drain(4096);
		field = got + got_bytes - FIELD_BYTES;
		RM_CHECK(got_bytes == stream_bytes);
		RM_CHECK(stub_segment.lost[RM_LOST_INGRESS] == (forms[i] == 0x40));
		if (forms[i] == 0x40)
			RM_CHECK(memcmp(got, stream, got_bytes) == 0);
		else
			RM_CHECK(is_field_as(field, INCOMING) && memcmp(field + 14, value, 36) == 0 &&
				 memcmp(field + 14, value, 52) != 0);
		close_pair();
	}
}

RM_TEST("bytes that are no HTTP/2 are read as they are")
{
	for (int round = 0; round < 300; round++) {
		open_pair();
		/* A head on an even stream. */
		add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS, 2, get_block, sizeof(get_block));
		add(RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS, 3, get_block, sizeof(get_block));
		send_cut(1 + dice((unsigned)stream_bytes - 1), 16 + dice(600));
		RM_CHECK(got_bytes == stream_bytes && memcmp(got, stream, got_bytes) == 0);
		close_pair();
	}
}
