/* Exchanges inside TLS, by OpenSSL as a library: steps of micro.c. */
#ifndef RM_TESTS_BENCH_MICRO_TLS_H
#define RM_TESTS_BENCH_MICRO_TLS_H

#include <stdbool.h>
#include <stddef.h>

/* A name that callgrind finds: never inlined, cloned or merged with an equal one. */
#if __has_attribute(noipa)
#define APART __attribute__((noipa))
#else
#define APART __attribute__((noinline))
#endif

struct text {
	const char *p;
	size_t n;
};

/*
 * The peer is another process, as the agent would see its sessions in this one: `program` again, which no
 * agent is in, nor valgrind. It ends with the connection.
 */
void tls_start(const char *program, struct text request, struct text response);

/* What the peer is, when the program is started as one; else it returns. */
void tls_peer(int argc, char **argv, struct text request, struct text response);

/* ---- steps; the peer asks again when it has the answer, and answers what it is asked ---- */
APART void tls_server_reads(void);
APART void tls_server_answers(void);
APART void tls_client_asks(void);
APART void tls_client_reads(void);

#endif
