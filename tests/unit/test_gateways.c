/*
 * FastCGI, SCGI and uwsgi: how they are told from other protocols, and as a property what is changed in them: the
 * value of the traceparent, or nothing, however the bytes are read and sent; never their number.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/client_fixture.h"

#define TRACEPARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

extern const struct rm_proto rm_proto_fastcgi, rm_proto_scgi, rm_proto_uwsgi, rm_proto_tls;

enum form { FASTCGI, SCGI, UWSGI };

static char wire[STREAM_MAX], got[STREAM_MAX];
static size_t wire_bytes, value_at;

static void put(const void *p, size_t n)
{
	if (n)
		memcpy(wire + wire_bytes, p, n);
	wire_bytes += n;
}

static void put_record(uint8_t type, const void *p, size_t n, uint8_t pad)
{
	const uint8_t head[8] = { 1, type, 0, 1, (uint8_t)(n >> 8), (uint8_t)n, pad, 0 };
	static const char zeros[255];

	put(head, sizeof(head));
	put(p, n);
	put(zeros, pad);
}

static void put_pair(char *to, size_t *n, enum form form, const char *name, const char *value)
{
	size_t names = strlen(name), values = strlen(value);

	if (form == FASTCGI)
		*n += (size_t)sprintf(to + *n, "%c%c%s%s", (char)names, (char)values, name, value);
	else if (form == SCGI)
		*n += (size_t)sprintf(to + *n, "%s%c%s", name, 0, value) + 1;
	else
		*n += (size_t)sprintf(to + *n, "%c%c%s%c%c%s", (char)names, 0, name, (char)values, 0, value);
}

static size_t put_variables(char *to, enum form form, const char *traceparent, const char *last)
{
	size_t n = 0;

	put_pair(to, &n, form, "CONTENT_LENGTH", "2");
	put_pair(to, &n, form, "SCGI", "1");
	put_pair(to, &n, form, "REQUEST_METHOD", "POST");
	put_pair(to, &n, form, "REQUEST_URI", "/here");
	if (traceparent)
		put_pair(to, &n, form, "HTTP_TRACEPARENT", traceparent);
	put_pair(to, &n, form, "HTTP_X", last);
	return n;
}

/* A request with the body "hi"; where its traceparent lies. */
static void put_request(enum form form, const char *traceparent, const char *last)
{
	static const char begin[8] = { 0, 1 };
	char block[512];
	size_t n = put_variables(block, form, traceparent, last);

	wire_bytes = 0;
	if (form == FASTCGI) {
		put_record(1, begin, 8, 0);
		put_record(4, block, n, 5);
		put_record(4, NULL, 0, 0);
		put_record(5, "hi", 2, 6);
		put_record(5, NULL, 0, 0);
	} else if (form == SCGI) {
		wire_bytes = (size_t)sprintf(wire, "%zu:", n);
		put(block, n);
		put(",hi", 3);
	} else {
		put((char[]){ 0, (char)n, (char)(n >> 8), 0 }, 4);
		put(block, n);
		put("hi", 2);
	}
	value_at = 0;
	for (size_t i = 0; traceparent && i + RM_TRACEPARENT_BYTES <= wire_bytes; i++)
		if (memcmp(wire + i, traceparent, RM_TRACEPARENT_BYTES) == 0)
			value_at = i;
}

static const struct rm_proto *first_not_no(const char *p, size_t n)
{
	for (int i = 0; rm_protocols[i]; i++)
		if (rm_protocols[i]->sniff((const uint8_t *)p, n) != RM_SNIFF_NO)
			return rm_protocols[i];
	return NULL;
}

RM_TEST("requests are recognised as servers read them")
{
	put_request(FASTCGI, TRACEPARENT, "");
	for (size_t n = 1; n <= wire_bytes; n++)
		RM_CHECK(first_not_no(wire, n) == &rm_proto_fastcgi);
	put_request(SCGI, TRACEPARENT, "");
	for (size_t n = 1; n <= wire_bytes; n++)
		RM_CHECK(first_not_no(wire, n) == &rm_proto_scgi);
	put_request(UWSGI, TRACEPARENT, "");
	for (size_t n = 4; n <= wire_bytes; n++)
		RM_CHECK(first_not_no(wire, n) == &rm_proto_uwsgi);
}

