/*
 * An https client and its server, two threads of one program, that use OpenSSL in one of the ways there are:
 *
 *   main WAY CERTIFICATE CA
 *
 * CERTIFICATE holds the key too. Both ends check what they get byte for byte, but for header lines that
 * neither of them wrote, which are counted. Prints "WAY: N requests, M lines".
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGE = 3 << 20, PIECE = 100000 };

static const char *way, *certificate, *ca;
static bool nonblocking, partial, moving, memory, narrow, peeks, plain_calls = true;
static int listener, requests, lines, port;
static SSL_CTX *client_context, *server_context;
static SSL_SESSION *kept_session;

static void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static bool is(const char *name)
{
	return strcmp(way, name) == 0;
}

static bool takes_early(void)
{
	return is("early") || is("early-ktls");
}

/* ---- one end of a connection ---- */

struct end {
	SSL *ssl;
	int fd;
	BIO *far; /* of a pair with little room, whose other end is the session's transport */
};

/* With memory for a transport: what the library has to say goes out, what there is comes in. */
static void pump(struct end *e, bool wait)
{
	BIO *in = e->far ? e->far : SSL_get_rbio(e->ssl), *out = e->far ? e->far : SSL_get_wbio(e->ssl);
	char buf[20000];
	int n;

	while ((n = BIO_read(out, buf, sizeof(buf))) > 0)
		for (int at = 0; at < n;) {
			ssize_t sent = send(e->fd, buf + at, (size_t)(n - at), 0);

			if (sent < 0)
				die("send: %s", strerror(errno));
			at += (int)sent;
		}
	if (!wait)
		return;
	n = (int)recv(e->fd, buf, sizeof(buf), 0);
	if (n > 0)
		BIO_write(in, buf, n);
	else if (!e->far)
		BIO_set_mem_eof_return(in, 0);
}

static bool in_memory(const struct end *e)
{
	return e->far || (memory && SSL_get_wbio(e->ssl) != SSL_get_rbio(e->ssl));
}

/* True: try again, once the library can go on. */
static bool again(struct end *e, int result)
{
	struct pollfd p = { .fd = e->fd };
	int why = SSL_get_error(e->ssl, result);

	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		return false;
	if (in_memory(e)) {
		pump(e, why == SSL_ERROR_WANT_READ);
		return true;
	}
	p.events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
	poll(&p, 1, 10000);
	return true;
}

static void say(struct end *e, const char *p, size_t n)
{
	char *copy = malloc(n);

	for (size_t at = 0; at < n;) {
		size_t piece = n - at < PIECE ? n - at : PIECE, took = 0;
		const char *from = p + at;
		bool refused = false;
		int rc;

		do {
			if (e->far && !refused)
				from = memcpy(copy, p + at, piece);
			if (moving) { /* from another place each time */
				free(copy);
				copy = malloc(piece + 1);
				from = memcpy(copy, p + at, piece);
			}
			if (refused && is("overwritten")) /* the library has encrypted them */
				memset(copy, '?', piece);
			if (refused && is("null"))
				from = NULL;
			if (plain_calls) {
				rc = SSL_write(e->ssl, from, (int)piece);
				took = rc > 0 ? (size_t)rc : 0;
			} else {
				rc = SSL_write_ex(e->ssl, from, piece, &took);
			}
			refused = rc <= 0;
		} while (rc <= 0 && again(e, rc));
		if (rc <= 0)
			die("%s: write gave %d, error %d", way, rc, SSL_get_error(e->ssl, rc));
		if (took > piece || (!partial && took != piece))
			die("%s: %zu of %zu bytes were written", way, took, piece);
		at += took;
	}
	free(copy);
	if (in_memory(e))
		pump(e, false);
}

/* 0 at the end. */
static size_t hear(struct end *e, char *buf, size_t room)
{
	char look[16];
	size_t got = 0;
	int rc;

	if (peeks && (rc = SSL_peek(e->ssl, look, sizeof(look))) > 0 && rc > (int)sizeof(look))
		die("peeked too far");
	do {
		if (plain_calls) {
			rc = SSL_read(e->ssl, buf, (int)room);
			got = rc > 0 ? (size_t)rc : 0;
		} else {
			rc = SSL_read_ex(e->ssl, buf, room, &got);
		}
	} while (rc <= 0 && again(e, rc));
	if (rc > 0 && peeks && memcmp(look, buf, got < sizeof(look) ? got : sizeof(look)) != 0)
		die("what was read is not what was peeked at");
	return rc > 0 ? got : 0;
}

