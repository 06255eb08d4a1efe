/*
 * HTTP/2 at its limits, through the whole agent: ten thousand connections, and peers that ask for more
 * than is good. What is lost is counted, memory is bounded and given back, and bytes pass as they are.
 */
#include "agent/conn.h"
#include "tests/unit/client_fixture.h"
#include "tests/unit/http2_fixture.h"

enum { CONNECTIONS = 10000, CONN_MAX_BYTES = 11 * 1024, STREAMS_MAX = 2048, MANY = 50000 };

static char out[STREAM_MAX];

static void send_frame(int fd, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t n)
{
	size_t bytes = put_frame(out, type, flags, stream, payload, n);

	sent_bytes = 0;
	RM_CHECK(send_text(fd, out, bytes) == (ssize_t)bytes);
}

static void receive_frame(int fd, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t n)
{
	receive_text(fd, out, put_frame(out, type, flags, stream, payload, n));
}

static void open_connection(int fd)
{
	size_t n = put_preface(out);

	open_client(fd);
	sent_bytes = 0;
	RM_CHECK(send_text(fd, out, n) == (ssize_t)n);
	receive_frame(fd, RM_HTTP2_SETTINGS, 0, 0, NULL, 0);
}

/* A request; true when it went out with our field. */
static bool request(int fd, uint32_t stream)
{
	send_frame(fd, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, stream, get_block,
		   sizeof(get_block));
	return sent_bytes == HEAD + sizeof(get_block) + FIELD_BYTES;
}

static uint64_t lost(enum rm_lost why)
{
	return atomic_load(&stub_segment.lost[why]);
}

static void drop_spans(void)
{
	while (stub_span())
		;
}

/* `start`, and literals that fill a table of 4096 bytes to the last entry. */
static size_t filling_block(char *to, const char *start, size_t n)
{
	memcpy(to, start, n);
	for (int i = 0; i < 30; i++) {
		to[n++] = 0x40;
		to[n++] = 2;
		to[n++] = (char)('a' + i % 26);
		to[n++] = (char)('a' + i / 26);
		to[n++] = 100;
		memset(to + n, 'v', 100);
		n += 100;
	}
	return n;
}

RM_TEST("ten thousand connections with full tables keep to their memory, and all are still followed")
{
	char *none[] = { NULL }, block[4096];
	size_t n, most = 0;

	stub_start(none);
	for (int i = 0; i < CONNECTIONS; i++) {
		const struct rm_conn *c;
		size_t bytes = 0;
		int fd = 10 + i;

		open_connection(fd);
		n = filling_block(block, "\x82\x86\x84", 3);
		send_frame(fd, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 1, block, n);
		n = filling_block(block, "\x88", 1);
		receive_frame(fd, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 1, block, n);
		drop_spans();
		c = rm_conn_peek(fd);
		for (int k = 0; c && k < RM_STASHES; k++)
			bytes += c->stash[k] ? rm_text_cap(c->stash[k]) : 0;
		most = bytes > most ? bytes : most;
		RM_CHECK(c && c->stash[RM_STASH_REQUEST_TABLE] && c->stash[RM_STASH_RESPONSE_TABLE]);
	}
	RM_CHECK(most <= CONN_MAX_BYTES);
	for (int i = 0; i < CONNECTIONS; i++) {
		RM_CHECK(request(10 + i, 3));
		close_fd(10 + i);
	}
	RM_CHECK(lost(RM_LOST_MUTED) == 0);
	drop_spans();
	RM_CHECK(all_freed());
}

RM_TEST("streams that nobody answers: the first are followed, the others counted")
{
	uint64_t before = lost(RM_LOST_EXCHANGE);
	int with_field = 0;

	open_connection(7);
	for (uint32_t i = 0; i < MANY; i++)
		with_field += request(7, 2 * i + 1);
	RM_CHECK(with_field == STREAMS_MAX && rm_exchange_live() == STREAMS_MAX);
	RM_CHECK(lost(RM_LOST_EXCHANGE) == before + MANY - STREAMS_MAX);
	close_fd(7);
	drop_spans();
	RM_CHECK(all_freed());
}

