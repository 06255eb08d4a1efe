/*
 * Every pool at its end: bytes pass as the program wrote them, what is lost is counted, and
 * afterwards nothing is kept and everything works again.
 */
#include <unistd.h>

#include "tests/unit/client_fixture.h"

enum { TEXTS_MAX = 140000, EXCHANGES = 16384, PER_CONN = 64, CONNECTIONS = 1 << 17 };

static const char request[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
enum { REQUEST = sizeof(request) - 1, REPLY = sizeof(reply) - 1 };

static uint64_t lost(enum rm_lost why)
{
	return atomic_load(&stub_segment.lost[why]);
}

static uint64_t all_lost(void)
{
	uint64_t n = 0;

	for (int why = 0; why < RM_LOST_COUNT; why++)
		n += lost((enum rm_lost)why);
	return n;
}

/* All spans that wait, from all rings. */
static unsigned count_spans(void)
{
	static _Alignas(8) char buf[RM_RECORD_MAX_BYTES];
	unsigned n = 0;

	for (uint32_t ring = 0; ring < RM_SEGMENT_RINGS; ring++)
		while (rm_segment_pop(&stub_segment, ring, buf) > 0)
			n++;
	return n;
}

/* True when `n` copies of the request went out and nothing but whole lines of ours. */
static bool sent_requests(int n, int *ret_lines)
{
	static char plain[STREAM_MAX];

	if (without_lines(plain, ret_lines) != (size_t)n * REQUEST)
		return false;
	for (int i = 0; i < n; i++)
		if (memcmp(plain + (size_t)i * REQUEST, request, REQUEST) != 0)
			return false;
	return true;
}

static void works(void)
{
	int lines;

	open_client(7);
	sent_bytes = 0;
	RM_CHECK(send_text(7, request, REQUEST) == REQUEST && sent_requests(1, &lines) && lines == 1);
	receive_text(7, reply, REPLY);
	close_fd(7);
	RM_CHECK(count_spans() == 1);
	RM_CHECK(all_freed());
}

RM_TEST("without exchanges requests go out as they are, and are counted")
{
	char *none[] = { NULL };
	int lines, fd = 100;
	uint64_t before;

	stub_start(none);
	for (int n = 0; n < EXCHANGES; n += PER_CONN) {
		open_client(++fd);
		for (int i = 0; i < PER_CONN; i++) {
			sent_bytes = 0;
			RM_CHECK(send_text(fd, request, REQUEST) == REQUEST);
		}
	}
	RM_CHECK(rm_exchange_live() == EXCHANGES);
	before = lost(RM_LOST_EXCHANGE);
	open_client(7);
	sent_bytes = 0;
	for (int i = 0; i < 5; i++)
		RM_CHECK(send_text(7, request, REQUEST) == REQUEST);
	RM_CHECK(sent_requests(5, &lines) && lines == 0);
	RM_CHECK(lost(RM_LOST_EXCHANGE) == before + 5);
	for (int i = 0; i < 5; i++)
		receive_text(7, reply, REPLY);
	close_fd(7);
	for (; fd > 100; fd--)
		close_fd(fd);
	RM_CHECK(count_spans() + lost(RM_LOST_RING_FULL) == EXCHANGES);
	works();
}

RM_TEST("rings that nobody empties lose what does not fit, and count it")
{
	uint64_t before = lost(RM_LOST_RING_FULL), produced = rm_segment_spans(&stub_segment);
	unsigned made = 0;

	open_client(7);
	for (; lost(RM_LOST_RING_FULL) < before + 10 && made < 200000; made++) {
		sent_bytes = 0;
		send_text(7, request, REQUEST);
		receive_text(7, reply, REPLY);
	}
	close_fd(7);
	RM_CHECK(lost(RM_LOST_RING_FULL) == before + 10);
	RM_CHECK(rm_segment_spans(&stub_segment) - produced == made - 10);
	RM_CHECK(count_spans() == made - 10);
	works();
}

static rm_text texts[TEXTS_MAX];
static unsigned text_count;

static void take_all_texts(void)
{
	static const size_t sizes[] = { 60 * 1024, 16 * 1024, 4096, 2000, 500 };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		while (text_count < TEXTS_MAX && (texts[text_count] = rm_text_get(sizes[i])) != 0)
			text_count++;
	RM_CHECK(!rm_text_get(1) && text_count < TEXTS_MAX);
}

static void give_texts(unsigned n)
{
	for (; n > 0 && text_count > 0; n--)
		rm_text_put(texts[--text_count]);
}

/* A client's exchange with the memory there is: split head, refusals, response in pieces. */
static void client_without_memory(void)
{
	int lines;

	open_client(7);
	sent_bytes = 0;
	RM_CHECK(send_text(7, request, 10) == 10);
	take_at_most = 20;
	for (size_t at = 10; at < REQUEST;) {
		ssize_t n = send_text(7, request + at, REQUEST - at);

		at += n > 0 ? (size_t)n : 0;
		if (n < 0)
			take_at_most = -1;
	}
	take_at_most = -1;
	RM_CHECK(sent_requests(1, &lines) && lines <= 1);
	receive_text(7, reply, 9);
	receive_text(7, reply + 9, REPLY - 9);
	close_fd(7);
}

/* A server's: what it reads is the request, with a line of ours or none. */
static void server_without_memory(void)
{
	char room[1024], *line;
	struct iovec in = { room, sizeof(room) }, out = { (void *)reply, REPLY };
	struct rm_scope s;
	struct rm_rx rx;
	struct rm_tx tx;
	int pair[2];
	ssize_t n;

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, pair[0]);
		rm_leave(&s);
	}
	rm_rx_begin(&rx, pair[0], sizeof(room), 0);
	memcpy(room, request, REQUEST);
	n = rm_rx_done(&rx, &in, 1, REQUEST);
	line = memmem(room, (size_t)n, "traceparent: ", 13);
	if (line)
		memmove(line, line + 70, (size_t)(room + n - line - 70));
	RM_CHECK(n == REQUEST + (line ? 70 : 0) && memcmp(room, request, REQUEST) == 0);
	if (rm_tx_begin(&tx, pair[0], &out, 1) == RM_TX_DONE)
		rm_tx_done(&tx, REPLY);
	close_fd(pair[0]);
	close(pair[0]);
	close(pair[1]);
}

