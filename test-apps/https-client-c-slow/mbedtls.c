/* ... with Mbed TLS. WAY: again. */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

#include "slow.h"

static mbedtls_ssl_context ssl;
static mbedtls_ssl_config config;
static mbedtls_x509_crt trust;
static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_source;
static mbedtls_net_context net;

static ssize_t result_of(int rc)
{
	if (rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE)
		return AGAIN;
	return rc > 0 ? rc : -1;
}

static void open_session(int fd, const char *ca)
{
	int rc;

	net.fd = fd;
	mbedtls_ssl_init(&ssl);
	mbedtls_ssl_config_init(&config);
	mbedtls_x509_crt_init(&trust);
	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&random_source);
	if (mbedtls_ctr_drbg_seed(&random_source, mbedtls_entropy_func, &entropy, NULL, 0) != 0 ||
	    mbedtls_x509_crt_parse_file(&trust, ca) != 0 ||
	    mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
					MBEDTLS_SSL_PRESET_DEFAULT) != 0)
		die("setting up");
	mbedtls_ssl_conf_ca_chain(&config, &trust, NULL);
	mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_source);
	if (mbedtls_ssl_setup(&ssl, &config) != 0 || mbedtls_ssl_set_hostname(&ssl, "localhost") != 0)
		die("setting up");
	mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
	while ((rc = mbedtls_ssl_handshake(&ssl)) != 0) {
		if (result_of(rc) != AGAIN)
			die("handshake");
		await(rc == MBEDTLS_ERR_SSL_WANT_READ ? POLLIN : POLLOUT);
	}
	record = (size_t)mbedtls_ssl_get_max_out_record_payload(&ssl);
}

static ssize_t try_write(const char *p, size_t n)
{
	return result_of(mbedtls_ssl_write(&ssl, (const unsigned char *)p, n));
}

static ssize_t try_read(char *buf, size_t room)
{
	return result_of(mbedtls_ssl_read(&ssl, (unsigned char *)buf, room));
}

static void close_session(void)
{
	mbedtls_ssl_close_notify(&ssl);
	mbedtls_ssl_free(&ssl);
}