RM_TEST("other first bytes are not")
{
	static const struct {
		const char *p;
		size_t n;
	} others[] = {
		{ "GET / HTTP/1.1\r\n\r\n", 18 },
		{ "\1\1\0\0\0\010\0\0", 8 },                 /* a request of no id */
		{ "\1\1\0\1\0\011\0\0", 8 },
		{ "\1\3\0\1\0\010\0\0", 8 },                 /* an answer */
		{ "\2\1", 2 },
		{ "12:MORE", 7 },
		{ "0:", 2 },
		{ "\0\0\0\011\0\3\0\0user\0a\0\0", 16 },     /* PostgreSQL */
		{ "\0\020\0\0\0\0\0\0", 8 },                 /* packets too small, */
		{ "\0\100\0\1\6\0SERVER", 12 },              /* of another kind, */
		{ "\0\100\0\0\6\0server", 12 },              /* of other names, */
		{ "\0\100\0\0\0\0", 6 },                     /* of none */
		{ "\0\100\0\0\0\1", 6 },
		{ "\x80\x40\0\0\6\0SERVER", 12 },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct rm_proto *p = first_not_no(others[i].p, others[i].n);

		RM_CHECK(p != &rm_proto_fastcgi && p != &rm_proto_scgi && p != &rm_proto_uwsgi);
	}
}

RM_TEST("a ClientHello of any length is nobody else's, also where its first five bytes are read alone")
{
	for (unsigned minor = 0; minor <= 4; minor++)
		for (unsigned length = 0; length <= 16384; length++) {
			char hello[] = { 22, 3, (char)minor, (char)(length >> 8), (char)length, 1 };

			for (size_t n = 5; n <= sizeof(hello); n++)
				RM_CHECK(first_not_no(hello, n) == &rm_proto_tls);
		}
}

/* ---- what a server reads ---- */

static int peer, server;

static void open_server(void)
{
	struct rm_scope s;
	int fds[2];

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	peer = fds[0];
	server = fds[1];
	RM_CHECK(rm_enter(&s));
	rm_fd_accept(&s, -1, server);
	rm_leave(&s);
}

static void close_server(void)
{
	close_fd(server);
	close(server);
	close(peer);
	while (stub_span())
		;
	RM_CHECK(all_freed());
}

static size_t read_some(size_t at, size_t room)
{
	struct iovec iov = { got + at, room }, less;
	struct rm_rx rx;
	ssize_t n;

	rm_rx_begin(&rx, server, room, 0);
	less = (struct iovec){ got + at, room - (rx.watch ? rx.reserve : 0) };
	n = readv(server, &less, 1);
	n = rx.watch ? rm_rx_done(&rx, &iov, 1, n) : n;
	return n > 0 ? (size_t)n : 0;
}

/* What the program of an open request is to find in its traceparent. */
static void own_context(char ret[RM_TRACEPARENT_BYTES])
{
	struct rm_exchange *e = rm_ctx_exchange(rm_context_current(rm_thread_self(), NULL));

	RM_CHECK(e != NULL);
	if (e)
		rm_traceparent_format(&e->ctx, ret);
}

/* True when the value was replaced by the server's own; all else must be as it was sent. */
static bool check_read(size_t n)
{
	char own[RM_TRACEPARENT_BYTES];
	bool replaced;

	own_context(own);
	RM_CHECK(n == wire_bytes);
	replaced = memcmp(got + value_at, own, sizeof(own)) == 0;
	if (replaced)
		memcpy(got + value_at, wire + value_at, sizeof(own));
	RM_CHECK(memcmp(got, wire, n) == 0);
	return replaced;
}

RM_TEST("a server that reads record by record, or all at once, reads its own span as its parent")
{
	char *none[] = { NULL };
	size_t n = 0;

	stub_start(none);
	for (int form = FASTCGI; form <= UWSGI; form++) {
		put_request((enum form)form, TRACEPARENT, "y");
		open_server();
		RM_CHECK(write(peer, wire, wire_bytes) == (ssize_t)wire_bytes);
		RM_CHECK(check_read(read_some(0, sizeof(got))));
		close_server();
	}
	put_request(FASTCGI, TRACEPARENT, "y");
	open_server();
	RM_CHECK(write(peer, wire, wire_bytes) == (ssize_t)wire_bytes);
	while (n < wire_bytes) {
		n += read_some(n, 8);
		n += read_some(n, (size_t)((uint8_t)got[n - 4] << 8) + (uint8_t)got[n - 3] + (uint8_t)got[n - 2]);
	}
	RM_CHECK(check_read(n));
	close_server();
}

