/* ... with OpenSSL. WAY: any of again, partial, moving and ex, joined by "-". */
#include <openssl/ssl.h>

#include "slow.h"

static SSL *ssl;

static void open_session(int fd, const char *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int rc;

	SSL_CTX_load_verify_locations(ctx, ca, NULL);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, (is("partial") ? SSL_MODE_ENABLE_PARTIAL_WRITE : 0) |
				      (is("moving") ? SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER : 0));
	ssl = SSL_new(ctx);
	SSL_set1_host(ssl, "localhost");
	SSL_set_fd(ssl, fd);
	while ((rc = SSL_connect(ssl)) != 1) {
		int why = SSL_get_error(ssl, rc);

		if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
			die("handshake");
		await(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
	}
	SSL_CTX_free(ctx);
}

static ssize_t result_of(int rc, size_t n)
{
	int why = rc > 0 ? 0 : SSL_get_error(ssl, rc);

	if (rc > 0)
		return (ssize_t)n;
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? AGAIN : -1;
}

static ssize_t try_write(const char *p, size_t n)
{
	size_t took = 0;
	int rc;

	if (is("ex")) {
		rc = SSL_write_ex(ssl, p, n, &took);
	} else {
		rc = SSL_write(ssl, p, (int)n);
		took = rc > 0 ? (size_t)rc : 0;
	}
	if (took > n || (rc > 0 && took != n && !is("partial")))
		die("the count of a write");
	return result_of(rc, took);
}

static ssize_t try_read(char *buf, size_t room)
{
	int rc = SSL_read(ssl, buf, (int)room);

	return result_of(rc, rc > 0 ? (size_t)rc : 0);
}

static void close_session(void)
{
	SSL_shutdown(ssl);
	SSL_free(ssl);
}