static void set_blocking(int fd)
{
	int small = 4096;

	if (!nonblocking)
		return;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
}

/* ---- the server ---- */

static char body_byte(size_t i)
{
	return (char)('a' + i * 7 % 26);
}

/* Takes lines out that the client did not write. */
static size_t without_lines(char *head, size_t n)
{
	char *line = memmem(head, n, "\r\ntraceparent: ", 15), *end;

	if (!line)
		return n;
	end = memmem(line + 2, n - (size_t)(line + 2 - head), "\r\n", 2);
	memmove(line, end, n - (size_t)(end - head));
	__atomic_fetch_add(&lines, 1, __ATOMIC_RELAXED);
	return without_lines(head, n - (size_t)(end - line));
}

/* False at the end of the connection. */
static bool serve_one(struct end *e, char *first, size_t n)
{
	static __thread char buf[65536];
	char answer[200], *head_end;
	size_t length = 0, head, seen;

	memcpy(buf, first, n);
	while (!(head_end = memmem(buf, n, "\r\n\r\n", 4))) {
		size_t got = hear(e, buf + n, is("tiny") ? 1 : 4096);

		if (!got)
			return false;
		n += got;
	}
	head = (size_t)(head_end + 4 - buf);
	seen = n - head;
	if (memmem(buf, head, "Content-Length: ", 16))
		length = strtoul((char *)memmem(buf, head, "Content-Length: ", 16) + 16, NULL, 10);
	memmove(buf + 32768, buf + head, seen);
	head = without_lines(buf, head);
	if (snprintf(answer, sizeof(answer), "POST /%zu HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
		     length, length) != (int)head || memcmp(answer, buf, head) != 0)
		die("%s: a strange head: %.*s", way, (int)head, buf);
	for (size_t at = 0; at < length; at += seen, seen = 0) {
		if (!seen && !(seen = hear(e, buf + 32768, 20000)))
			die("%s: the body ends at %zu", way, at);
		for (size_t i = 0; i < seen; i++)
			if (buf[32768 + i] != body_byte(at + i))
				die("%s: byte %zu of the body is wrong", way, at + i);
	}
	n = (size_t)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", length);
	say(e, answer, n);
	for (size_t at = 0; at < length; at += n) {
		n = length - at < sizeof(buf) ? length - at : sizeof(buf);
		for (size_t i = 0; i < n; i++)
			buf[i] = body_byte(at + i);
		say(e, buf, n);
	}
	__atomic_fetch_add(&requests, 1, __ATOMIC_RELAXED);
	return true;
}

static void *serve(void *arg)
{
	struct end e = { .fd = (int)(intptr_t)arg };
	char early[4096];
	size_t n = 0, got;
	int rc;

	e.ssl = SSL_new(server_context);
	set_blocking(e.fd);
	SSL_set_fd(e.ssl, e.fd);
	SSL_set_accept_state(e.ssl);
	if (takes_early()) { /* else it refuses what comes early */
		while ((rc = SSL_read_early_data(e.ssl, early + n, sizeof(early) - n, &got)) != SSL_READ_EARLY_DATA_FINISH) {
			if (rc == SSL_READ_EARLY_DATA_ERROR)
				die("early data");
			n += got;
		}
	}
	if (!is("implicit"))
		while ((rc = SSL_do_handshake(e.ssl)) <= 0 && again(&e, rc))
			;
	while (serve_one(&e, early, n))
		n = 0;
	SSL_shutdown(e.ssl);
	SSL_free(e.ssl);
	close(e.fd);
	return NULL;
}

static void *accept_all(void *unused)
{
	int fd;

	(void)unused;
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd);
		pthread_detach(thread);
	}
	return NULL;
}

/* ---- the client ---- */

static size_t compose(char *ret, size_t length)
{
	size_t n = (size_t)sprintf(ret, "POST /%zu HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", length, length);

	for (size_t i = 0; i < length; i++)
		ret[n + i] = body_byte(i);
	return n + length;
}

