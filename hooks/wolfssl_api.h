/*
 * What hooks need of wolfSSL, declared here so that nobody needs the library to build this: as
 * <wolfssl/ssl.h> of 4.6 and later has it (tests/abi compares the two).
 */
#ifndef RM_HOOKS_WOLFSSL_API_H
#define RM_HOOKS_WOLFSSL_API_H

#include <stddef.h>

struct WOLFSSL;
struct WOLFSSL_CTX;
struct WOLFSSL_BIO;
struct iovec;

enum {
	RM_WOLFSSL_SYSCALL = 5,
	RM_WOLFSSL_ZERO_RETURN = 6,
	RM_WOLFSSL_SOCKET_ERROR = -308,
	RM_WOLFSSL_FATAL_ERROR = -313,
	RM_WOLFSSL_PEER_CLOSED = -397,
	RM_WOLFSSL_SHUTDOWN_DONE = 1,
};

int wolfSSL_read(struct WOLFSSL *ssl, void *data, int n);
int wolfSSL_read_ex(struct WOLFSSL *ssl, void *data, size_t n, size_t *ret_n);
int wolfSSL_recv(struct WOLFSSL *ssl, void *data, int n, int flags);
int wolfSSL_peek(struct WOLFSSL *ssl, void *data, int n);
int wolfSSL_read_early_data(struct WOLFSSL *ssl, void *data, int n, int *ret_n);
int wolfSSL_write(struct WOLFSSL *ssl, const void *data, int n);
int wolfSSL_write_ex(struct WOLFSSL *ssl, const void *data, size_t n, size_t *ret_n);
int wolfSSL_send(struct WOLFSSL *ssl, const void *data, int n, int flags);
int wolfSSL_writev(struct WOLFSSL *ssl, const struct iovec *iov, int count);
int wolfSSL_write_early_data(struct WOLFSSL *ssl, const void *data, int n, int *ret_n);
long wolfSSL_BIO_set_ssl(struct WOLFSSL_BIO *bio, struct WOLFSSL *ssl, int flag);
long wolfSSL_BIO_get_ssl(struct WOLFSSL_BIO *bio, struct WOLFSSL **ret_ssl);
struct WOLFSSL *wolfSSL_write_dup(struct WOLFSSL *ssl);
int wolfSSL_tls_import(struct WOLFSSL *ssl, const unsigned char *state, unsigned bytes);
struct WOLFSSL *wolfSSL_new(struct WOLFSSL_CTX *ctx);
int wolfSSL_shutdown(struct WOLFSSL *ssl);
int wolfSSL_clear(struct WOLFSSL *ssl);
void wolfSSL_free(struct WOLFSSL *ssl);
int wolfSSL_pending(struct WOLFSSL *ssl);
int wolfSSL_get_error(struct WOLFSSL *ssl, int result);
int wolfSSL_get_fd(const struct WOLFSSL *ssl);
int wolfSSL_is_server(struct WOLFSSL *ssl);
int wolfSSL_dtls(struct WOLFSSL *ssl);
int wolfSSL_ALPN_GetProtocol(struct WOLFSSL *ssl, char **name, unsigned short *bytes);

#endif
