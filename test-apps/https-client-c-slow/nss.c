/* ... with NSS. WAY: again. CA is the server's own certificate (DER), the only one that is taken. */
#include <cert.h>
#include <nspr.h>
#include <nss.h>
#include <private/pprio.h>
#include <ssl.h>

#include "slow.h"

static char expected[8192];
static size_t expected_bytes;
static PRFileDesc *session;

static SECStatus is_expected(void *arg, PRFileDesc *socket, PRBool check_signature, PRBool is_server)
{
	CERTCertificate *peer = SSL_PeerCertificate(socket);
	int same = peer && peer->derCert.len == expected_bytes && !memcmp(peer->derCert.data, expected, expected_bytes);

	(void)arg, (void)check_signature, (void)is_server;
	CERT_DestroyCertificate(peer);
	return same ? SECSuccess : SECFailure;
}

static ssize_t result_of(PRInt32 n)
{
	if (n > 0)
		return n;
	return n < 0 && PR_GetError() == PR_WOULD_BLOCK_ERROR ? AGAIN : -1;
}

static void open_session(int fd, const char *ca)
{
	PRSocketOptionData option = { .option = PR_SockOpt_Nonblocking, .value.non_blocking = !is("block") };
	FILE *file = fopen(ca, "r");

	expected_bytes = fread(expected, 1, sizeof(expected), file);
	fclose(file);
	if (NSS_NoDB_Init(NULL) != SECSuccess)
		die("init");
	session = SSL_ImportFD(NULL, PR_ImportTCPSocket(fd));
	PR_SetSocketOption(session, &option);
	SSL_AuthCertificateHook(session, is_expected, NULL);
	SSL_SetURL(session, "localhost");
	SSL_ResetHandshake(session, PR_FALSE);
	while (SSL_ForceHandshake(session) != SECSuccess) {
		if (PR_GetError() != PR_WOULD_BLOCK_ERROR)
			die("handshake");
		await(POLLIN);
	}
}

static ssize_t try_write(const char *p, size_t n)
{
	PRInt32 took = PR_Write(session, p, (PRInt32)n);

	if (is("block") && took != (PRInt32)n)
		die("a write of everything");
	return result_of(took);
}

static ssize_t try_read(char *buf, size_t room)
{
	return result_of(PR_Recv(session, buf, (PRInt32)room, 0, PR_INTERVAL_NO_TIMEOUT));
}

static void close_session(void)
{
	PR_Close(session);
	SSL_ClearSessionCache();
	NSS_Shutdown();
}
