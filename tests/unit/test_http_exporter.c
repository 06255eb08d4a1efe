/*
 * The OTLP exporter against a server in this process that answers what each test says: what goes
 * over the wire, and what is made of every answer, of none, of TLS that can be trusted and that
 * cannot. Time is bounded by deadlines only, never measured.
 */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/exporter.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/http.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"

#define SECOND_NS     1000000000ull
#define EMPTY(status) "HTTP/1.1 " status "\r\nContent-Length: 0\r\n\r\n"
enum { REQUEST_MAX = 256 * 1024, REPLIES_MAX = 8 };

extern const struct rm_exporter rm_exporter_otlp;

/* ---- the server ---- */

static struct {
	int listener;
	pthread_t thread;
	SSL_CTX *tls;
	char url[64];
	const char *reply[REPLIES_MAX]; /* NULL: close without an answer */
	size_t reply_n[REPLIES_MAX];	/* 0: its length as text */
	atomic_bool is_silent;		/* reads, never answers */
	uint32_t reply_count;
	atomic_uint requests, connections;
	char request[REQUEST_MAX]; /* the last one, head and body */
	size_t head_n, request_n;
	char folder[32]; /* certificates */
} server;

struct conn {
	int fd;
	SSL *ssl;
};

static ssize_t conn_read(struct conn *c, void *p, size_t n)
{
	return c->ssl ? SSL_read(c->ssl, p, (int)n) : read(c->fd, p, n);
}

static void conn_write(struct conn *c, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = c->ssl ? SSL_write(c->ssl, p, (int)n) : write(c->fd, p, n);

		if (done <= 0)
			return;
		p += done;
		n -= (size_t)done;
	}
}

/* Reads one request into server.request. False at the end of the connection. */
static bool read_request(struct conn *c)
{
	size_t n = 0, want = 0;
	char *end, *length;

	while (want == 0 || n < want) {
		ssize_t got = conn_read(c, server.request + n, REQUEST_MAX - 1 - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
		server.request[n] = '\0';
		if (want > 0 || !(end = strstr(server.request, "\r\n\r\n")))
			continue;
		length = strcasestr(server.request, "\r\ncontent-length:");
		server.head_n = (size_t)(end + 4 - server.request);
		want = server.head_n + (length ? strtoul(length + 17, NULL, 10) : 0);
	}
	server.request_n = n;
	return true;
}

static void serve(struct conn *c)
{
	while (read_request(c)) {
		uint32_t i = atomic_fetch_add(&server.requests, 1);
		const char *reply;

		if (server.is_silent)
			continue;
		if (i >= server.reply_count)
			i = server.reply_count - 1;
		reply = server.reply[i];
		if (!reply)
			return;
		conn_write(c, reply, server.reply_n[i] ? server.reply_n[i] : strlen(reply));
	}
}

static void *server_main(void *arg)
{
	for (;;) {
		struct conn c = { accept(server.listener, NULL, NULL), NULL };

		if (c.fd < 0)
			return NULL;
		atomic_fetch_add(&server.connections, 1);
		if (server.tls) {
			c.ssl = SSL_new(server.tls);
			SSL_set_fd(c.ssl, c.fd);
		}
		if (!c.ssl || SSL_accept(c.ssl) == 1)
			serve(&c);
		SSL_free(c.ssl);
		close(c.fd);
	}
}

static void server_start(const char *scheme)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	signal(SIGPIPE, SIG_IGN);
	server.listener = socket(AF_INET, SOCK_STREAM, 0);
	RM_CHECK(bind(server.listener, (struct sockaddr *)&a, n) == 0 &&
		 listen(server.listener, 8) == 0);
	getsockname(server.listener, (struct sockaddr *)&a, &n);
	snprintf(server.url, sizeof(server.url), "%s://localhost:%d", scheme, ntohs(a.sin_port));
	server.is_silent = false;
	server.reply_count = 0;
	memset(server.reply_n, 0, sizeof(server.reply_n));
	atomic_store(&server.requests, 0);
	atomic_store(&server.connections, 0);
	pthread_create(&server.thread, NULL, server_main, NULL);
}

