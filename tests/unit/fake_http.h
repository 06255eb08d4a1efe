/* An HTTP server for tests: takes one POST per connection, keeps all bytes, answers as told. */
#ifndef RM_TESTS_FAKE_HTTP_H
#define RM_TESTS_FAKE_HTTP_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct fake_http {
	int listener, port, end[2];
	char path[64]; /* of AF_UNIX: in a folder of its own */
	const char *answer; /* NULL: never answers */
	pthread_t thread;
	pthread_barrier_t started; /* no test forks while the thread is being made */
	char *bytes;		   /* of all requests, one after the other */
	size_t count, cap;
	int requests;
};

static inline size_t fake_http_expected(const char *p, size_t n)
{
	const char *blank = memmem(p, n, "\r\n\r\n", 4), *length;

	if (!blank)
		return SIZE_MAX;
	length = memmem(p, (size_t)(blank - p), "Content-Length: ", 16);
	return (size_t)(blank - p) + 4 + (length ? strtoul(length + 16, NULL, 10) : 0);
}

static inline void fake_http_serve(struct fake_http *h, int conn)
{
	size_t begin = h->count;
	char byte;
	ssize_t n;

	while (h->count - begin < fake_http_expected(h->bytes + begin, h->count - begin)) {
		if (h->cap - h->count < 65536)
			h->bytes = realloc(h->bytes, h->cap = 2 * h->cap + 65536);
		n = read(conn, h->bytes + h->count, 65536);
		if (n <= 0)
			return;
		h->count += (size_t)n;
	}
	h->requests++;
	/* Byte by byte, as a slow network would. */
	for (const char *p = h->answer; p && *p; p++)
		if (send(conn, p, 1, MSG_NOSIGNAL) != 1)
			return;
	while (read(conn, &byte, 1) > 0)
		;
}

static inline void *fake_http_main(void *arg)
{
	struct fake_http *h = arg;
	struct pollfd p[2] = { { h->listener, POLLIN, 0 }, { h->end[0], POLLIN, 0 } };

	pthread_barrier_wait(&h->started);
	while (poll(p, 2, -1) >= 0) {
		int conn;

		if (p[0].revents) {
			conn = accept(h->listener, NULL, NULL);
			fake_http_serve(h, conn);
			close(conn);
		} else if (p[1].revents) {
			break;
		}
	}
	return NULL;
}

static inline int fake_http_bind_unix(struct fake_http *h)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(h->path, "/tmp/rm-unix-XXXXXX");
	if (!mkdtemp(h->path))
		return -1;
	strcat(h->path, "/http");
	strcpy(a.sun_path, h->path);
	return bind(h->listener, (struct sockaddr *)&a, sizeof(a));
}

static inline void fake_http_unlink(struct fake_http *h)
{
	if (!h->path[0])
		return;
	unlink(h->path);
	*strrchr(h->path, '/') = '\0';
	rmdir(h->path);
}

/* Containers often have no address of it, not even that of the loopback. */
static inline bool fake_http_has_ipv6(void)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&v6, sizeof(v6)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static inline void fake_http_open(struct fake_http *h, int family, const char *answer)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr *at = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);

	memset(h, 0, sizeof(*h));
	h->answer = answer;
	h->cap = 1 << 20;
	h->bytes = malloc(h->cap);
	h->listener = socket(family, SOCK_STREAM, 0);
	if ((family == AF_UNIX ? fake_http_bind_unix(h) : bind(h->listener, at, len)) != 0 ||
	    listen(h->listener, 8) != 0 || getsockname(h->listener, at, &len) != 0 || pipe(h->end) != 0)
		abort();
	h->port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	pthread_barrier_init(&h->started, NULL, 2);
	if (pthread_create(&h->thread, NULL, fake_http_main, h) != 0)
		abort();
	pthread_barrier_wait(&h->started);
}

/* Stops the server once it has dealt with every connection made so far. */
static inline void fake_http_stop(struct fake_http *h)
{
	if (write(h->end[1], "", 1) != 1)
		abort();
	pthread_join(h->thread, NULL);
	pthread_barrier_destroy(&h->started);
	close(h->listener);
	close(h->end[0]);
	close(h->end[1]);
	fake_http_unlink(h);
}

#endif
