/*
 * Sixteen threads that begin at once ask for /hello with GnuTLS, each over some connections in turn.
 *
 *   threads PORT COUNT
 */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 16 };

static gnutls_certificate_credentials_t trust;
static pthread_barrier_t begin;
static int port, count;

static void check(int good, const char *what)
{
	if (!good) {
		fprintf(stderr, "%s failed\n", what);
		exit(1);
	}
}

static void get(void)
{
	static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	gnutls_session_t session;
	char answer[4096];
	ssize_t n;

	check(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "connect");
	gnutls_init(&session, GNUTLS_CLIENT);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust);
	gnutls_transport_set_int(session, fd);
	check(gnutls_handshake(session) == 0, "handshake");
	check(gnutls_record_send(session, request, strlen(request)) == (ssize_t)strlen(request), "send");
	do /* a ticket of the session comes first, and is no data */
		n = gnutls_record_recv(session, answer, sizeof(answer));
	while (n == GNUTLS_E_AGAIN);
	check(n > 12, "recv");
	check(memcmp(answer, "HTTP/1.1 200", 12) == 0, "the answer");
	gnutls_bye(session, GNUTLS_SHUT_WR);
	gnutls_deinit(session);
	close(fd);
}

static void *run(void *arg)
{
	pthread_barrier_wait(&begin);
	for (int i = 0; i < count; i++)
		get();
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	if (argc != 3)
		return 2;
	port = atoi(argv[1]);
	count = atoi(argv[2]);
	gnutls_certificate_allocate_credentials(&trust);
	pthread_barrier_init(&begin, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, run, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
