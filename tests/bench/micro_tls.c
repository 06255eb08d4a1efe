/* See micro_tls.h. */
#include "tests/bench/micro_tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static SSL *served, *asked;
static struct text to_ask, to_answer;
static char buf[4096];

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "micro: %s\n", what);
	exit(2);
}

/* ---- sessions ---- */

/* A certificate that signs itself: nobody verifies it. */
static void certify(SSL_CTX *ctx)
{
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
	X509 *certificate = X509_new();
	EVP_PKEY *key = NULL;

	must(EVP_PKEY_keygen_init(maker) == 1 &&
	     EVP_PKEY_CTX_set_ec_paramgen_curve_nid(maker, NID_X9_62_prime256v1) == 1 &&
	     EVP_PKEY_keygen(maker, &key) == 1, "a key");
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	must(X509_set_pubkey(certificate, key) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0 &&
	     SSL_CTX_use_certificate(ctx, certificate) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1, "a certificate");
}

static SSL *session(int fd, bool server)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	SSL *ssl;

	if (server)
		certify(ctx);
	ssl = SSL_new(ctx);
	must(ssl && SSL_set_fd(ssl, fd) == 1 && (server ? SSL_accept(ssl) : SSL_connect(ssl)) == 1, "a handshake");
	return ssl;
}

static bool writes(SSL *ssl, struct text t)
{
	return SSL_write(ssl, t.p, (int)t.n) == (int)t.n;
}

/* ---- the peer ---- */

void tls_peer(int argc, char **argv, struct text request, struct text response)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd;
	SSL *ssl;

	if (argc == 3 && strcmp(argv[1], "tls-client") == 0) {
		to.sin_port = htons((uint16_t)atoi(argv[2]));
		fd = socket(AF_INET, SOCK_STREAM, 0);
		must(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "the peer connects");
		ssl = session(fd, false);
		while (writes(ssl, request) && SSL_read(ssl, buf, sizeof(buf)) > 0)
			;
		_exit(0);
	}
	if (argc == 3 && strcmp(argv[1], "tls-server") == 0) {
		ssl = session(accept(atoi(argv[2]), NULL, NULL), true);
		while (SSL_read(ssl, buf, sizeof(buf)) > 0 && writes(ssl, response))
			;
		_exit(0);
	}
}

static void spawn(const char *program, const char *as, int number)
{
	char text[16], *argv[] = { (char *)program, (char *)as, text, NULL }, *none[] = { NULL };
	pid_t pid;

	snprintf(text, sizeof(text), "%d", number);
	must(posix_spawn(&pid, program, NULL, NULL, argv, none) == 0, "a peer starts");
}

/* ---- ours ---- */

static struct sockaddr_in listening(int fd)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);

	must(bind(fd, (struct sockaddr *)&at, n) == 0 && getsockname(fd, (struct sockaddr *)&at, &n) == 0, "a port");
	return at;
}

void tls_start(const char *program, struct text request, struct text response)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct sockaddr_in at = listening(listener);

	to_ask = request;
	to_answer = response;
	must(listen(listener, 1) == 0, "we listen");
	spawn(program, "tls-client", ntohs(at.sin_port));
	served = session(accept(listener, NULL, NULL), true);
	close(listener);
	/* The peer's, as it is none of ours: past libc. */
	listener = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	at = listening(listener);
	must(syscall(SYS_listen, listener, 1) == 0, "the peer listens");
	spawn(program, "tls-server", listener);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0, "we connect");
	asked = session(fd, false);
}

void tls_server_reads(void)
{
	must(SSL_read(served, buf, sizeof(buf)) > 0, "TLS server reads");
}

void tls_server_answers(void)
{
	must(writes(served, to_answer), "TLS server answers");
}

void tls_client_asks(void)
{
	must(writes(asked, to_ask), "TLS client asks");
}

void tls_client_reads(void)
{
	must(SSL_read(asked, buf, sizeof(buf)) > 0, "TLS client reads");
}
