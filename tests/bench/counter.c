/*
 * A backend for measurements: takes OTLP over HTTP/1, answers 200, and tells how much came.
 *
 *   counter PORT-FILE
 *
 * It listens on a free port of this machine and writes the number of it to PORT-FILE. A POST is kept as it
 * came and looked at only when GET asks, so that what it costs while a program is measured is reading the
 * bytes. GET answers "requests R spans S bytes B": bytes are those of the connection, heads and all. One
 * thread per connection; a sender that says something wrong ends the program, and with it the measurement.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

enum { HEAD_CAP = 16384, BODY_CAP = 256 << 20, AUTO_GZIP = 15 + 32, LENGTH_DELIMITED = 2 };

struct body {
	struct body *next;
	size_t len;
	uint8_t data[];
};

struct peer {
	int fd;
	size_t begin, end;
	uint64_t taken;
	char buffer[65536];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct body *waiting;
static uint64_t requests, spans, bytes;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "counter: %s\n", what);
	exit(1);
}

/* The next byte of the connection, or -1 at its end. */
static int next(struct peer *p)
{
	if (p->begin == p->end) {
		ssize_t n = read(p->fd, p->buffer, sizeof(p->buffer));

		if (n <= 0)
			return -1;
		p->begin = 0;
		p->end = (size_t)n;
	}
	p->taken++;
	return (uint8_t)p->buffer[p->begin++];
}

static bool read_bytes(struct peer *p, uint8_t *to, size_t n)
{
	while (n > 0) {
		size_t part = p->end - p->begin < n ? p->end - p->begin : n;
		int c;

		memcpy(to, p->buffer + p->begin, part);
		p->begin += part;
		p->taken += part;
		to += part;
		n -= part;
		if (n == 0)
			break;
		c = next(p);
		if (c < 0)
			return false;
		*to++ = (uint8_t)c;
		n--;
	}
	return true;
}

/* A line or, with `end` "\r\n\r\n", a head; NUL-terminated. */
static bool read_until(struct peer *p, char *to, size_t cap, const char *end)
{
	size_t len = 0, n = strlen(end);

	for (int c; len + 1 < cap && (c = next(p)) >= 0;) {
		to[len++] = (char)c;
		to[len] = '\0';
		if (len >= n && strcmp(to + len - n, end) == 0)
			return true;
	}
	return false;
}

static struct body *read_body(struct peer *p, const char *head)
{
	const char *length = strcasestr(head, "\r\ncontent-length:");
	struct body *b = malloc(sizeof(*b));
	char line[64];

	b->len = 0;
	for (bool last = false; !last;) {
		size_t n;

		if (!length && !read_until(p, line, sizeof(line), "\r\n"))
			return NULL;
		n = length ? strtoul(length + 17, NULL, 10) : strtoul(line, NULL, 16);
		if (n > BODY_CAP - b->len)
			die("a body too large");
		b = realloc(b, sizeof(*b) + b->len + n + 1);
		if (!read_bytes(p, b->data + b->len, n) || (!length && !read_until(p, line, sizeof(line), "\r\n")))
			return NULL;
		b->len += n;
		last = length || n == 0;
	}
	return b;
}

static uint64_t varint(const uint8_t **at, const uint8_t *end)
{
	uint64_t value = 0;

	for (int shift = 0; *at < end && shift < 64; shift += 7) {
		uint8_t c = *(*at)++;

		value |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return value;
	}
	die("not protobuf");
	return 0;
}

/* Spans of a message: depth 0 is ExportTraceServiceRequest (1: ResourceSpans, 2: ScopeSpans, 2: Span). */
static uint64_t count_spans(const uint8_t *at, const uint8_t *end, int depth)
{
	static const unsigned inner[] = { 1, 2, 2 };
	uint64_t found = 0;

	while (at < end) {
		uint64_t key = varint(&at, end), size;

		if ((key & 7) != LENGTH_DELIMITED)
			die("a field that has no place in traces");
		size = varint(&at, end);
		if (size > (uint64_t)(end - at))
			die("a field that is cut off");
		if (key >> 3 == inner[depth])
			found += depth == 2 ? 1 : count_spans(at, at + size, depth + 1);
		at += size;
	}
	return found;
}

static uint64_t count_body(const struct body *b)
{
	size_t cap = 64 << 20;
	z_stream z = { .next_in = (uint8_t *)b->data, .avail_in = (unsigned)b->len, .avail_out = (unsigned)cap };
	uint8_t *plain;
	uint64_t found;

	if (b->len < 2 || b->data[0] != 0x1f || b->data[1] != 0x8b)
		return count_spans(b->data, b->data + b->len, 0);
	plain = malloc(cap);
	z.next_out = plain;
	if (inflateInit2(&z, AUTO_GZIP) != Z_OK || inflate(&z, Z_FINISH) != Z_STREAM_END)
		die("not gzip");
	found = count_spans(plain, plain + z.total_out, 0);
	inflateEnd(&z);
	free(plain);
	return found;
}

static void count_all(void)
{
	while (waiting) {
		struct body *b = waiting;

		waiting = b->next;
		spans += count_body(b);
		free(b);
	}
}

static void respond(int fd, const char *body)
{
	char answer[256];
	int n = snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: %zu\r\n\r\n%s",
			 strlen(body), body);

	if (send(fd, answer, (size_t)n, MSG_NOSIGNAL) != n)
		fprintf(stderr, "counter: a sender went away\n");
}

static void *serve(void *argument)
{
	struct peer *p = argument;
	char head[HEAD_CAP], said[128];

	while (read_until(p, head, sizeof(head), "\r\n\r\n")) {
		bool is_question = strncmp(head, "GET ", 4) == 0;
		struct body *b = is_question ? NULL : read_body(p, head);

		if (!is_question && !b)
			break;
		pthread_mutex_lock(&lock);
		if (is_question) {
			count_all();
			snprintf(said, sizeof(said), "requests %lu spans %lu bytes %lu\n", requests, spans, bytes);
		} else {
			b->next = waiting;
			waiting = b;
			requests++;
			bytes += p->taken;
		}
		pthread_mutex_unlock(&lock);
		p->taken = 0;
		respond(p->fd, is_question ? said : "");
	}
	close(p->fd);
	free(p);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *f;

	if (argc < 2 || bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 1024) != 0)
		die("usage: counter PORT-FILE");
	getsockname(listener, (struct sockaddr *)&at, &len);
	f = fopen(argv[1], "w");
	if (!f || fprintf(f, "%d\n", ntohs(at.sin_port)) < 0 || fclose(f) != 0)
		die("the file cannot be written");
	for (;;) {
		struct peer *p = calloc(1, sizeof(*p));
		pthread_t thread;

		p->fd = accept(listener, NULL, NULL);
		if (p->fd < 0 || pthread_create(&thread, NULL, serve, p) != 0)
			die("accept");
		pthread_detach(thread);
	}
}