static void server_stop(void)
{
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listener);
	SSL_CTX_free(server.tls);
	server.tls = NULL;
}

static void reply(const char *text)
{
	server.reply[server.reply_count++] = text;
}

/* ---- the client ---- */

static struct sample sample;
static struct rm_env env;
static void *state;

/* Opens the exporter for the server, with these settings ("A=1", ..., NULL). */
static void client_open(char *const *settings)
{
	static char endpoint[128];
	char *all[16] = { endpoint };

	for (int i = 0; settings[i]; i++)
		all[i + 1] = settings[i];
	snprintf(endpoint, sizeof(endpoint), "OTEL_EXPORTER_OTLP_ENDPOINT=%s", server.url);
	rm_log_init(0, RM_LEVEL_NONE);
	rm_env_load(&env, all, NULL);
	RM_CHECK(rm_exporter_otlp.open(&env, &state) == RM_OK);
}

#define OPEN(...) client_open((char *[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static struct rm_export_result export_within(uint64_t ns, const atomic_int *abort_flag,
					     void (*idle)(void *))
{
	struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + ns,
				   .abort = abort_flag,
				   .idle = idle };
	struct rm_export_result r;

	sample_init(&sample);
	rm_exporter_otlp.export(state, &sample.batch, &io, &r);
	return r;
}

static struct rm_export_result export_once(void)
{
	return export_within(30 * SECOND_NS, NULL, NULL);
}

static bool sent(const char *text)
{
	return strstr(server.request, text) != NULL;
}

RM_TEST("a request has the path, the headers and the body that OTLP wants")
{
	server_start("http");
	reply(EMPTY("200 OK"));
	OPEN("OTEL_EXPORTER_OTLP_HEADERS=x-honeycomb-team=a%20b");
	RM_CHECK(export_once().code == RM_EXPORT_DONE);
	RM_CHECK(strncmp(server.request, "POST /v1/traces HTTP/1.1\r\n", 26) == 0);
	RM_CHECK(sent("\r\nContent-Type: application/x-protobuf\r\n"));
	RM_CHECK(sent("\r\nUser-Agent: remora/" REMORA_VERSION
		      " OTel-OTLP-Exporter-C/" REMORA_VERSION "\r\n"));
	RM_CHECK(sent("\r\nx-honeycomb-team: a b\r\n"));
	RM_CHECK(!sent("Expect:") && !sent("Content-Encoding:") && !sent("Transfer-Encoding:"));
	RM_CHECK(server.request_n > server.head_n && server.request[server.head_n] == 0x0a);
	rm_exporter_otlp.close(state);
	server_stop();
}

RM_TEST("one connection carries many exports")
{
	server_start("http");
	reply(EMPTY("200 OK"));
	OPEN();
	for (int i = 0; i < 5; i++)
		RM_CHECK(export_once().code == RM_EXPORT_DONE);
	RM_CHECK(server.requests == 5 && server.connections == 1);
	rm_exporter_otlp.close(state);
	server_stop();
}