RM_TEST("with no text memory, or any small number of pieces, bytes pass and losses are counted")
{
	RM_CHECK(rm_text_live() == 0);
	take_all_texts();
	for (unsigned pieces = 0; pieces < 8; pieces++) {
		uint64_t before = all_lost();
		unsigned live = rm_text_live();

		client_without_memory();
		RM_CHECK(count_spans() + (all_lost() - before) >= 1);
		before = all_lost();
		server_without_memory();
		RM_CHECK(count_spans() + (all_lost() - before) >= 1);
		RM_CHECK(rm_text_live() == live && rm_conn_live() == 0 && rm_exchange_live() == 0);
		give_texts(1);
	}
	give_texts(TEXTS_MAX);
	works();
}

RM_TEST("without connections descriptors are left alone, counted, and a server's still known as such")
{
	uint64_t before = lost(RM_LOST_EXCHANGE);
	struct rm_scope s;
	int pair[2], lines;

	for (int i = 0; i < CONNECTIONS; i++)
		open_client(1000 + i);
	RM_CHECK(rm_conn_live() == CONNECTIONS);
	open_client(7);
	RM_CHECK(!rm_fd_tracked(7) && lost(RM_LOST_EXCHANGE) == before + 1);
	sent_bytes = 0;
	RM_CHECK(send_text(7, request, REQUEST) == REQUEST && sent_requests(1, &lines) && lines == 0);
	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, pair[0]);
		rm_leave(&s);
	}
	RM_CHECK(!rm_fd_tracked(pair[0]) && rm_fd_is_served(pair[0]));
	for (int i = 0; i < CONNECTIONS; i++)
		close_fd(1000 + i);
	close_fd(7);
	close_fd(pair[0]);
	close(pair[0]);
	close(pair[1]);
	works();
}

RM_TEST("descriptors past the end of the table are left alone")
{
	open_client(RM_FD_MAX);
	open_client(RM_FD_MAX - 1);
	RM_CHECK(!rm_fd_tracked(RM_FD_MAX) && !rm_fd_tracked(-1) && rm_fd_tracked(RM_FD_MAX - 1));
	if (1) {
		struct rm_scope s;

		RM_CHECK(rm_enter(&s));
		rm_fd_dup(&s, RM_FD_MAX - 1, RM_FD_MAX);
		rm_leave(&s);
	}
	close_fd(RM_FD_MAX - 1);
	works();
}
