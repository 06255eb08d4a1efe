/*
 * Sends requests with GnuTLS over one connection, in one of the ways that the library has, and prints
 * the bodies of the answers.
 *
 *   main PORT CA COUNT plain|cork|pad|range|file|again|resume
 *
 * cork: records kept together; what uncork says is printed. pad, range: gnutls_record_send2 and _range.
 * file: a POST whose body is a file. again, resume: a transport that refuses every other call, after which
 * the same call is made again, or one with NULL and 0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static gnutls_session_t session;
static const char *mode;
static int fd;

static int is(const char *name)
{
	return strcmp(mode, name) == 0;
}

static void die(const char *what, int code)
{
	fprintf(stderr, "%s: %s\n", what, gnutls_strerror(code));
	exit(1);
}

static ssize_t reluctant_push(gnutls_transport_ptr_t transport, const void *p, size_t n)
{
	static unsigned calls;

	if (calls++ % 2 == 0) {
		gnutls_transport_set_errno(session, EAGAIN);
		return -1;
	}
	return send((int)(long)transport, p, n, 0);
}

static ssize_t plain_pull(gnutls_transport_ptr_t transport, void *p, size_t n)
{
	return recv((int)(long)transport, p, n, 0);
}

static ssize_t send_once(const char *p, size_t n)
{
	gnutls_range_st range = { n, n + 100 };

	if (is("pad"))
		return gnutls_record_send2(session, p, n, 32, 0);
	if (is("range"))
		return gnutls_record_send_range(session, p, n, &range);
	return gnutls_record_send(session, p, n);
}

static void send_all(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = send_once(p, n);

		while (sent == GNUTLS_E_AGAIN)
			sent = is("resume") ? gnutls_record_send(session, NULL, 0) : send_once(p, n);
		if (sent < 0)
			die("send", (int)sent);
		p += sent;
		n -= (size_t)sent;
	}
}

/* A file's bytes, as a body. */
static void post_file(const char *path)
{
	int file = open(path, O_RDONLY);
	off_t left = lseek(file, 0, SEEK_END);
	char head[256];

	lseek(file, 0, SEEK_SET);
	snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %ld\r\n\r\n",
		 (long)left);
	send_all(head, strlen(head));
	while (left > 0) {
		ssize_t sent = gnutls_record_send_file(session, file, NULL, (size_t)left);

		if (sent <= 0)
			die("send_file", (int)sent);
		left -= sent;
	}
	close(file);
}

static void get(int number)
{
	char head[128];

	snprintf(head, sizeof(head), "GET /hello?%d HTTP/1.1\r\nHost: localhost\r\n", number);
	if (is("cork"))
		gnutls_record_cork(session);
	send_all(head, strlen(head));
	send_all("X-Last: 1\r\n\r\n", 13);
	if (is("cork")) {
		printf("corked %zu, ", gnutls_record_check_corked(session));
		printf("uncorked %d\n", gnutls_record_uncork(session, GNUTLS_RECORD_WAIT));
	}
}

static void answer(void)
{
	char buf[4096];
	size_t have = 0, bytes = 0;
	char *end = NULL;

	while (!end || have < (size_t)(end - buf) + 4 + bytes) {
		ssize_t n = gnutls_record_recv(session, buf + have, sizeof(buf) - 1 - have);

		if (n == GNUTLS_E_AGAIN)
			continue;
		if (n <= 0)
			die("recv", (int)n);
		have += (size_t)n;
		buf[have] = 0;
		end = strstr(buf, "\r\n\r\n");
		bytes = end ? strtoul(strstr(buf, "Content-Length:") + 15, NULL, 10) : 0;
	}
	fwrite(end + 4, 1, have - (size_t)(end + 4 - buf), stdout);
}

static void open_session(int port, const char *ca)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	gnutls_certificate_credentials_t trust;
	int code;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect", 0);
	gnutls_certificate_allocate_credentials(&trust);
	gnutls_certificate_set_x509_trust_file(trust, ca, GNUTLS_X509_FMT_PEM);
	gnutls_init(&session, GNUTLS_CLIENT);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust);
	gnutls_session_set_verify_cert(session, "localhost", 0);
	gnutls_transport_set_int(session, fd);
	if (is("again") || is("resume")) {
		gnutls_transport_set_push_function(session, reluctant_push);
		gnutls_transport_set_pull_function(session, plain_pull);
	}
	do
		code = gnutls_handshake(session);
	while (code == GNUTLS_E_AGAIN);
	if (code != 0)
		die("handshake", code);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	mode = argv[4];
	open_session(atoi(argv[1]), argv[2]);
	for (int i = 0; i < atoi(argv[3]); i++) {
		if (is("file"))
			post_file(argv[2]);
		else
			get(i);
		answer();
	}
	while (gnutls_bye(session, GNUTLS_SHUT_WR) == GNUTLS_E_AGAIN)
		;
	gnutls_deinit(session);
	close(fd);
	return 0;
}