RM_TEST("JSON and gzip are as asked for")
{
	static char plain[64 * 1024];
	z_stream z = { 0 };

	server_start("http");
	reply("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
	OPEN("OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip");
	RM_CHECK(export_once().code == RM_EXPORT_DONE);
	RM_CHECK(sent("\r\nContent-Type: application/json\r\n") &&
		 sent("\r\nContent-Encoding: gzip\r\n"));
	inflateInit2(&z, 15 + 16);
	z.next_in = (Bytef *)server.request + server.head_n;
	z.avail_in = (uInt)(server.request_n - server.head_n);
	z.next_out = (Bytef *)plain;
	z.avail_out = sizeof(plain) - 1;
	RM_CHECK(inflate(&z, Z_FINISH) == Z_STREAM_END);
	inflateEnd(&z);
	RM_CHECK(strncmp(plain, "{\"resourceSpans\":[{", 19) == 0);
	rm_exporter_otlp.close(state);
	server_stop();
}

RM_TEST("each status has its verdict")
{
	static const struct {
		const char *reply;
		enum rm_export_code code;
	} rows[] = {
		{ EMPTY("200 OK"), RM_EXPORT_DONE },
		{ EMPTY("202 Accepted"), RM_EXPORT_DONE },
		{ EMPTY("301 Moved\r\nLocation: /elsewhere"), RM_EXPORT_REFUSED },
		{ EMPTY("400 Bad"), RM_EXPORT_REFUSED },
		{ EMPTY("401 Who"), RM_EXPORT_REFUSED },
		{ EMPTY("404 Where"), RM_EXPORT_REFUSED },
		{ EMPTY("408 Slow"), RM_EXPORT_REFUSED },
		{ EMPTY("413 Large"), RM_EXPORT_TOO_LARGE },
		{ EMPTY("429 Busy"), RM_EXPORT_RETRY },
		{ EMPTY("500 Broken"), RM_EXPORT_REFUSED },
		{ EMPTY("501 What"), RM_EXPORT_REFUSED },
		{ EMPTY("502 Gateway"), RM_EXPORT_RETRY },
		{ EMPTY("503 Away"), RM_EXPORT_RETRY },
		{ EMPTY("504 Late"), RM_EXPORT_RETRY },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rm_export_result r;

		server_start("http");
		reply(rows[i].reply);
		OPEN();
		r = export_once();
		RM_CHECK(r.code == rows[i].code);
		RM_CHECK(r.retry_after_ns == 0 && r.rejected == 0);
		RM_CHECK(r.code == RM_EXPORT_DONE || strncmp(r.message, "HTTP ", 5) == 0);
		RM_CHECK(server.requests == 1);
		rm_exporter_otlp.close(state);
		server_stop();
	}
}

RM_TEST("Retry-After is read, as seconds and as a date")
{
	char dated[256], date[64];
	time_t later = time(NULL) + 3600;
	struct tm tm;

	server_start("http");
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&later, &tm));
	snprintf(dated, sizeof(dated),
		 "HTTP/1.1 503 Away\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", date);
	reply(EMPTY("429 Busy\r\nRetry-After: 7"));
	reply(dated);
	reply(EMPTY("503 Away\r\nRetry-After: soon"));
	OPEN();
	RM_CHECK(export_once().retry_after_ns == 7 * SECOND_NS);
	RM_CHECK(export_once().retry_after_ns > 3000 * SECOND_NS);
	RM_CHECK(export_once().retry_after_ns == 0);
	rm_exporter_otlp.close(state);
	server_stop();
}

RM_TEST("a partial success is done, with what was rejected")
{
	static const char body[] = "HTTP/1.1 200 OK\r\nContent-Type: "
				   "application/x-protobuf\r\nContent-Length: 8\r\n\r\n"
				   "\x0a\x06\x08\x02\x12\x02no";
	struct rm_export_result r;

	server_start("http");
	server.reply_n[0] = sizeof(body) - 1;
	reply(body);
	OPEN();
	r = export_once();
	RM_CHECK(r.code == RM_EXPORT_DONE && r.rejected == 2);
	RM_CHECK_STR(rm_str_c(r.message), "no");
	RM_CHECK(server.requests == 1);
	rm_exporter_otlp.close(state);
	server_stop();
}

RM_TEST("an error says why, as far as the backend does")
{
	struct rm_export_result r;

	server_start("http");
	reply("HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n"
	      "{\"code\":3,\"message\":\"bad span\"}");
	OPEN();
	r = export_once();
	RM_CHECK_STR(rm_str_c(r.message), "HTTP 400: bad span");
	rm_exporter_otlp.close(state);
	server_stop();
}

RM_TEST("no answer is worth another attempt: closed, cut off in the head, refused, unknown host")
{
	struct rm_export_result r;

	server_start("http");
	reply(NULL);
	OPEN();
	RM_CHECK(export_once().code == RM_EXPORT_RETRY);
	RM_CHECK(server.requests == 1);
	rm_exporter_otlp.close(state);
	server_stop();

	OPEN();
	r = export_once();
	RM_CHECK(r.code == RM_EXPORT_RETRY && r.message[0]);
	rm_exporter_otlp.close(state);

	snprintf(server.url, sizeof(server.url), "http://no.such.host.invalid");
	OPEN();
	RM_CHECK(export_within(2 * SECOND_NS, NULL, NULL).code == RM_EXPORT_RETRY);
	rm_exporter_otlp.close(state);
}

