/*
 * Hooks of wolfSSL. The library forgets the random number of a handshake with its end, so a session is
 * told from the next one in the same memory by clear and free, and its socket is the one it was given.
 *
 * What the library says of writing: a call takes all bytes or fails; after WANT_READ or WANT_WRITE it must
 * come again with the same ones. Its own partial mode takes one record.
 * Context: app.
 */
#include "hooks/wolfssl_api.h"
#include "hooks/imports.h"
#include "hooks/session.h"

#include <limits.h>
#include <sys/uio.h>

RM_LIBRARY wolfssl = { .name = "wolfSSL", .anchor = "wolfSSL_read" };

RM_USE(wolfssl, wolfSSL_pending);
RM_USE(wolfssl, wolfSSL_get_error);
RM_USE(wolfssl, wolfSSL_get_fd);
RM_USE_IF_PRESENT(wolfssl, wolfSSL_is_server);
RM_USE_IF_PRESENT(wolfssl, wolfSSL_dtls);
RM_USE_IF_PRESENT(wolfssl, wolfSSL_ALPN_GetProtocol);

/* ---- sessions ---- */

static bool describe(void *session, struct rm_tls_session *ret)
{
	ret->fd = real_wolfSSL_get_fd(session);
	return !(real_wolfSSL_dtls && real_wolfSSL_dtls(session));
}

static void protocol(void *session, struct rm_tls_session *ret, char room[RM_SESSION_PROTOCOL_BYTES])
{
	unsigned short bytes = 0;
	char *name = NULL;

	if (real_wolfSSL_ALPN_GetProtocol && real_wolfSSL_ALPN_GetProtocol(session, &name, &bytes) == 1 && name) {
		ret->alpn = name;
		ret->alpn_bytes = bytes;
	}
}

static int is_server(void *session)
{
	return real_wolfSSL_is_server ? real_wolfSSL_is_server(session) == 1 : -1;
}

static size_t pending(void *session)
{
	int n = real_wolfSSL_pending(session);

	return n > 0 ? (size_t)n : 0;
}

static bool is_over(void *session, long result)
{
	int error = real_wolfSSL_get_error(session, (int)result);

	return error == RM_WOLFSSL_ZERO_RETURN || error == RM_WOLFSSL_PEER_CLOSED;
}

static bool is_broken(void *session, long result)
{
	int error = real_wolfSSL_get_error(session, (int)result);

	return error == RM_WOLFSSL_SYSCALL || error == RM_WOLFSSL_SOCKET_ERROR || error == RM_WOLFSSL_FATAL_ERROR;
}

static const struct rm_session_kind kind = {
	.describe = describe,
	.protocol = protocol,
	.is_server = is_server,
	.pending = pending,
	.is_broken = is_broken,
	.is_over = is_over,
};

/* ---- bytes in ---- */

RM_IMPORT(wolfssl, wolfSSL_read);

static long read_some(const struct rm_session_call *call, void *buf, size_t n)
{
	return real_wolfSSL_read(call->session, buf, (int)n);
}

static int hook_wolfSSL_read(struct WOLFSSL *ssl, void *data, int n)
{
	struct rm_session_call call = { .kind = &kind, .session = ssl, .read = read_some };

	return n > 0 ? (int)rm_session_read(&call, data, (size_t)n) : real_wolfSSL_read(ssl, data, n);
}

/* Says 1 and a size, or what wolfSSL_read says. */
RM_IMPORT_IF_PRESENT(wolfssl, wolfSSL_read_ex);

static long read_sized(const struct rm_session_call *call, void *buf, size_t n)
{
	size_t got = 0;
	int result = real_wolfSSL_read_ex(call->session, buf, n, &got);

	return result == 1 ? (long)got : result;
}

static int hook_wolfSSL_read_ex(struct WOLFSSL *ssl, void *data, size_t n, size_t *ret_n)
{
	struct rm_session_call call = { .kind = &kind, .session = ssl, .read = read_sized };
	long got;

	if (!ssl || !data || !n || n > INT_MAX)
		return real_wolfSSL_read_ex(ssl, data, n, ret_n);
	got = rm_session_read(&call, data, n);
	if (got > 0 && ret_n)
		*ret_n = (size_t)got;
	return got > 0 ? 1 : (int)got;
}

RM_IMPORT(wolfssl, wolfSSL_recv);

static long recv_some(const struct rm_session_call *call, void *buf, size_t n)
{
	return real_wolfSSL_recv(call->session, buf, (int)n, call->number);
}

static int hook_wolfSSL_recv(struct WOLFSSL *ssl, void *data, int n, int flags)
{
	struct rm_session_call call = { .kind = &kind, .session = ssl, .read = recv_some, .number = flags };

	return n > 0 ? (int)rm_session_read(&call, data, (size_t)n) : real_wolfSSL_recv(ssl, data, n, flags);
}

RM_IMPORT(wolfssl, wolfSSL_peek);
static int hook_wolfSSL_peek(struct WOLFSSL *ssl, void *data, int n)
{
	rm_session_peeks(&kind, ssl);
	return real_wolfSSL_peek(ssl, data, n);
}

/* ---- bytes out ---- */

RM_IMPORT(wolfssl, wolfSSL_write);

static long write_all(const struct rm_session_call *call, const void *p, size_t n)
{
	return real_wolfSSL_write(call->session, p, (int)n);
}

static int hook_wolfSSL_write(struct WOLFSSL *ssl, const void *data, int n)
{
	struct rm_session_call call = { .kind = &kind, .session = ssl, .write = write_all };

	return n > 0 ? (int)rm_session_write(&call, data, (size_t)n) : real_wolfSSL_write(ssl, data, n);
}

RM_IMPORT_IF_PRESENT(wolfssl, wolfSSL_write_ex);

