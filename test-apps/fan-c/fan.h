/* What all of these servers do: each request /fan/NUMBER makes one to three calls that repeat its number. */
#ifndef FAN_H
#define FAN_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nnear\n"

static inline struct sockaddr_in address(int port)
{
	struct sockaddr_in ret;

	memset(&ret, 0, sizeof(ret));
	ret.sin_family = AF_INET;
	ret.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ret.sin_port = htons((unsigned short)port);
	return ret;
}

/* FAR=http://127.0.0.1:PORT */
static inline int far_port(void)
{
	return atoi(strrchr(getenv("FAR"), ':') + 1);
}

static inline int listen_on(int port, int flags)
{
	struct sockaddr_in here = address(port);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | flags, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)) != 0 || listen(fd, 1024) != 0)
		exit(1);
	return fd;
}

static inline int connect_far(void)
{
	struct sockaddr_in there = address(far_port());
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&there, sizeof(there)) != 0)
		exit(1);
	return fd;
}

/* The number in "GET /fan/NUMBER ..." or a path alone. */
static inline long number_of(const char *head)
{
	const char *fan = strstr(head, "/fan/");

	return fan ? atol(fan + 5) : 0;
}

static inline int how_many(unsigned *seed)
{
	return 1 + rand_r(seed) % 3;
}

static inline int rest_ms(unsigned *seed)
{
	return rand_r(seed) % 6;
}

static inline int call_text(char *room, size_t cap, long number, int turn)
{
	return snprintf(room, cap, "GET /call/%ld/%d HTTP/1.1\r\nHost: far\r\n\r\n", number, turn);
}

/* Reads up to the blank line and `body` bytes more, blocking. False at the end of the connection. */
static inline int read_message(int fd, char *room, size_t cap, size_t body)
{
	size_t n = 0;
	char *end = NULL;

	while (n < cap - 1 && (!end || (size_t)(room + n - end - 4) < body)) {
		ssize_t got = recv(fd, room + n, cap - 1 - n, 0);

		if (got <= 0)
			return 0;
		n += (size_t)got;
		room[n] = '\0';
		end = strstr(room, "\r\n\r\n");
	}
	return end != NULL;
}

/* A call over this connection, blocking. */
static inline void call_over(int fd, long number, int turn)
{
	char text[512];
	int n = call_text(text, sizeof(text), number, turn);

	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n || !read_message(fd, text, sizeof(text), 3))
		exit(1);
}

static inline void answer(int fd)
{
	(void)!send(fd, ANSWER, sizeof(ANSWER) - 1, MSG_NOSIGNAL);
}

static inline long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void sleep_ms(int ms)
{
	struct timespec t = { 0, ms * 1000000L };

	nanosleep(&t, NULL);
}
#endif
