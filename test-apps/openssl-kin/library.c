/*
 * What is named as OpenSSL and need not be it: a library that has its names and, with LAYOUT, tables of functions in
 * one of these layouts.
 *
 *   1  OpenSSL 1.1.1 to 3.1: the version, two words, clear, free, accept, connect, read, peek, write, shutdown
 *   2  LibreSSL since 3.3: two flags, versions, new, clear, free, accept, connect, shutdown, and what begins other things
 *   3  BoringSSL: a version and two pointers
 *   4  as 1, but some functions are the program's
 *
 * NO_EX, NO_ASYNC, NO_WANT leave a name out that OpenSSL 1.1.0, the others, or a stripped build has not. Whoever takes one of
 * these for another calls functions with arguments that are not theirs: each says what it was called with.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct session {
	const uintptr_t *table;
	void *data[8];
};

static int clear(struct session *s) { return s != NULL; }
static int release(struct session *s) { return s != NULL; }
static int accept_on(struct session *s) { return s != NULL; }
static int connect_on(struct session *s) { return s != NULL; }
static int undefined(struct session *s) { return s != NULL ? -1 : 0; }
static int end(struct session *s) { return s != NULL; }
static int begin(struct session *s) { return s != NULL ? 2 : 0; }
static int check(struct session *s) { return s != NULL ? 3 : 0; }
static int pending(const struct session *s) { return s != NULL ? 4 : 0; }

static int read_some(struct session *s, void *buf, size_t n, size_t *ret_n)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	*ret_n = n < sizeof(text) - 1 ? n : sizeof(text) - 1;
	memcpy(buf, text, *ret_n);
	return s != NULL;
}

static int write_some(struct session *s, const void *p, size_t n, size_t *ret_n)
{
	*ret_n = n;
	return s != NULL && p != NULL;
}

#if LAYOUT == 4
extern int read_of_program(struct session *s, void *buf, size_t n, size_t *ret_n);
#define READ read_of_program
#else
#define READ read_some
#endif

#define F(f) ((uintptr_t)(f))
#if LAYOUT == 2
#define TABLE(is_server, accepts, connects)                                                             \
	{ (uintptr_t)(is_server) << 32, 0x10000 | 0x301ul << 32 | 0x304ul << 48, F(begin), F(clear), F(release), \
	  F(accepts), F(connects), F(end), F(begin), F(check), F(pending), F(read_some), F(write_some), F(check) }
#elif LAYOUT == 3
#define TABLE(is_server, accepts, connects) { 0, F(&version), F(&version) }
static const int version = 1;
#else
#define TABLE(is_server, accepts, connects)                                                                        \
	{ 0x10000, 0, F(begin), F(clear), F(release), F(accepts), F(connects), F(READ), F(READ), F(write_some), F(end), \
	  F(begin), F(check), F(read_some), F(write_some), F(begin) }
#endif

enum { WORDS = LAYOUT == 3 ? 3 : 30 };

static const uintptr_t any[WORDS] = TABLE(0, accept_on, connect_on);
static const uintptr_t client[WORDS] = TABLE(0, undefined, connect_on);
static const uintptr_t server[WORDS] = TABLE(1, accept_on, undefined);
static const uintptr_t others[64]; /* what follows is read, too */

const void *TLS_method(void) { return any; }
const void *TLS_client_method(void) { return client; }
const void *TLS_server_method(void) { return server; }
const void *kin_others(void) { return others; }

void *SSL_CTX_new(const void *method) { return (void *)method; }
int SSL_is_init_finished(const void *ssl) { return ssl != NULL; }
int SSL_in_init(const void *ssl) { return ssl == NULL; }
int SSL_do_handshake(void *ssl) { return ssl != NULL; }
int SSL_is_server(const void *ssl) { return ssl == NULL; }
int SSL_get_error(const void *ssl, int result) { return ssl && result > 0 ? 0 : 1; }
int SSL_get_early_data_status(const void *ssl) { return ssl == NULL; }
int SSL_get_fd(const void *ssl) { return ssl ? -1 : 0; }
int SSL_pending(const void *ssl) { return ssl == NULL; }
size_t SSL_get_client_random(const void *ssl, unsigned char *ret, size_t cap) { return ssl && ret ? cap * 0 : 0; }
long SSL_ctrl(void *ssl, int command, long number, void *p) { return ssl && p ? command + number : 0; }
void *SSL_get_rbio(const void *ssl) { return ssl ? NULL : (void *)ssl; }
void *SSL_get_wbio(const void *ssl) { return ssl ? NULL : (void *)ssl; }
void *SSL_get_ex_data(const struct session *s, int index) { return s->data[index]; }
int CRYPTO_get_ex_new_index(int class, long n, void *p, void *a, void *b, void *c) { return class || n || p || a || b || !c ? 2 : 1; }
long BIO_ctrl(void *bio, int command, long number, void *p) { return bio && p ? command + number : 0; }

void SSL_get0_alpn_selected(const void *ssl, const unsigned char **ret, unsigned *ret_n)
{
	*ret = ssl ? NULL : *ret;
	*ret_n = 0;
}

int SSL_set_ex_data(struct session *s, int index, void *data)
{
	s->data[index] = data;
	return 1;
}

#ifndef NO_EX
int SSL_read_ex(struct session *s, void *buf, size_t n, size_t *ret_n) { return read_some(s, buf, n, ret_n); }
#endif
#ifndef NO_ASYNC
int SSL_waiting_for_async(const void *ssl) { return ssl == NULL; }
#endif
#ifndef NO_WANT
int SSL_want(const void *ssl) { return ssl != NULL; }
#endif
