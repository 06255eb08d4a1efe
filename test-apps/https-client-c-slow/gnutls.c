/* ... with GnuTLS. WAY: again, moving (from another address), resume (with NULL and 0), cork. */
#include <gnutls/gnutls.h>

#include "slow.h"

static gnutls_session_t session;
static gnutls_certificate_credentials_t trust;

static void open_session(int fd, const char *ca)
{
	int code;

	gnutls_certificate_allocate_credentials(&trust);
	gnutls_certificate_set_x509_trust_file(trust, ca, GNUTLS_X509_FMT_PEM);
	gnutls_init(&session, GNUTLS_CLIENT);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust);
	gnutls_session_set_verify_cert(session, "localhost", 0);
	gnutls_transport_set_int(session, fd);
	while ((code = gnutls_handshake(session)) != 0) {
		if (gnutls_error_is_fatal(code))
			die("handshake");
		await(gnutls_record_get_direction(session) ? POLLOUT : POLLIN);
	}
}

static int is_refusal(ssize_t result)
{
	return result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED;
}

/* All that is corked leaves; the count is of the program's own bytes. */
static void uncork(size_t n)
{
	int sent;

	if (gnutls_record_check_corked(session) != n)
		die("the count of what is corked");
	while (is_refusal(sent = gnutls_record_uncork(session, 0)))
		await(POLLOUT);
	if (sent < 0 || (size_t)sent > n)
		die("uncork");
}

static ssize_t try_write(const char *p, size_t n)
{
	ssize_t took;

	if (is("cork")) {
		gnutls_record_cork(session);
		took = gnutls_record_send(session, p, n);
		if (took != (ssize_t)n)
			die("a corked write");
		uncork(n);
		return took;
	}
	took = gnutls_record_send(session, p, n);
	while (is("resume") && is_refusal(took)) {
		await(POLLOUT);
		took = gnutls_record_send(session, NULL, 0);
	}
	return is_refusal(took) ? AGAIN : took < 0 ? -1 : took;
}

static ssize_t try_read(char *buf, size_t room)
{
	ssize_t got = gnutls_record_recv(session, buf, room);

	return is_refusal(got) ? AGAIN : got <= 0 ? -1 : got;
}

static void close_session(void)
{
	gnutls_bye(session, GNUTLS_SHUT_WR);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(trust);
}
