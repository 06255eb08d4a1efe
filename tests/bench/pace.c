/*
 * Asks a server for one path at a fixed rate, over connections that stay open, and prints the latencies.
 *
 *   pace PORT PATH RATE SECONDS CONNECTIONS [--tls]
 *
 * The rate does not follow the server: request i is due at the start plus i/RATE seconds, whatever became of
 * those before it, and its latency counts from then. Where no connection is free it waits for one, and that
 * counts, too. So a server that stops for a while is seen to have kept all waiting that came meanwhile, which
 * a client that asks again once it was answered never shows. What was due is sent even when the time is over.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

enum { MAX_CONNECTIONS = 16384, ANSWER_CAP = 8192, GRACE_SECONDS = 10 };

#define SECOND_NS 1000000000ull

struct connection {
	int fd;
	SSL *ssl;
	bool busy;
	uint64_t due_ns;
	size_t len;
	char answer[ANSWER_CAP];
};

static struct connection connections[MAX_CONNECTIONS];
static char request[1024];
static int request_len;
static uint64_t *latencies_ns, answered, failed;

static void die(const char *what)
{
	fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void open_connection(struct connection *c, uint16_t port, SSL_CTX *tls)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (tls) {
		c->ssl = SSL_new(tls);
		SSL_set_fd(c->ssl, c->fd);
		if (SSL_connect(c->ssl) != 1)
			die("handshake");
	}
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void ask(struct connection *c, uint64_t due_ns)
{
	int n = c->ssl ? SSL_write(c->ssl, request, request_len) : (int)send(c->fd, request, (size_t)request_len, MSG_NOSIGNAL);

	if (n != request_len)
		die("a request does not fit into the socket");
	c->busy = true;
	c->due_ns = due_ns;
	c->len = 0;
}

/* True once the whole answer is there; nothing can follow it, as one request is under way at a time. */
static bool is_whole(const struct connection *c)
{
	const char *end = memmem(c->answer, c->len, "\r\n\r\n", 4), *length;
	size_t head, body;

	if (!end)
		return false;
	head = (size_t)(end - c->answer) + 4;
	body = c->len - head;
	length = strcasestr(c->answer, "\r\ncontent-length:");
	if (length && length < end)
		return body >= strtoul(length + 17, NULL, 10);
	return body >= 5 && memcmp(c->answer + c->len - 5, "0\r\n\r\n", 5) == 0;
}

static void receive(struct connection *c)
{
	while (c->busy) {
		size_t room = ANSWER_CAP - 1 - c->len;
		ssize_t n = c->ssl ? SSL_read(c->ssl, c->answer + c->len, (int)room) : recv(c->fd, c->answer + c->len, room, 0);

		if (n <= 0) {
			if (c->ssl ? SSL_get_error(c->ssl, (int)n) == SSL_ERROR_WANT_READ : n < 0 && errno == EAGAIN)
				return;
			die("the server closed a connection");
		}
		c->len += (size_t)n;
		c->answer[c->len] = '\0';
		if (is_whole(c)) {
			failed += strncmp(c->answer, "HTTP/1.1 2", 10) != 0;
			latencies_ns[answered++] = now_ns() - c->due_ns;
			c->busy = false;
		}
	}
}

static struct connection *idle_connection(int count)
{
	static int next;

	for (int i = 0; i < count; i++) {
		struct connection *c = &connections[next++ % count];

		if (!c->busy)
			return c;
	}
	return NULL;
}

static void wake_at(int timer, uint64_t at_ns)
{
	struct itimerspec when = { .it_value = { .tv_sec = (time_t)(at_ns / SECOND_NS), .tv_nsec = (long)(at_ns % SECOND_NS) } };

	timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void run(uint64_t total, double rate, int count)
{
	struct epoll_event events[64];
	int epoll = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	uint64_t start = now_ns(), last = start + (uint64_t)((double)total / rate * 1e9) + GRACE_SECONDS * SECOND_NS, sent = 0, spent;

	epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &(struct epoll_event){ .events = EPOLLIN });
	for (int i = 0; i < count; i++)
		epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &(struct epoll_event){ EPOLLIN, { .ptr = &connections[i] } });
	while (answered < total && now_ns() < last) {
		uint64_t due = start + (uint64_t)((double)sent / rate * 1e9);
		struct connection *c;

		while (sent < total && due <= now_ns() && (c = idle_connection(count))) {
			ask(c, due);
			due = start + (uint64_t)((double)++sent / rate * 1e9);
		}
		/* Where none is free only an answer can go on. A time that is over wakes at once. */
		wake_at(timer, sent < total && idle_connection(count) ? due : last);
		for (int i = 0, n = epoll_wait(epoll, events, 64, GRACE_SECONDS * 1000); i < n; i++) {
			if (events[i].data.ptr)
				receive(events[i].data.ptr);
			else if (read(timer, &spent, sizeof(spent)) < 0 && errno != EAGAIN)
				die("timer");
		}
	}
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double quantile_us(double q)
{
	return (double)latencies_ns[(uint64_t)(q * (double)(answered - 1))] / 1e3;
}

int main(int argc, char **argv)
{
	SSL_CTX *tls = argc > 6 ? SSL_CTX_new(TLS_client_method()) : NULL;
	int count = argc > 5 ? atoi(argv[5]) : 0;
	double rate = argc > 5 ? atof(argv[3]) : 0;
	uint64_t total = argc > 5 ? (uint64_t)(rate * atof(argv[4])) : 0;

	if (count < 1 || count > MAX_CONNECTIONS || total < 1) {
		fprintf(stderr, "usage: pace PORT PATH RATE SECONDS CONNECTIONS [--tls]\n");
		return 2;
	}
	prctl(PR_SET_TIMERSLACK, 1);
	request_len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n\r\n", argv[2], argv[1]);
	latencies_ns = calloc(total, sizeof(*latencies_ns));
	for (int i = 0; i < count; i++)
		open_connection(&connections[i], (uint16_t)atoi(argv[1]), tls);
	run(total, rate, count);
	if (answered == 0)
		die("no answer");
	qsort(latencies_ns, answered, sizeof(*latencies_ns), ascending);
	printf("due %lu answered %lu failed %lu p50 %.1f p90 %.1f p99 %.1f max %.1f us\n", total, answered, failed, quantile_us(0.5),
	       quantile_us(0.9), quantile_us(0.99), quantile_us(1));
	return 0;
}
