/* ... with wolfSSL. WAY: again, partial. */
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#include "slow.h"

static WOLFSSL *ssl;

static ssize_t result_of(int rc)
{
	int why = rc > 0 ? 0 : wolfSSL_get_error(ssl, rc);

	if (rc > 0)
		return rc;
	return why == WOLFSSL_ERROR_WANT_READ || why == WOLFSSL_ERROR_WANT_WRITE ? AGAIN : -1;
}

static void open_session(int fd, const char *ca)
{
	WOLFSSL_CTX *ctx;
	int rc;

	wolfSSL_Init();
	ctx = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
	if (wolfSSL_CTX_load_verify_locations(ctx, ca, NULL) != WOLFSSL_SUCCESS)
		die("loading the certificate");
	if (is("partial"))
		wolfSSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
	ssl = wolfSSL_new(ctx);
	wolfSSL_check_domain_name(ssl, "localhost");
	wolfSSL_set_fd(ssl, fd);
	while ((rc = wolfSSL_connect(ssl)) != WOLFSSL_SUCCESS) {
		if (result_of(rc) != AGAIN)
			die("handshake");
		await(wolfSSL_get_error(ssl, rc) == WOLFSSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
	}
}

static ssize_t try_write(const char *p, size_t n)
{
	return result_of(wolfSSL_write(ssl, p, (int)n));
}

static ssize_t try_read(char *buf, size_t room)
{
	return result_of(wolfSSL_read(ssl, buf, (int)room));
}

static void close_session(void)
{
	wolfSSL_shutdown(ssl);
	wolfSSL_free(ssl);
}