RM_TEST("a server that is silent is left at the deadline, and found again")
{
	server_start("http");
	server.is_silent = true;
	OPEN();
	RM_CHECK(export_within(SECOND_NS / 20, NULL, NULL).code == RM_EXPORT_RETRY);
	reply(EMPTY("200 OK"));
	server.is_silent = false;
	RM_CHECK(export_once().code == RM_EXPORT_DONE);
	rm_exporter_otlp.close(state);
	server_stop();
}

static unsigned idles;
static atomic_int abort_flag;

static void on_idle(void *arg)
{
	if (++idles == 5)
		atomic_store(&abort_flag, 1);
}

RM_TEST("while a server is waited for, idle runs, and an abort ends the wait")
{
	server_start("http");
	server.is_silent = true;
	OPEN();
	RM_CHECK(export_within(600 * SECOND_NS, &abort_flag, on_idle).code == RM_EXPORT_RETRY);
	RM_CHECK(idles == 5);
	rm_exporter_otlp.close(state);
	server_stop();
}

RM_TEST("an answer that is too long or cut off counts by its status")
{
	static char endless[5 * 1024 * 1024];
	int n = snprintf(endless, sizeof(endless),
			 "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n");

	memset(endless + n, 'x', 5000000);
	server_start("http");
	server.reply_n[0] = (size_t)n + 5000000;
	reply(endless);
	reply(EMPTY("503 Away"));
	OPEN();
	RM_CHECK(export_once().code == RM_EXPORT_DONE);
	RM_CHECK(export_once().code == RM_EXPORT_RETRY);
	rm_exporter_otlp.close(state);
	server_stop();
}

RM_TEST("a proxy in the environment is not used")
{
	server_start("http");
	reply(EMPTY("200 OK"));
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	OPEN();
	RM_CHECK(export_once().code == RM_EXPORT_DONE);
	rm_exporter_otlp.close(state);
	server_stop();
}

/* ---- TLS ---- */

/* Makes two authorities, a certificate for localhost and one for a client, once. */
static void make_certificates(void)
{
	static const char script[] = "set -e; cd \"$1\"; exec >/dev/null 2>&1\n"
				     "for ca in good other; do openssl req -x509 -newkey ec "
				     "-pkeyopt ec_paramgen_curve:P-256 -nodes "
				     "-subj /CN=$ca -days 2 -keyout $ca.key -out $ca.pem; done\n"
				     "for name in localhost client; do\n"
				     "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
				     "-nodes -subj /CN=$name -keyout $name.key -out $name.csr\n"
				     "echo subjectAltName=DNS:$name >ext\n"
				     "openssl x509 -req -in $name.csr -CA good.pem -CAkey good.key "
				     "-CAcreateserial -days 2 -extfile ext -out $name.pem\n"
				     "done\n";
	char command[2048];

	if (server.folder[0])
		return;
	strcpy(server.folder, "/tmp/rm-tls-XXXXXX");
	RM_CHECK(mkdtemp(server.folder) != NULL);
	snprintf(command, sizeof(command), "sh -c '%s' sh %s", script, server.folder);
	RM_CHECK(system(command) == 0);
}

static char *in_folder(const char *variable, const char *name)
{
	static char text[4][256];
	static unsigned next;
	char *ret = text[next++ % 4];

	snprintf(ret, sizeof(text[0]), "%s%s/%s", variable, server.folder, name);
	return ret;
}

static void tls_start(bool wants_client)
{
	make_certificates();
	server.tls = SSL_CTX_new(TLS_server_method());
	RM_CHECK(SSL_CTX_use_certificate_chain_file(server.tls, in_folder("", "localhost.pem")) ==
		 1);
	RM_CHECK(SSL_CTX_use_PrivateKey_file(server.tls, in_folder("", "localhost.key"),
					     SSL_FILETYPE_PEM) == 1);
	if (wants_client) {
		SSL_CTX_load_verify_locations(server.tls, in_folder("", "good.pem"), NULL);
		SSL_CTX_set_verify(server.tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
				   NULL);
	}
	server_start("https");
	reply(EMPTY("200 OK"));
}

