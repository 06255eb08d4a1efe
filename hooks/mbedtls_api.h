/*
 * What hooks need of Mbed TLS, declared here so that nobody needs the library to build this: as
 * <mbedtls/ssl.h> of 2.16 and later has it (tests/abi compares the two).
 */
#ifndef RM_HOOKS_MBEDTLS_API_H
#define RM_HOOKS_MBEDTLS_API_H

#include <stddef.h>

struct mbedtls_ssl_context;
struct mbedtls_ssl_config;

enum {
	RM_MBEDTLS_CONN_EOF = -0x7280,
	RM_MBEDTLS_PEER_CLOSE_NOTIFY = -0x7880,
	RM_MBEDTLS_WANT_READ = -0x6900,
	RM_MBEDTLS_WANT_WRITE = -0x6880,
	RM_MBEDTLS_TIMEOUT = -0x6800,
	RM_MBEDTLS_CLIENT_RECONNECT = -0x6780,
	RM_MBEDTLS_CONTINUE_PROCESSING = -0x6580,
	RM_MBEDTLS_ASYNC_IN_PROGRESS = -0x6500,
	RM_MBEDTLS_CRYPTO_IN_PROGRESS = -0x7000,
	RM_MBEDTLS_NEW_SESSION_TICKET = -0x7b00,
	RM_MBEDTLS_EARLY_DATA = -0x7c00,
};

int mbedtls_ssl_read(struct mbedtls_ssl_context *ssl, unsigned char *buf, size_t n);
int mbedtls_ssl_write(struct mbedtls_ssl_context *ssl, const unsigned char *buf, size_t n);
int mbedtls_ssl_read_early_data(struct mbedtls_ssl_context *ssl, unsigned char *buf, size_t n);
int mbedtls_ssl_write_early_data(struct mbedtls_ssl_context *ssl, const unsigned char *buf, size_t n);
int mbedtls_ssl_close_notify(struct mbedtls_ssl_context *ssl);
int mbedtls_ssl_setup(struct mbedtls_ssl_context *ssl, const struct mbedtls_ssl_config *config);
int mbedtls_ssl_session_reset(struct mbedtls_ssl_context *ssl);
void mbedtls_ssl_free(struct mbedtls_ssl_context *ssl);
size_t mbedtls_ssl_get_bytes_avail(const struct mbedtls_ssl_context *ssl);
const char *mbedtls_ssl_get_alpn_protocol(const struct mbedtls_ssl_context *ssl);
const char *mbedtls_ssl_get_version(const struct mbedtls_ssl_context *ssl);
int mbedtls_net_send(void *net, const unsigned char *buf, size_t n);

#endif
