/*
 * An https client and its server, two threads of one program, with what every OpenSSL and everything that
 * descends from it has: no call here is younger than 1.1.0.
 *
 *   basic CERTIFICATE CA [COUNT]
 *
 * Both ends check what they get byte for byte, but for header lines that neither of them wrote, which are
 * counted. Prints the library's name for itself, then "N requests, M lines".
 */
#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\nX-Last: 1\r\n\r\n";
static int listener, requests, lines;
static SSL_CTX *server_context, *client_context;

static void die(const char *what)
{
	fprintf(stderr, "%s failed\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* Reads to the end of a head. 0 at the end of the connection. */
static size_t hear(SSL *ssl, char *buf, size_t room, size_t behind)
{
	char *end = NULL;
	size_t n = 0;

	while (!end || n < (size_t)(end - buf) + 4 + behind) {
		int got = SSL_read(ssl, buf + n, (int)(room - n - 1));

		if (got <= 0)
			return 0;
		n += (size_t)got;
		buf[n] = 0;
		end = strstr(buf, "\r\n\r\n");
	}
	return n;
}

static void *serve(void *arg)
{
	int fd = accept(listener, NULL, NULL);
	SSL *ssl = SSL_new(server_context);
	char buf[4096], *line, *end;

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) != 1)
		die("the server's handshake");
	while (hear(ssl, buf, sizeof(buf), 0)) {
		while ((line = strstr(buf, "\r\ntraceparent: "))) {
			end = strstr(line + 2, "\r\n");
			memmove(line, end, strlen(end) + 1);
			lines++;
		}
		if (strcmp(buf, request) != 0)
			die("reading what was sent");
		requests++;
		if (SSL_write(ssl, answer, sizeof(answer) - 1) != sizeof(answer) - 1)
			die("the server's write");
	}
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	return arg;
}

static void ask(const struct sockaddr_in *to, int count)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	SSL *ssl = SSL_new(client_context);
	char buf[4096];

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0)
		die("connect");
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1)
		die("the client's handshake");
	for (int i = 0; i < count; i++) {
		if (SSL_write(ssl, request, sizeof(request) - 1) != sizeof(request) - 1)
			die("the client's write");
		if (hear(ssl, buf, sizeof(buf), 6) != sizeof(answer) - 1 || memcmp(buf, answer, sizeof(answer) - 1) != 0)
			die("reading the answer");
	}
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	pthread_t server;

	if (argc < 3)
		return 2;
	server_context = SSL_CTX_new(TLS_server_method());
	client_context = SSL_CTX_new(TLS_client_method());
	if (SSL_CTX_use_certificate_chain_file(server_context, argv[1]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(server_context, argv[1], SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_load_verify_locations(client_context, argv[2], NULL) != 1)
		die("loading certificates");
	SSL_CTX_set_verify(client_context, SSL_VERIFY_PEER, NULL);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&at, n) != 0 || listen(listener, 5) != 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &n) != 0)
		die("listen");
	pthread_create(&server, NULL, serve, NULL);
	ask(&at, argc > 3 ? atoi(argv[3]) : 3);
	pthread_join(server, NULL);
	printf("%s\n%d requests, %d lines\n", OpenSSL_version(OPENSSL_VERSION), requests, lines);
	return 0;
}