static void expect_answer(struct end *e, size_t length)
{
	static char room[LARGE + 1000];
	size_t n = 0;
	char *body;

	do {
		size_t got = hear(e, room + n, sizeof(room) - n);

		if (!got)
			die("%s: the answer ends at %zu", way, n);
		n += got;
		body = memmem(room, n < 200 ? n : 200, "\r\n\r\n", 4);
	} while (!body || n - (size_t)(body + 4 - room) < length);
	if (n - (size_t)(body + 4 - room) != length)
		die("%s: too long an answer", way);
	for (size_t i = 0; i < length; i++)
		if (body[4 + i] != body_byte(i))
			die("%s: byte %zu of the answer is wrong", way, i);
}

static void ask(struct end *e, size_t length)
{
	static char request[LARGE + 1000];

	say(e, request, compose(request, length));
	expect_answer(e, length);
}

static int connect_tcp(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect: %s", strerror(errno));
	return fd;
}

static void attach(struct end *e)
{
	BIO *near;

	e->fd = connect_tcp();
	if (narrow) {
		BIO_new_bio_pair(&near, 64, &e->far, 32768);
		SSL_set_bio(e->ssl, near, near);
	} else if (memory) {
		SSL_set_bio(e->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	} else {
		set_blocking(e->fd);
		SSL_set_fd(e->ssl, e->fd);
	}
	SSL_set_connect_state(e->ssl);
}

static void shake_hands(struct end *e)
{
	int rc;

	while ((rc = SSL_do_handshake(e->ssl)) <= 0 && again(e, rc))
		;
	if (rc <= 0)
		die("%s: no handshake", way);
	if (in_memory(e))
		pump(e, false);
}

static void detach(struct end *e)
{
	SSL_shutdown(e->ssl);
	if (in_memory(e))
		pump(e, false);
	close(e->fd);
	BIO_free(e->far);
}

static void ask_much(struct end *e)
{
	ask(e, 0);
	ask(e, 10);
	ask(e, 16384 - 60); /* with the head, about a record */
	ask(e, 40000);
	ask(e, LARGE);
	ask(e, 1);
}

/* No more than a record each: the library does not look at any byte twice. */
static void ask_little(struct end *e)
{
	for (size_t length = 0; length < 3; length++)
		ask(e, 1000 * length);
}

static void open_and_ask(void)
{
	struct end e = { .ssl = SSL_new(client_context) };

	attach(&e);
	if (!is("implicit"))
		shake_hands(&e);
	if (narrow)
		ask_little(&e);
	else
		ask_much(&e);
	detach(&e);
	SSL_free(e.ssl);
}

/* The same session object for two connections. */
static void use_twice(void)
{
	struct end e = { .ssl = SSL_new(client_context) };

	for (int i = 0; i < 2; i++) {
		attach(&e);
		shake_hands(&e);
		ask(&e, 10);
		detach(&e);
		if (SSL_clear(e.ssl) != 1)
			die("SSL_clear");
	}
	SSL_free(e.ssl);
}

static void negotiate_again(void)
{
	struct end e = { .ssl = SSL_new(client_context) };

	attach(&e);
	shake_hands(&e);
	for (int i = 0; i < 3; i++) {
		ask(&e, 5000);
		if (SSL_renegotiate(e.ssl) != 1)
			die("SSL_renegotiate");
		if (i == 1)
			shake_hands(&e); /* else the next write does it */
	}
	ask(&e, 5000);
	detach(&e);
	SSL_free(e.ssl);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept_session);
	kept_session = session;
	return 1;
}

