/*
 * A backend that means harm: whatever it answers, an export ends, with little memory, and says no more
 * than it knows. What a backend sends without an end it sends until we hang up.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/exporter.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "tests/rmtest.h"
#include "tests/unit/sample_batch.h"

#define SECOND_NS 1000000000ull
#define OK_HEAD	  "HTTP/1.1 200 OK\r\n"
enum { REQUEST_MAX = 64 * 1024, BOMB_BYTES = 1 << 20 };

/* The address sanitizer keeps what was freed for a while. */
#ifdef __SANITIZE_ADDRESS__
enum { MEMORY_MAX_KB = (24 + 256) * 1024 };
#else
enum { MEMORY_MAX_KB = 24 * 1024 };
#endif

extern const struct rm_exporter rm_exporter_otlp;

static struct {
	int listener;
	pthread_t thread;
	char url[64];
	const char *once;	/* said first ... */
	size_t once_n;
	const char *for_ever;	/* ... then this again and again; NULL: the connection ends */
	char request[REQUEST_MAX];
	unsigned requests;
} server;

static bool say(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static void hear(int fd)
{
	size_t n = 0;

	for (char *end = NULL; !end && n < REQUEST_MAX - 1;) {
		ssize_t got = read(fd, server.request + n, REQUEST_MAX - 1 - n);

		if (got <= 0)
			return;
		n += (size_t)got;
		server.request[n] = '\0';
		end = strstr(server.request, "\r\n\r\n");
	}
}

static void *serve(void *arg)
{
	int fd;

	while ((fd = accept(server.listener, NULL, NULL)) >= 0) {
		hear(fd);
		server.requests++;
		if (say(fd, server.once, server.once_n))
			while (server.for_ever && say(fd, server.for_ever, strlen(server.for_ever)))
				;
		shutdown(fd, SHUT_RDWR);
		close(fd);
	}
	return NULL;
}

static void start(const char *once, size_t n, const char *for_ever)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	signal(SIGPIPE, SIG_IGN);
	rm_log_init(0, RM_LEVEL_NONE);
	server.once = once;
	server.once_n = n;
	server.for_ever = for_ever;
	server.requests = 0;
	server.listener = socket(AF_INET, SOCK_STREAM, 0);
	RM_CHECK(bind(server.listener, (struct sockaddr *)&a, len) == 0 && listen(server.listener, 8) == 0);
	getsockname(server.listener, (struct sockaddr *)&a, &len);
	snprintf(server.url, sizeof(server.url), "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d",
		 ntohs(a.sin_port));
	pthread_create(&server.thread, NULL, serve, NULL);
}

static long high_water_kb(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kb = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

/* Exports once to a backend that says this. Its answer may take that long; memory stays bounded. */
static struct rm_export_result answered(const char *once, size_t n, const char *for_ever, uint64_t within_ns)
{
	static struct sample sample;
	static struct rm_env env;
	struct rm_export_io io = { 0 };
	struct rm_export_result r;
	char *settings[] = { server.url, NULL };
	long before;
	void *state;

	start(once, n, for_ever);
	rm_env_load(&env, settings, NULL);
	RM_CHECK(rm_exporter_otlp.open(&env, &state) == RM_OK);
	sample_init(&sample);
	before = high_water_kb();
	io.deadline_ns = rm_clock_mono_ns() + within_ns;
	rm_exporter_otlp.export(state, &sample.batch, &io, &r);
	RM_CHECK(high_water_kb() - before <= MEMORY_MAX_KB);
	RM_CHECK(memchr(r.message, '\0', sizeof(r.message)) != NULL);
	rm_exporter_otlp.close(state);
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listener);
	return r;
}

static struct rm_export_result text(const char *once, const char *for_ever)
{
	return answered(once, strlen(once), for_ever, 30 * SECOND_NS);
}

