/*
 * Early data with GnuTLS: a client and its server, two threads of one program.
 *
 *   early taken|refused CERTIFICATE KEY
 *
 * The first connection is for a ticket. The second sends its first request before the handshake, once more
 * behind it where the server did not take that, and then another one. Prints "WAY: N requests, M lines",
 * the lines being header lines of requests that the client did not write.
 */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
static int taken, listener, requests, lines;
static gnutls_certificate_credentials_t identity, trust;
static gnutls_anti_replay_t replays;
static gnutls_datum_t ticket_key;

static void check(long good, const char *what)
{
	if (good < 0) {
		fprintf(stderr, "%s: %s\n", what, gnutls_strerror((int)good));
		exit(1);
	}
}

static void shake_hands(gnutls_session_t session)
{
	int code;

	while ((code = gnutls_handshake(session)) < 0 && !gnutls_error_is_fatal(code))
		;
	check(code, "handshake");
}

static ssize_t hear(gnutls_session_t session, char *buf, size_t room)
{
	ssize_t n;

	do /* a ticket is no data */
		n = gnutls_record_recv(session, buf, room);
	while (n == GNUTLS_E_AGAIN);
	return n;
}

/* ---- the server ---- */

static void reply(gnutls_session_t session, const char *head)
{
	requests++;
	lines += strstr(head, "\r\ntraceparent: ") != NULL;
	check(gnutls_record_send(session, answer, sizeof(answer) - 1), "reply");
}

static int add_replay(void *unused, time_t end, const gnutls_datum_t *key, const gnutls_datum_t *data)
{
	(void)unused, (void)end, (void)key, (void)data;
	return 0;
}

static void serve(int fd)
{
	gnutls_session_t session;
	char buf[4096];
	ssize_t n;

	check(gnutls_init(&session, GNUTLS_SERVER | (taken ? GNUTLS_ENABLE_EARLY_DATA : 0)), "server");
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, identity);
	gnutls_session_ticket_enable_server(session, &ticket_key);
	gnutls_anti_replay_enable(session, replays);
	gnutls_transport_set_int(session, fd);
	shake_hands(session);
	while ((n = gnutls_record_recv_early_data(session, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = 0;
		reply(session, buf);
	}
	while ((n = hear(session, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = 0;
		reply(session, buf);
	}
	gnutls_bye(session, GNUTLS_SHUT_WR);
	gnutls_deinit(session);
	close(fd);
}

static void *accept_all(void *arg)
{
	serve(accept(listener, NULL, NULL));
	serve(accept(listener, NULL, NULL));
	return arg;
}

/* ---- the client ---- */

static void expect_answer(gnutls_session_t session)
{
	char buf[4096];
	size_t n = 0;

	while (n < sizeof(answer) - 1) {
		ssize_t got = hear(session, buf + n, sizeof(buf) - n);

		check(got, "answer");
		if (got == 0)
			break;
		n += (size_t)got;
	}
	check(n == sizeof(answer) - 1 && memcmp(buf, answer, n) == 0 ? 0 : GNUTLS_E_INVALID_REQUEST, "the same answer");
}

static void ask(gnutls_session_t session)
{
	check(gnutls_record_send(session, request, sizeof(request) - 1), "ask");
	expect_answer(session);
}

static void connect_and_ask(const struct sockaddr_in *to, gnutls_datum_t *ticket)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	gnutls_session_t session;

	check(connect(fd, (const struct sockaddr *)to, sizeof(*to)), "connect");
	check(gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_ENABLE_EARLY_DATA), "client");
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust);
	gnutls_transport_set_int(session, fd);
	if (ticket->size) {
		gnutls_session_set_data(session, ticket->data, ticket->size);
		check(gnutls_record_send_early_data(session, request, sizeof(request) - 1), "early data");
	}
	shake_hands(session);
	if (ticket->size && gnutls_session_is_resumed(session) != 1)
		check(GNUTLS_E_INVALID_SESSION, "resuming");
	if (ticket->size && !(gnutls_session_get_flags(session) & GNUTLS_SFLAGS_EARLY_DATA) != !taken)
		check(GNUTLS_E_INVALID_REQUEST, "whether early data were taken");
	if (ticket->size && taken)
		expect_answer(session);
	else
		ask(session);
	ask(session);
	gnutls_session_get_data2(session, ticket);
	gnutls_bye(session, GNUTLS_SHUT_WR);
	gnutls_deinit(session);
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	gnutls_datum_t ticket = { NULL, 0 };
	pthread_t server;

	if (argc != 4)
		return 2;
	taken = strcmp(argv[1], "taken") == 0;
	gnutls_certificate_allocate_credentials(&trust);
	gnutls_certificate_allocate_credentials(&identity);
	check(gnutls_certificate_set_x509_key_file(identity, argv[2], argv[3], GNUTLS_X509_FMT_PEM), "certificate");
	gnutls_session_ticket_key_generate(&ticket_key);
	gnutls_anti_replay_init(&replays);
	gnutls_anti_replay_set_add_function(replays, add_replay);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	check(bind(listener, (struct sockaddr *)&at, n) | listen(listener, 5) | getsockname(listener, (struct sockaddr *)&at, &n),
	      "listen");
	pthread_create(&server, NULL, accept_all, NULL);
	connect_and_ask(&at, &ticket);
	connect_and_ask(&at, &ticket);
	pthread_join(server, NULL);
	printf("%s: %d requests, %d lines\n", argv[1], requests, lines);
	return 0;
}