#define CA   "OTEL_EXPORTER_OTLP_CERTIFICATE="
#define CERT "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE="
#define KEY  "OTEL_EXPORTER_OTLP_CLIENT_KEY="

RM_TEST("https: a server whose certificate is signed by the given authority is trusted")
{
	tls_start(false);
	OPEN(in_folder(CA, "good.pem"));
	RM_CHECK(export_once().code == RM_EXPORT_DONE);
	RM_CHECK(export_once().code == RM_EXPORT_DONE);
	RM_CHECK(server.requests == 2 && server.connections == 1);
	rm_exporter_otlp.close(state);
	server_stop();
}

RM_TEST("https: another authority, the system's, or another name: nothing is sent")
{
	tls_start(false);
	OPEN(in_folder(CA, "other.pem"));
	RM_CHECK(export_once().code == RM_EXPORT_RETRY);
	rm_exporter_otlp.close(state);
	OPEN();
	RM_CHECK(export_once().code == RM_EXPORT_RETRY);
	rm_exporter_otlp.close(state);
	memcpy(strstr(server.url, "localhost"), "127.0.0.1", 9);
	OPEN(in_folder(CA, "good.pem"));
	RM_CHECK(export_once().code == RM_EXPORT_RETRY);
	rm_exporter_otlp.close(state);
	OPEN(in_folder(CA, "missing.pem"));
	RM_CHECK(export_once().code == RM_EXPORT_RETRY);
	rm_exporter_otlp.close(state);
	RM_CHECK(server.requests == 0);
	server_stop();
}

RM_TEST("https: mutual TLS works with a client certificate, and only then")
{
	tls_start(true);
	OPEN(in_folder(CA, "good.pem"), in_folder(CERT, "client.pem"),
	     in_folder(KEY, "client.key"));
	RM_CHECK(export_once().code == RM_EXPORT_DONE);
	rm_exporter_otlp.close(state);
	OPEN(in_folder(CA, "good.pem"));
	RM_CHECK(export_once().code == RM_EXPORT_RETRY);
	rm_exporter_otlp.close(state);
	RM_CHECK(server.requests == 1);
	server_stop();
}

static int child_status = -1;

/* Forks in the middle of a transfer, as an application may; the child opens an exporter. */
static void fork_once(void *arg)
{
	void *other;
	pid_t child;

	if (child_status >= 0)
		return;
	child = fork();
	if (child == 0)
		_exit(rm_exporter_otlp.open(&env, &other) == RM_OK ? 0 : 7);
	waitpid(child, &child_status, 0);
	atomic_store(&abort_flag, 1);
}

RM_TEST("a child that was forked in the middle of TLS refuses TLS; one of plain HTTP does not")
{
	tls_start(false);
	server.is_silent = true;
	OPEN(in_folder(CA, "good.pem"));
	child_status = -1;
	atomic_store(&abort_flag, 0);
	export_within(600 * SECOND_NS, &abort_flag, fork_once);
	RM_CHECK(WIFEXITED(child_status) && WEXITSTATUS(child_status) == 7);
	rm_exporter_otlp.close(state);
	server_stop();

	server_start("http");
	server.is_silent = true;
	OPEN();
	child_status = -1;
	atomic_store(&abort_flag, 0);
	export_within(600 * SECOND_NS, &abort_flag, fork_once);
	RM_CHECK(WIFEXITED(child_status) && WEXITSTATUS(child_status) == 0);
	rm_exporter_otlp.close(state);
	server_stop();
}

/* Last: takes the certificates away. */
RM_TEST("https: a plain server is no TLS server")
{
	char command[64];

	server_start("https");
	reply(EMPTY("200 OK"));
	OPEN(in_folder(CA, "good.pem"));
	/* It waits for the end of a head, we for its half of the handshake. */
	RM_CHECK(export_within(SECOND_NS / 10, NULL, NULL).code == RM_EXPORT_RETRY);
	RM_CHECK(server.requests == 0);
	rm_exporter_otlp.close(state);
	server_stop();
	snprintf(command, sizeof(command), "rm -r %s", server.folder);
	RM_CHECK(system(command) == 0);
}
