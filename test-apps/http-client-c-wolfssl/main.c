/*
 * Asks for /hello (which is answered with six bytes) with wolfSSL over one connection, prints the bodies of the answers.
 *
 *   main PORT CA COUNT [bio|mixed]
 *
 * bio: through a BIO that has the session below it; mixed: written to the session, read from the BIO.
 */
#include <wolfssl/options.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wolfssl/ssl.h>

static WOLFSSL *ssl;
static WOLFSSL_BIO *bio;
static const char *mode = "";

static void die(const char *what)
{
	fprintf(stderr, "%s failed\n", what);
	exit(1);
}

static int write_some(const char *p, int n)
{
	return strcmp(mode, "bio") == 0 ? wolfSSL_BIO_write(bio, p, n) : wolfSSL_write(ssl, p, n);
}

static int read_some(char *buf, int room)
{
	return bio ? wolfSSL_BIO_read(bio, buf, room) : wolfSSL_read(ssl, buf, room);
}

static void get(int number)
{
	char head[128], buf[4096], *end = NULL;
	int n = snprintf(head, sizeof(head), "GET /hello?%d HTTP/1.1\r\nHost: localhost\r\n\r\n", number), have = 0;

	if (write_some(head, n) != n)
		die("write");
	while (!end || have < end - buf + 4 + 6) {
		n = read_some(buf + have, (int)sizeof(buf) - 1 - have);
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
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	WOLFSSL_CTX *ctx;

	if (argc != 4 && argc != 5)
		return 2;
	mode = argc == 5 ? argv[4] : "";
	to.sin_port = htons((unsigned short)atoi(argv[1]));
	wolfSSL_Init();
	ctx = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
	if (wolfSSL_CTX_load_verify_locations(ctx, argv[2], NULL) != WOLFSSL_SUCCESS)
		die("loading the certificate");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect");
	ssl = wolfSSL_new(ctx);
	wolfSSL_check_domain_name(ssl, "localhost");
	wolfSSL_set_fd(ssl, fd);
	if (wolfSSL_connect(ssl) != WOLFSSL_SUCCESS)
		die("handshake");
	if (*mode) {
		bio = wolfSSL_BIO_new(wolfSSL_BIO_f_ssl());
		wolfSSL_BIO_set_ssl(bio, ssl, BIO_NOCLOSE);
	}
	for (int i = 0; i < atoi(argv[3]); i++)
		get(i);
	wolfSSL_shutdown(ssl);
	if (bio)
		wolfSSL_BIO_free(bio);
	wolfSSL_free(ssl);
	close(fd);
	wolfSSL_CTX_free(ctx);
	wolfSSL_Cleanup();
	return 0;
}