static void ask_resumed(void)
{
	char request[1000];
	bool early = strncmp(way, "early", 5) == 0;
	size_t n = compose(request, 10), took = 0;

	SSL_CTX_set_session_cache_mode(client_context, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(client_context, keep_session);
	for (int i = 0; i < 3; i++) {
		struct end e = { .ssl = SSL_new(client_context) };

		attach(&e);
		if (i && (!kept_session || !SSL_set_session(e.ssl, kept_session)))
			die("%s: no session to resume", way);
		if (early && i) {
			if (SSL_write_early_data(e.ssl, request, n, &took) != 1 || took != n)
				die("SSL_write_early_data");
			shake_hands(&e);
			if ((SSL_get_early_data_status(e.ssl) == SSL_EARLY_DATA_ACCEPTED) != takes_early())
				die("%s: status %d", way, SSL_get_early_data_status(e.ssl));
			if (!takes_early())
				say(&e, request, n);
			expect_answer(&e, 10);
		} else {
			shake_hands(&e);
		}
		if (i && !SSL_session_reused(e.ssl))
			die("%s: not resumed", way);
		ask(&e, 10);
		detach(&e);
		SSL_free(e.ssl);
	}
}

static void ask_through_bio(void)
{
	BIO *bio = BIO_new_ssl_connect(client_context);
	char address[40], request[1000], answer[4096];
	size_t n = compose(request, 10);
	int got;

	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	BIO_set_conn_hostname(bio, address);
	if (BIO_do_connect(bio) != 1)
		die("BIO_do_connect");
	for (int i = 0; i < 3; i++) {
		if (BIO_write(bio, request, (int)n) != (int)n)
			die("BIO_write");
		for (got = 0; got < 10 || memcmp(answer + got - 10, request + n - 10, 10) != 0;) {
			int more = BIO_read(bio, answer + got, (int)sizeof(answer) - got);

			if (more <= 0)
				die("BIO_read");
			got += more;
		}
	}
	BIO_free_all(bio);
}

/* ---- both ---- */

static void make_contexts(void)
{
	long modes = (partial ? SSL_MODE_ENABLE_PARTIAL_WRITE : 0) | (moving || is("null") ? SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER : 0);

	server_context = SSL_CTX_new(TLS_server_method());
	client_context = SSL_CTX_new(TLS_client_method());
	if (SSL_CTX_use_certificate_chain_file(server_context, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(server_context, certificate, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_load_verify_locations(client_context, ca, NULL) != 1)
		die("certificates");
	SSL_CTX_set_verify(client_context, SSL_VERIFY_PEER, NULL);
	if (strncmp(way, "early", 5) == 0) {
		SSL_CTX_set_max_early_data(server_context, 16384);
		SSL_CTX_set_options(server_context, SSL_OP_NO_ANTI_REPLAY);
	}
	if (is("renegotiate")) {
		SSL_CTX_set_max_proto_version(client_context, TLS1_2_VERSION);
#ifdef SSL_OP_ALLOW_CLIENT_RENEGOTIATION
		SSL_CTX_set_options(server_context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
#endif
	}
#ifdef SSL_OP_ENABLE_KTLS
	if (strstr(way, "ktls")) { /* where the kernel can */
		SSL_CTX_set_options(server_context, SSL_OP_ENABLE_KTLS);
		SSL_CTX_set_options(client_context, SSL_OP_ENABLE_KTLS);
	}
#endif
	if (is("ktls12"))
		SSL_CTX_set_max_proto_version(client_context, TLS1_2_VERSION);
	if (is("fragments"))
		SSL_CTX_set_max_send_fragment(client_context, 512);
	if (is("read-ahead")) {
		SSL_CTX_set_read_ahead(client_context, 1);
		SSL_CTX_set_read_ahead(server_context, 1);
	}
	SSL_CTX_set_mode(client_context, modes);
	SSL_CTX_set_mode(server_context, modes);
}

static void listen_tcp(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	pthread_t thread;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&at, n) != 0 || listen(listener, 50) != 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &n) != 0)
		die("listen");
	port = ntohs(at.sin_port);
	pthread_create(&thread, NULL, accept_all, NULL);
	pthread_detach(thread);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	way = argv[1];
	certificate = argv[2];
	ca = argv[3];
	partial = is("partial") || is("moving");
	narrow = is("overwritten") || is("null");
	moving = is("moving");
	nonblocking = partial || is("nonblocking");
	memory = is("memory");
	peeks = is("peek");
	plain_calls = !is("ex");
	make_contexts();
	listen_tcp();
	if (is("clear"))
		use_twice();
	else if (is("renegotiate"))
		negotiate_again();
	else if (is("resume") || strncmp(way, "early", 5) == 0)
		ask_resumed();
	else if (is("bio"))
		ask_through_bio();
	else
		open_and_ask();
	usleep(20000); /* the server's last words */
	printf("%s: %d requests, %d lines\n", way, requests, lines);
	return 0;
}