RM_TEST("streams that are opened and reset at once leave nothing behind")
{
	static const char cancel[4] = { 0, 0, 0, 8 };

	open_connection(7);
	for (uint32_t i = 0; i < MANY; i++) {
		RM_CHECK(request(7, 2 * i + 1));
		send_frame(7, RM_HTTP2_RST_STREAM, 0, 2 * i + 1, cancel, sizeof(cancel));
		RM_CHECK(rm_exchange_live() == 0);
		drop_spans();
	}
	close_fd(7);
	RM_CHECK(all_freed());
}

RM_TEST("a response that is whole by its length is no error when the stream is reset")
{
	/* :status 200, a length of 2 or a type, as literals */
	static const char with_length[] = "\x88\x0f\x0d\x01" "2", without[] = "\x88";
	static const char grpc[] = "\x88\x0f\x0d\x01" "2\x0f\x10\x10" "application/grpc";
	static const struct {
		const char *head, *body;
		size_t head_bytes;
		enum rm_span_status status;
	} rows[] = {
		{ with_length, "hi", sizeof(with_length) - 1, RM_STATUS_UNSET },
		{ with_length, "h", sizeof(with_length) - 1, RM_STATUS_ERROR },
		{ without, "hi", sizeof(without) - 1, RM_STATUS_ERROR },
		{ grpc, "hi", sizeof(grpc) - 1, RM_STATUS_ERROR },
	};
	static const char cancel[4] = { 0, 0, 0, 8 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct rm_span *span;

		open_connection(7);
		RM_CHECK(request(7, 1));
		receive_frame(7, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS, 1, rows[i].head, rows[i].head_bytes);
		receive_frame(7, RM_HTTP2_DATA, 0, 1, rows[i].body, strlen(rows[i].body));
		send_frame(7, RM_HTTP2_RST_STREAM, 0, 1, cancel, sizeof(cancel));
		span = stub_span();
		RM_CHECK(span && span->status == rows[i].status);
		drop_spans();
		close_fd(7);
	}
	RM_CHECK(all_freed());
}

RM_TEST("a header block without end is given up at its limit, and passes as it is")
{
	static char fragment[1000];

	open_connection(7);
	send_frame(7, RM_HTTP2_HEADERS, 0, 1, get_block, sizeof(get_block));
	for (int i = 0; i < 200; i++) {
		send_frame(7, RM_HTTP2_CONTINUATION, 0, 1, fragment, sizeof(fragment));
		RM_CHECK(sent_bytes == HEAD + sizeof(fragment) && memcmp(sent, out, sent_bytes) == 0);
		RM_CHECK(i < 66 || rm_text_live() == 0);
	}
	close_fd(7);
	RM_CHECK(all_freed());
}

RM_TEST("empty frames of a header block cost no memory")
{
	open_connection(7);
	send_frame(7, RM_HTTP2_HEADERS, 0, 1, get_block, sizeof(get_block));
	for (int i = 0; i < MANY; i++)
		send_frame(7, RM_HTTP2_CONTINUATION, 0, 1, NULL, 0);
	send_frame(7, RM_HTTP2_CONTINUATION, RM_HTTP2_END_HEADERS, 1, NULL, 0);
	RM_CHECK(sent_bytes == HEAD + FIELD_BYTES && is_field_as(sent + HEAD, OUTGOING));
	close_fd(7);
	drop_spans();
	RM_CHECK(all_freed());
}

RM_TEST("a block that unfolds to more than 64 KiB is given up, and passes as it is")
{
	static char block[4096];
	size_t n = 3;

	memcpy(block, "\x82\x86\x84", 3);
	memcpy(block + n, "\x40\x01" "a\x7f\x81\x0f", 6); /* a value of 2048 bytes */
	memset(block + n + 6, 'v', 2048);
	n += 6 + 2048;
	memset(block + n, 0xbe, 100);
	open_connection(7);
	send_frame(7, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS, 1, block, n + 100);
	RM_CHECK(sent_bytes == HEAD + n + 100 && memcmp(sent, out, sent_bytes) == 0);
	RM_CHECK(!request(7, 3));
	close_fd(7);
	RM_CHECK(all_freed());
}