static long write_sized(const struct rm_session_call *call, const void *p, size_t n)
{
	size_t took = 0;
	int result = real_wolfSSL_write_ex(call->session, p, n, &took);

	return result == 1 ? (long)took : result;
}

static int hook_wolfSSL_write_ex(struct WOLFSSL *ssl, const void *data, size_t n, size_t *ret_n)
{
	struct rm_session_call call = { .kind = &kind, .session = ssl, .write = write_sized };
	long took;

	if (!ssl || !data || !n || n > INT_MAX)
		return real_wolfSSL_write_ex(ssl, data, n, ret_n);
	took = rm_session_write(&call, data, n);
	if (ret_n)
		*ret_n = took > 0 ? (size_t)took : 0;
	return took > 0 ? 1 : (int)took;
}

RM_IMPORT(wolfssl, wolfSSL_send);

static long send_all(const struct rm_session_call *call, const void *p, size_t n)
{
	return real_wolfSSL_send(call->session, p, (int)n, call->number);
}

static int hook_wolfSSL_send(struct WOLFSSL *ssl, const void *data, int n, int flags)
{
	struct rm_session_call call = { .kind = &kind, .session = ssl, .write = send_all, .number = flags };

	return n > 0 ? (int)rm_session_write(&call, data, (size_t)n) : real_wolfSSL_send(ssl, data, n, flags);
}

/* The library joins the pieces in memory of its own, which it gives away before a retry: left alone. */
RM_IMPORT_IF_PRESENT(wolfssl, wolfSSL_writev);
static int hook_wolfSSL_writev(struct WOLFSSL *ssl, const struct iovec *iov, int count)
{
	rm_session_unwatched(&kind, ssl);
	return real_wolfSSL_writev(ssl, iov, count);
}

/* Early data may have to be sent again: such a session is left alone. */
RM_IMPORT_IF_PRESENT(wolfssl, wolfSSL_write_early_data);
static int hook_wolfSSL_write_early_data(struct WOLFSSL *ssl, const void *data, int n, int *ret_n)
{
	rm_session_unwatched(&kind, ssl);
	return real_wolfSSL_write_early_data(ssl, data, n, ret_n);
}

RM_IMPORT_IF_PRESENT(wolfssl, wolfSSL_read_early_data);
static int hook_wolfSSL_read_early_data(struct WOLFSSL *ssl, void *data, int n, int *ret_n)
{
	rm_session_unwatched(&kind, ssl);
	return real_wolfSSL_read_early_data(ssl, data, n, ret_n);
}

/* ---- sessions that are left alone, since their bytes go other ways, too ---- */

/* A BIO reads and writes inside of the library, and may free the session there. */
RM_IMPORT_IF_PRESENT(wolfssl, wolfSSL_BIO_set_ssl);
static long hook_wolfSSL_BIO_set_ssl(struct WOLFSSL_BIO *bio, struct WOLFSSL *ssl, int flag)
{
	if (ssl)
		rm_session_unwatched(&kind, ssl);
	return real_wolfSSL_BIO_set_ssl(bio, ssl, flag);
}

/* Of a session that the library made for a BIO. */
RM_IMPORT_IF_PRESENT(wolfssl, wolfSSL_BIO_get_ssl);
static long hook_wolfSSL_BIO_get_ssl(struct WOLFSSL_BIO *bio, struct WOLFSSL **ret_ssl)
{
	long result = real_wolfSSL_BIO_get_ssl(bio, ret_ssl);

	if (result == 1 && ret_ssl && *ret_ssl)
		rm_session_unwatched(&kind, *ret_ssl);
	return result;
}

/* One object to read from, another one to write to. */
RM_IMPORT_IF_PRESENT(wolfssl, wolfSSL_write_dup);
static struct WOLFSSL *hook_wolfSSL_write_dup(struct WOLFSSL *ssl)
{
	struct WOLFSSL *dup = real_wolfSSL_write_dup(ssl);

	if (dup) {
		rm_tls_forget(dup);
		rm_session_unwatched(&kind, dup);
		rm_session_unwatched(&kind, ssl);
	}
	return dup;
}

/* Begun in another process, and gone on with here from its middle. */
RM_IMPORT_IF_PRESENT(wolfssl, wolfSSL_tls_import);
static int hook_wolfSSL_tls_import(struct WOLFSSL *ssl, const unsigned char *state, unsigned bytes)
{
	rm_session_unwatched(&kind, ssl);
	return real_wolfSSL_tls_import(ssl, state, bytes);
}

/* ---- life of a session ---- */

/* What a BIO freed is forgotten when its memory is used again. */
RM_IMPORT(wolfssl, wolfSSL_new);
static struct WOLFSSL *hook_wolfSSL_new(struct WOLFSSL_CTX *ctx)
{
	struct WOLFSSL *ssl = real_wolfSSL_new(ctx);

	rm_tls_forget(ssl);
	return ssl;
}

RM_IMPORT(wolfssl, wolfSSL_shutdown);
static int hook_wolfSSL_shutdown(struct WOLFSSL *ssl)
{
	int result = real_wolfSSL_shutdown(ssl);

	if (result >= 0)
		rm_session_closed(&kind, ssl, true, result == RM_WOLFSSL_SHUTDOWN_DONE);
	return result;
}

RM_IMPORT_IF_PRESENT(wolfssl, wolfSSL_clear);
static int hook_wolfSSL_clear(struct WOLFSSL *ssl)
{
	rm_tls_forget(ssl);
	return real_wolfSSL_clear(ssl);
}

RM_IMPORT(wolfssl, wolfSSL_free);
static void hook_wolfSSL_free(struct WOLFSSL *ssl)
{
	rm_tls_forget(ssl);
	real_wolfSSL_free(ssl);
}
