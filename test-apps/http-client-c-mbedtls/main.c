/*
 * Asks for /hello (which is answered with six bytes) with Mbed TLS over one connection, prints the bodies of the answers.
 *
 *   main PORT CA COUNT
 */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mbedtls_ssl_context ssl;

static int check(const char *what, int code)
{
	if (code < 0) {
		fprintf(stderr, "%s: -0x%x\n", what, (unsigned)-code);
		exit(1);
	}
	return code;
}

static void get(int number)
{
	char head[128], buf[4096];
	size_t n = (size_t)snprintf(head, sizeof(head), "GET /hello?%d HTTP/1.1\r\nHost: localhost\r\n\r\n", number), have = 0;
	char *end = NULL;

	for (size_t at = 0; at < n;)
		at += (size_t)check("write", mbedtls_ssl_write(&ssl, (unsigned char *)head + at, n - at));
	while (!end || have < (size_t)(end - buf) + 4 + 6) {
		have += (size_t)check("read", mbedtls_ssl_read(&ssl, (unsigned char *)buf + have, sizeof(buf) - 1 - have));
		buf[have] = 0;
		end = strstr(buf, "\r\n\r\n");
	}
	fwrite(end + 4, 1, have - (size_t)(end + 4 - buf), stdout);
}

int main(int argc, char **argv)
{
	mbedtls_ctr_drbg_context random;
	mbedtls_entropy_context entropy;
	mbedtls_ssl_config config;
	mbedtls_net_context net;
	mbedtls_x509_crt ca;

	if (argc != 4)
		return 2;
	mbedtls_net_init(&net);
	mbedtls_ssl_init(&ssl);
	mbedtls_ssl_config_init(&config);
	mbedtls_x509_crt_init(&ca);
	mbedtls_ctr_drbg_init(&random);
	mbedtls_entropy_init(&entropy);
	check("seed", mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0));
	check("ca", mbedtls_x509_crt_parse_file(&ca, argv[2]));
	check("connect", mbedtls_net_connect(&net, "127.0.0.1", argv[1], MBEDTLS_NET_PROTO_TCP));
	check("defaults", mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
						      MBEDTLS_SSL_PRESET_DEFAULT));
	mbedtls_ssl_conf_ca_chain(&config, &ca, NULL);
	mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
	check("setup", mbedtls_ssl_setup(&ssl, &config));
	check("name", mbedtls_ssl_set_hostname(&ssl, "localhost"));
	mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
	check("handshake", mbedtls_ssl_handshake(&ssl));
	for (int i = 0; i < atoi(argv[3]); i++)
		get(i);
	mbedtls_ssl_close_notify(&ssl);
	mbedtls_ssl_free(&ssl);
	mbedtls_net_free(&net);
	mbedtls_ssl_config_free(&config);
	mbedtls_x509_crt_free(&ca);
	mbedtls_ctr_drbg_free(&random);
	mbedtls_entropy_free(&entropy);
	return 0;
}