RM_TEST("a value that a signature may cover, or that is cut, stays")
{
	put_request(FASTCGI, TRACEPARENT, "SignedHeaders=host;traceparent");
	open_server();
	RM_CHECK(write(peer, wire, wire_bytes) == (ssize_t)wire_bytes);
	RM_CHECK(!check_read(read_some(0, sizeof(got))));
	close_server();
	for (int form = FASTCGI; form <= UWSGI; form++) {
		put_request((enum form)form, TRACEPARENT, "y");
		open_server();
		RM_CHECK(write(peer, wire, wire_bytes) == (ssize_t)wire_bytes);
		RM_CHECK(read_some(0, value_at + 20) == value_at + 20);
		RM_CHECK(!check_read(value_at + 20 + read_some(value_at + 20, sizeof(got) - value_at - 20)));
		close_server();
	}
}

RM_TEST("reads and segments of any size change at most the value")
{
	int replaced = 0;

	for (int round = 0; round < 3000; round++) {
		size_t room = 8 + dice(round % 2 ? 60 : 600), n = 0;

		put_request((enum form)dice(3), TRACEPARENT, "y");
		open_server();
		for (size_t at = 0; at < wire_bytes;) {
			size_t cut = 4 + dice(400), more; /* uwsgi is not told by less */

			cut = cut < wire_bytes - at ? cut : wire_bytes - at;
			RM_CHECK(write(peer, wire + at, cut) == (ssize_t)cut);
			at += cut;
			while ((more = read_some(n, room)) > 0)
				n += more;
		}
		replaced += check_read(n);
		close_server();
	}
	RM_CHECK(replaced > 300 && replaced < 2700);
}

/* ---- what a web server sends ---- */

/* A web server has a request, whose traceparent it passes on. */
static void serve(char traceparent[RM_TRACEPARENT_BYTES + 1])
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

	open_server();
	RM_CHECK(write(peer, get, sizeof(get) - 1) == (ssize_t)sizeof(get) - 1);
	RM_CHECK(read_some(0, sizeof(got)) > sizeof(get) - 1);
	own_context(traceparent);
	traceparent[RM_TRACEPARENT_BYTES] = '\0';
}

/* 1: another span of the trace stands in the place of the value; 0: nothing changed. */
static int check_sent(const char *traceparent)
{
	bool same;

	RM_CHECK(sent_bytes == wire_bytes);
	same = memcmp(sent, wire, wire_bytes) == 0;
	if (same)
		return 0;
	RM_CHECK(memcmp(sent + value_at, traceparent, 36) == 0);
	memcpy(sent + value_at, wire + value_at, RM_TRACEPARENT_BYTES);
	RM_CHECK(memcmp(sent, wire, wire_bytes) == 0);
	return 1;
}

static void send_cut(size_t piece)
{
	size_t at = 0;

	while (at < wire_bytes) {
		size_t n = piece < wire_bytes - at ? piece : wire_bytes - at;
		ssize_t took = send_text(7, wire + at, n);

		at += took > 0 ? (size_t)took : 0;
	}
}

RM_TEST("what passes a request on sends the span of that in its traceparent's place, whatever the kernel takes")
{
	char own[RM_TRACEPARENT_BYTES + 1];
	int replaced = 0;

	for (int round = 0; round < 1500; round++) {
		size_t piece = dice(2) ? STREAM_MAX : 1 + dice(500);

		refuse_percent = (int)dice(40);
		short_percent = (int)dice(80);
		serve(own);
		put_request((enum form)(round % 3), own, "y");
		sent_bytes = 0;
		open_client(7);
		send_cut(piece);
		replaced += check_sent(own);
		close_fd(7);
		close_server();
	}
	refuse_percent = short_percent = 0;
	RM_CHECK(replaced > 600);
}

RM_TEST("without a traceparent, or with another's, nothing is changed")
{
	for (int form = FASTCGI; form <= UWSGI; form++) {
		for (int foreign = 0; foreign < 2; foreign++) {
			char own[RM_TRACEPARENT_BYTES + 1];

			serve(own);
			put_request((enum form)form, foreign ? TRACEPARENT : NULL, "y");
			sent_bytes = 0;
			open_client(7);
			send_cut(STREAM_MAX);
			RM_CHECK(check_sent(own) == 0);
			close_fd(7);
			close_server();
		}
	}
}
