/* Which connection a TLS session belongs to, agent/tls_hello.c: by the random number of its ClientHello. */
#include <arpa/inet.h>

#include "agent/tls.h"
#include "agent/tls_hello.h"
#include "tests/unit/client_fixture.h"

static int discoveries;

static void discover(void)
{
	discoveries++;
}

/* A ClientHello as far as it matters; its random number is `number`, over and over. */
static size_t hello(uint32_t number, char ret[64])
{
	static const char head[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

	memcpy(ret, head, sizeof(head) - 1);
	for (int i = 0; i < 8; i++)
		memcpy(ret + sizeof(head) - 1 + 4 * i, &number, 4);
	return sizeof(head) - 1 + 32;
}

static void connect_to(int fd, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001) };
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	rm_fd_socket(&s, fd, AF_INET, SOCK_STREAM);
	rm_fd_connect(&s, fd, (struct sockaddr *)&to, sizeof(to), 0, 0, 0);
	rm_leave(&s);
}

static void say_hello(uint32_t number, uint16_t port)
{
	char text[64];
	size_t n = hello(number, text);

	sent_bytes = 0;

	connect_to(7, port);
	send_text(7, text, n);
	close_fd(7);
}

/* The peer's port that a session with this number has; 0: none. */
static uint16_t claimed_port(uint32_t number, bool server)
{
	char text[64];
	struct rm_tls_session session = { .server = server, .random = (uint8_t *)text + 11, .fd = -1 };
	struct rm_conn *c;
	uint16_t port;
	rm_tls name;

	hello(number, text);
	name = rm_tls_open(&session);
	c = rm_conn_take_name(name);
	port = c ? c->peer.port : 1;
	if (c)
		rm_conn_release(c);
	rm_tls_close(name);
	return port;
}

RM_TEST("a session finds the connection that its ClientHello went over, among many")
{
	char *none[] = { NULL };

	stub_start(none);
	rm_tls_on_discovery(discover);
	for (uint32_t i = 1; i <= 300; i++)
		say_hello(i * 2654435761u, (uint16_t)(1000 + i));
	RM_CHECK(discoveries == 1 + 300);
	for (uint32_t i = 1; i <= 300; i++)
		RM_CHECK(claimed_port(i * 2654435761u, false) == 1000 + i);
	RM_CHECK(all_freed());
}

RM_TEST("libraries are looked for when a connection begins, once after something was loaded")
{
	discoveries = 0;
	connect_to(7, 1);
	RM_CHECK(discoveries == 0);
	rm_tls_loading();
	connect_to(7, 1);
	RM_CHECK(discoveries == 1);
	connect_to(7, 1);
	RM_CHECK(discoveries == 1);
	close_fd(7);
}

RM_TEST("a number that nobody said hello with, or the other side did, finds none")
{
	RM_CHECK(claimed_port(12345, false) == 0);
	RM_CHECK(claimed_port(2654435761u, true) == 0);
}

RM_TEST("a ClientHello in pieces is one")
{
	char text[64];
	size_t n = hello(77, text);

	connect_to(7, 4711);
	for (size_t i = 0; i < n; i++)
		send_text(7, text + i, 1);
	close_fd(7);
	RM_CHECK(claimed_port(77, false) == 4711);
}

RM_TEST("the table forgets the oldest, never mixes them")
{
	for (uint32_t i = 1; i <= 20000; i++)
		say_hello(i * 2654435761u, (uint16_t)i);
	for (uint32_t i = 1; i <= 20000; i++) {
		uint16_t port = claimed_port(i * 2654435761u, false);

		RM_CHECK(port == 0 || port == (uint16_t)i);
		RM_CHECK(port || i < 19700);
	}
}

RM_TEST("what a session carries has a span with the scheme https and the peer of its socket")
{
	static const char request[] = "GET /x HTTP/1.1\r\nHost: h.example\r\n\r\n";
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	char text[64], room[4096];
	struct rm_tls_session session = { .server = true, .random = (uint8_t *)text + 11, .fd = -1,
					  .alpn = "http/1.1", .alpn_bytes = 8 };
	rm_tls name;
	size_t n;

	hello(5, text);
	name = rm_tls_open(&session);
	memcpy(room, request, sizeof(request) - 1);
	RM_CHECK(rm_tls_reserve(name, true, sizeof(room)) == RM_INGRESS_RESERVE);
	n = rm_tls_received(name, room, sizeof(room), sizeof(request) - 1, RM_INGRESS_RESERVE);
	RM_CHECK(n == sizeof(request) - 1 + 70);
	rm_tls_sent(name, answer, sizeof(answer) - 1);
	RM_CHECK(stub_span() != NULL);
	rm_tls_close(name);
	rm_tls_close(name);
	RM_CHECK(all_freed());
}

RM_TEST("each of forty requests that one read brings has our line")
{
	static const char request[] = "GET /x HTTP/1.1\r\nHost: h.example\r\n\r\n";
	char text[64], room[8192];
	struct rm_tls_session session = { .server = true, .random = (uint8_t *)text + 11, .fd = -1,
					  .alpn = "http/1.1", .alpn_bytes = 8 };
	size_t n = 0, lines = 0;
	rm_tls name;

	hello(5, text);
	name = rm_tls_open(&session);
	for (int i = 0; i < 40; i++, n += sizeof(request) - 1)
		memcpy(room + n, request, sizeof(request) - 1);
	n = rm_tls_received(name, room, sizeof(room), n, RM_INGRESS_RESERVE);
	RM_CHECK(n == 40 * (sizeof(request) - 1 + 70));
	for (size_t at = 0; at + 13 <= n; at++)
		lines += memcmp(room + at, "\ntraceparent:", 13) == 0;
	RM_CHECK(lines == 40);
	rm_tls_close(name);
	RM_CHECK(all_freed());
}

RM_TEST("a protocol that nobody knows is left alone")
{
	struct rm_tls_session session = { .fd = -1, .alpn = "managesieve", .alpn_bytes = 11 };
	rm_tls name = rm_tls_open(&session);

	RM_CHECK(!rm_tls_watched(name));
	rm_tls_close(name);
	RM_CHECK(all_freed());
}

RM_TEST("gRPC's own name for HTTP/2 is HTTP/2")
{
	/* Settings, and a request: GET http://h/. */
	static const char frames[] = "\0\0\0\x04\0\0\0\0\0" "\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x01\x01h";
	struct rm_tls_session session = { .fd = -1, .alpn = "grpc-exp", .alpn_bytes = 8 };
	rm_tls name = rm_tls_open(&session);

	RM_CHECK(rm_tls_watched(name));
	rm_tls_sent(name, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	rm_tls_sent(name, frames, sizeof(frames) - 1);
	RM_CHECK(rm_tls_watched(name));
	rm_tls_close(name);
	RM_CHECK(stub_span() != NULL);
	while (stub_span())
		;
	RM_CHECK(all_freed());
}
