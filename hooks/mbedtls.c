/*
 * Hooks of Mbed TLS. The library forgets the random number of a handshake with its end, so a session is
 * told from the next one in the same memory by setup, reset and free, and its socket is found where the
 * library keeps it: behind the functions that it sends and receives with.
 *
 * What the library says of writing: a call takes one record at most; after any "want" it must come
 * again with the same arguments.
 * Context: app.
 */
#include "hooks/mbedtls_api.h"
#include "hooks/imports.h"
#include "hooks/session.h"

#include "agent/hookapi.h"

#include <string.h>

RM_LIBRARY mbedtls = { .name = "Mbed TLS", .anchor = "mbedtls_ssl_read" };

RM_USE(mbedtls, mbedtls_ssl_get_bytes_avail);
RM_USE_IF_PRESENT(mbedtls, mbedtls_ssl_get_alpn_protocol);
RM_USE(mbedtls, mbedtls_ssl_get_version);
RM_USE_IF_PRESENT(mbedtls, mbedtls_net_send);

/* ---- sessions ---- */

/* How many words of a session are looked at, and what follows the sending function: two that receive, and theirs. */
enum { WORDS = 40, CONTEXT_BEHIND = 3 };

/* The socket, if the session sends by the library's own function; -1: not known. */
static int socket_of(const void *session)
{
	const uintptr_t *word = session;

	if (!real_mbedtls_net_send || !rm_may_read(session, WORDS * sizeof(*word)))
		return -1;
	for (int i = 0; i + CONTEXT_BEHIND < WORDS; i++) {
		const int *fd = (const int *)word[i + CONTEXT_BEHIND];

		if (word[i] == (uintptr_t)real_mbedtls_net_send)
			return fd && rm_may_read(fd, sizeof(*fd)) ? *fd : -1;
	}
	return -1;
}

/* "DTLSv1.2" or, before a handshake, "unknown (DTLS)". */
static bool is_datagrams(void *session)
{
	const char *version = real_mbedtls_ssl_get_version(session);

	while (*version && *version != 'D')
		version++;
	return *version == 'D';
}

static bool describe(void *session, struct rm_tls_session *ret)
{
	ret->fd = socket_of(session);
	return !is_datagrams(session);
}

static void protocol(void *session, struct rm_tls_session *ret, char room[RM_SESSION_PROTOCOL_BYTES])
{
	ret->alpn = real_mbedtls_ssl_get_alpn_protocol ? real_mbedtls_ssl_get_alpn_protocol(session) : NULL;
	ret->alpn_bytes = ret->alpn ? strlen(ret->alpn) : 0;
}

static size_t pending(void *session)
{
	return real_mbedtls_ssl_get_bytes_avail(session);
}

static bool is_over(void *session, long result)
{
	return result == 0 || result == RM_MBEDTLS_PEER_CLOSE_NOTIFY || result == RM_MBEDTLS_CONN_EOF;
}

static bool is_broken(void *session, long result)
{
	switch (result) {
	case RM_MBEDTLS_WANT_READ:
	case RM_MBEDTLS_WANT_WRITE:
	case RM_MBEDTLS_TIMEOUT:
	case RM_MBEDTLS_CLIENT_RECONNECT:
	case RM_MBEDTLS_CONTINUE_PROCESSING:
	case RM_MBEDTLS_ASYNC_IN_PROGRESS:
	case RM_MBEDTLS_CRYPTO_IN_PROGRESS:
	case RM_MBEDTLS_NEW_SESSION_TICKET:
	case RM_MBEDTLS_EARLY_DATA:
		return false;
	default:
		return !is_over(session, result);
	}
}

static const struct rm_session_kind kind = {
	.describe = describe,
	.protocol = protocol,
	.pending = pending,
	.is_broken = is_broken,
	.is_over = is_over,
	.partial = true,
};

/* ---- bytes ---- */

RM_IMPORT(mbedtls, mbedtls_ssl_read);

static long read_some(const struct rm_session_call *call, void *buf, size_t n)
{
	return real_mbedtls_ssl_read(call->session, buf, n);
}

static int hook_mbedtls_ssl_read(struct mbedtls_ssl_context *ssl, unsigned char *buf, size_t n)
{
	struct rm_session_call call = { .kind = &kind, .session = ssl, .read = read_some };

	return (int)rm_session_read(&call, buf, n);
}

RM_IMPORT(mbedtls, mbedtls_ssl_write);

static long write_some(const struct rm_session_call *call, const void *p, size_t n)
{
	return real_mbedtls_ssl_write(call->session, p, n);
}

static int hook_mbedtls_ssl_write(struct mbedtls_ssl_context *ssl, const unsigned char *buf, size_t n)
{
	struct rm_session_call call = { .kind = &kind, .session = ssl, .write = write_some };

	return (int)rm_session_write(&call, buf, n);
}

/* Early data may have to be sent again: such a session is left alone. */
RM_IMPORT_IF_PRESENT(mbedtls, mbedtls_ssl_write_early_data);
static int hook_mbedtls_ssl_write_early_data(struct mbedtls_ssl_context *ssl, const unsigned char *buf, size_t n)
{
	int result = real_mbedtls_ssl_write_early_data(ssl, buf, n);

	if (result > 0)
		rm_session_unwatched(&kind, ssl);
	return result;
}

RM_IMPORT_IF_PRESENT(mbedtls, mbedtls_ssl_read_early_data);
static int hook_mbedtls_ssl_read_early_data(struct mbedtls_ssl_context *ssl, unsigned char *buf, size_t n)
{
	int got = real_mbedtls_ssl_read_early_data(ssl, buf, n);

	if (got > 0)
		rm_session_unwatched(&kind, ssl);
	return got;
}

/* ---- life of a session ---- */

RM_IMPORT(mbedtls, mbedtls_ssl_close_notify);
static int hook_mbedtls_ssl_close_notify(struct mbedtls_ssl_context *ssl)
{
	int result = real_mbedtls_ssl_close_notify(ssl);

	if (result == 0)
		rm_session_closed(&kind, ssl, true, false);
	return result;
}

RM_IMPORT(mbedtls, mbedtls_ssl_setup);
static int hook_mbedtls_ssl_setup(struct mbedtls_ssl_context *ssl, const struct mbedtls_ssl_config *config)
{
	rm_tls_forget(ssl);
	return real_mbedtls_ssl_setup(ssl, config);
}

RM_IMPORT(mbedtls, mbedtls_ssl_session_reset);
static int hook_mbedtls_ssl_session_reset(struct mbedtls_ssl_context *ssl)
{
	rm_tls_forget(ssl);
	return real_mbedtls_ssl_session_reset(ssl);
}

RM_IMPORT(mbedtls, mbedtls_ssl_free);
static void hook_mbedtls_ssl_free(struct mbedtls_ssl_context *ssl)
{
	rm_tls_forget(ssl);
	real_mbedtls_ssl_free(ssl);
}
