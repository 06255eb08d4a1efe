/*
 * Asks for /hello (which is answered with six bytes) with NSS over one connection, prints the bodies of the answers. The handshake is made by
 * the first write. Whom it talks to is checked by the certificate itself: the server's must be the one given.
 *
 *   main PORT CERTIFICATE.DER COUNT
 */
#include <cert.h>
#include <nspr.h>
#include <nss.h>
#include <ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char expected[8192];
static size_t expected_bytes;
static PRFileDesc *fd;

static void die(const char *what)
{
	fprintf(stderr, "%s: %d\n", what, PR_GetError());
	exit(1);
}

static SECStatus is_expected(void *arg, PRFileDesc *socket, PRBool check_signature, PRBool is_server)
{
	CERTCertificate *peer = SSL_PeerCertificate(socket);
	int same = peer && peer->derCert.len == expected_bytes && !memcmp(peer->derCert.data, expected, expected_bytes);

	(void)arg, (void)check_signature, (void)is_server;
	CERT_DestroyCertificate(peer);
	return same ? SECSuccess : SECFailure;
}

static void get(int number)
{
	char head[128], buf[4096], *end = NULL;
	int n = snprintf(head, sizeof(head), "GET /hello?%d HTTP/1.1\r\nHost: localhost\r\n\r\n", number), have = 0;

	if (PR_Write(fd, head, n) != n)
		die("write");
	while (!end || have < end - buf + 4 + 6) {
		n = PR_Recv(fd, buf + have, (PRInt32)sizeof(buf) - 1 - have, 0, PR_INTERVAL_NO_TIMEOUT);
		if (n <= 0)
			die("read");
		have += n;
		buf[have] = 0;
		end = strstr(buf, "\r\n\r\n");
	}
	fwrite(end + 4, 1, (size_t)(have - (end + 4 - buf)), stdout);
}

int main(int argc, char **argv)
{
	PRNetAddr to;
	FILE *file;

	if (argc != 4)
		return 2;
	file = fopen(argv[2], "r");
	expected_bytes = fread(expected, 1, sizeof(expected), file);
	fclose(file);
	if (NSS_NoDB_Init(NULL) != SECSuccess)
		die("init");
	fd = SSL_ImportFD(NULL, PR_OpenTCPSocket(PR_AF_INET));
	SSL_AuthCertificateHook(fd, is_expected, NULL);
	SSL_SetURL(fd, "localhost");
	PR_InitializeNetAddr(PR_IpAddrLoopback, (PRUint16)atoi(argv[1]), &to);
	if (PR_Connect(fd, &to, PR_INTERVAL_NO_TIMEOUT) != PR_SUCCESS)
		die("connect");
	SSL_ResetHandshake(fd, PR_FALSE);
	for (int i = 0; i < atoi(argv[3]); i++)
		get(i);
	PR_Close(fd);
	SSL_ClearSessionCache();
	return NSS_Shutdown() == SECSuccess ? 0 : 1;
}