RM_TEST("a compressed answer is not asked for, and one that comes is not unpacked")
{
	static char answer[BOMB_BYTES], zeros[1 << 16];
	size_t head = (size_t)snprintf(answer, sizeof(answer), OK_HEAD "Content-Encoding: gzip\r\n\r\n");
	z_stream z = { 0 };

	RM_CHECK(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	z.next_out = (Bytef *)answer + head;
	z.avail_out = (uInt)(sizeof(answer) - head);
	for (int i = 0; i < 12000; i++) { /* 750 MB */
		z.next_in = (Bytef *)zeros;
		z.avail_in = sizeof(zeros);
		RM_CHECK(deflate(&z, Z_NO_FLUSH) == Z_OK && z.avail_in == 0);
	}
	RM_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	RM_CHECK(answered(answer, head + z.total_out, NULL, 30 * SECOND_NS).code == RM_EXPORT_DONE);
	deflateEnd(&z);
	RM_CHECK(!strcasestr(server.request, "\r\nAccept-Encoding:") && !strcasestr(server.request, "\r\nTE:"));
}

RM_TEST("a body without an end is read as far as answers go, and its status counts")
{
	RM_CHECK(text(OK_HEAD "\r\n", "0123456789abcdef0123456789abcdef0123456789abcdef").code == RM_EXPORT_DONE);
	RM_CHECK(text("HTTP/1.1 503 No\r\n\r\n", "0123456789abcdef0123456789abcdef").code == RM_EXPORT_RETRY);
	RM_CHECK(text(OK_HEAD "Content-Length: 9223372036854775807\r\n\r\n", "0123456789abcdef0123456789abcdef").code ==
		 RM_EXPORT_DONE);
	RM_CHECK(text(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n", "10\r\n0123456789abcdef\r\n").code == RM_EXPORT_DONE);
}

RM_TEST("heads without an end are no answer")
{
	RM_CHECK(text(OK_HEAD, "X-Field: 0123456789abcdef0123456789abcdef\r\n").code == RM_EXPORT_RETRY);
	RM_CHECK(text(OK_HEAD "X-Field: ", "0123456789abcdef0123456789abcdef").code == RM_EXPORT_RETRY);
	RM_CHECK(text("HTTP/1.1 200 ", "0123456789abcdef0123456789abcdef").code == RM_EXPORT_RETRY);
	RM_CHECK(text("", "0123456789abcdef0123456789abcdef").code == RM_EXPORT_RETRY);
}

RM_TEST("trailers, chunk extensions and interim answers without an end are over at the deadline")
{
	static const char chunked[] = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n";
	const size_t n = sizeof(chunked) - 1;

	answered(chunked, n, "1;0123456789abcdef0123456789abcdef\r\nx\r\n", SECOND_NS);
	answered(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n", n + 3, "X-Field: 0123456789abcdef\r\n", SECOND_NS);
	answered(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1;", n + 2, "0123456789abcdef0123456789abcdef", SECOND_NS);
	RM_CHECK(answered("", 0, "HTTP/1.1 100 Continue\r\n\r\n", SECOND_NS).code == RM_EXPORT_RETRY);
	RM_CHECK(answered("", 0, "HTTP/1.1 103 Early\r\nLink: 0123456789abcdef\r\n\r\n", SECOND_NS).code ==
		 RM_EXPORT_RETRY);
}

RM_TEST("lengths and statuses that are none are no answer, or the answer that they begin with")
{
	static const char *const replies[] = {
		OK_HEAD "Content-Length: -1\r\n\r\n",
		OK_HEAD "Content-Length: 99999999999999999999999\r\n\r\n",
		OK_HEAD "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
		OK_HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
		OK_HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
		OK_HEAD "X: a\0b\r\n\r\n",
		"HTTP/1.1 000 x\r\n\r\n",
		"HTTP/1.1 99999 x\r\n\r\n",
		"HTTP/9.9 200 OK\r\n\r\n",
		"SSH-2.0-x\r\n",
		"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes",
		"",
	};

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct rm_export_result r = text(replies[i], NULL);

		RM_CHECK(r.rejected == 0);
		RM_CHECK(r.code != RM_EXPORT_DONE || strncmp(replies[i], "HTTP/1.1 200", 12) == 0);
	}
}

RM_TEST("an answer that sends us elsewhere is not followed")
{
	RM_CHECK(text("HTTP/1.1 307 There\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", NULL).code ==
		 RM_EXPORT_REFUSED);
	RM_CHECK(server.requests == 1);
}

RM_TEST("a wait that is longer than time itself is a day")
{
	static const char *const waits[] = { "86401", "18446744074", "9223372036854775807", "Fri, 31 Dec 9999 23:59:59 GMT" };

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		char reply[256];

		snprintf(reply, sizeof(reply), "HTTP/1.1 503 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", waits[i]);
		RM_CHECK(text(reply, NULL).retry_after_ns == 86400 * SECOND_NS);
	}
	RM_CHECK(text("HTTP/1.1 503 No\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n", NULL).retry_after_ns == 0);
}

RM_TEST("partial successes that reject more than there was reject what there was")
{
	static const char json[] = OK_HEAD "Content-Type: application/json\r\n\r\n"
				   "{\"partialSuccess\":{\"rejectedSpans\":\"18446744073709551615\"}}";
	static const char binary[] = OK_HEAD "Content-Type: application/x-protobuf\r\n\r\n"
				     "\x0a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f";

	RM_CHECK(text(json, NULL).rejected == SAMPLE_SPANS);
	RM_CHECK(answered(binary, sizeof(binary) - 1, NULL, 30 * SECOND_NS).rejected == SAMPLE_SPANS);
}
