/*
 * A client with GnuTLS whose session two threads use at once, as the library allows: one sends requests, up to thirty
 * of them ahead, the other one reads the answers.
 *
 *   duplex PORT CA COUNT
 */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static gnutls_session_t session;
static int count;
static sem_t ahead;

static void check(long good, const char *what)
{
	if (good < 0) {
		fprintf(stderr, "%s: %s\n", what, gnutls_strerror((int)good));
		exit(1);
	}
}

static void *send_all(void *unused)
{
	char request[200];

	for (int i = 0; i < count; i++) {
		int n = snprintf(request, sizeof(request), "GET /hello?%d HTTP/1.1\r\nHost: localhost\r\n\r\n", i);

		sem_wait(&ahead);
		for (int at = 0; at < n;) {
			ssize_t sent = gnutls_record_send(session, request + at, (size_t)(n - at));

			check(sent, "send");
			at += (int)sent;
		}
	}
	return unused;
}

/* Each answer ends with the six bytes of its body. */
static void read_all(void)
{
	static const char body[] = "hello\n";
	char buf[4096];
	int answers = 0, matched = 0;

	while (answers < count) {
		ssize_t n = gnutls_record_recv(session, buf, sizeof(buf));

		if (n == GNUTLS_E_AGAIN)
			continue;
		check(n ? n : GNUTLS_E_PREMATURE_TERMINATION, "recv");
		for (ssize_t i = 0; i < n; i++) {
			matched = buf[i] == body[matched] ? matched + 1 : buf[i] == body[0];
			if (matched == 6) {
				answers++;
				sem_post(&ahead);
				matched = 0;
			}
		}
	}
	printf("%d answers\n", answers);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	gnutls_certificate_credentials_t trust;
	int fd = socket(AF_INET, SOCK_STREAM, 0), code;
	pthread_t sender;

	if (argc != 4)
		return 2;
	to.sin_port = htons((unsigned short)atoi(argv[1]));
	count = atoi(argv[3]);
	sem_init(&ahead, 0, 30);
	check(connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
	gnutls_certificate_allocate_credentials(&trust);
	gnutls_certificate_set_x509_trust_file(trust, argv[2], GNUTLS_X509_FMT_PEM);
	gnutls_init(&session, GNUTLS_CLIENT);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust);
	gnutls_session_set_verify_cert(session, "localhost", 0);
	gnutls_transport_set_int(session, fd);
	while ((code = gnutls_handshake(session)) == GNUTLS_E_AGAIN)
		;
	check(code, "handshake");
	pthread_create(&sender, NULL, send_all, NULL);
	read_all();
	pthread_join(sender, NULL);
	gnutls_bye(session, GNUTLS_SHUT_WR);
	gnutls_deinit(session);
	close(fd);
	return 0;
}
