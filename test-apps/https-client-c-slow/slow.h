/*
 * A client whose socket takes next to nothing at once, so that its library refuses most calls: what the
 * programs of this folder have in common. Each has one library, and the ways in which that may be called
 * again after it refused.
 *
 *   PROGRAM WAY PORT CA HEAD[+BODY]...
 *
 * Sends a request for each argument over one connection, with a head of exactly so many bytes and a body behind
 * it, in one buffer, and prints the answers' bodies, of six bytes each. WAY may be "block" everywhere: then the
 * socket is a blocking one.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum { AGAIN = 0, ROOM = 1 << 20 };

/* Of each library: > 0 bytes moved, AGAIN, or -1 for an error. */
static void open_session(int fd, const char *ca);
static ssize_t try_write(const char *p, size_t n);
static ssize_t try_read(char *buf, size_t room);
static void close_session(void);

static const char *way;
static int slow_fd;
static size_t record = 16384; /* the library's largest */

static int is(const char *name)
{
	return strstr(way, name) != NULL;
}

static void die(const char *what)
{
	fprintf(stderr, "%s: %s failed\n", way, what);
	exit(1);
}

/* Until the socket takes or has something. Libraries that wait for the other direction are rare: not for long. */
static void await(short events)
{
	struct pollfd p = { .fd = slow_fd, .events = events };

	poll(&p, 1, 1000);
}

static void say(const char *p, size_t n)
{
	char *copy = NULL;

	for (size_t at = 0; at < n;) {
		const char *from = p + at;
		ssize_t took;

		if (is("moving")) { /* from another place each time */
			char *old = copy;

			copy = malloc(n - at);
			from = memcpy(copy, p + at, n - at);
			free(old);
		}
		took = try_write(from, n - at);
		if (took < 0)
			die("write");
		/* What fits into a record is written whole where nothing can be refused, and programs rely on that. */
		if (is("block") && (size_t)took < (n - at < record ? n - at : record))
			die("a whole write");
		if (took == AGAIN)
			await(POLLOUT);
		at += (size_t)took;
	}
	free(copy);
}

static void ask(size_t head, size_t body)
{
	static char buf[ROOM];
	char answer[4096], *end = NULL;
	size_t n, have = 0;

	n = (size_t)snprintf(buf, sizeof(buf), "POST /%zu HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\nX-Pad: ", head, body);
	if (head < n + 4 || head + body > sizeof(buf))
		die("such a head");
	memset(buf + n, 'p', head - 4 - n);
	memcpy(buf + head - 4, "\r\n\r\n", 4);
	for (size_t i = 0; i < body; i++)
		buf[head + i] = (char)('a' + i * 7 % 26);
	say(buf, head + body);
	while (!end || have < (size_t)(end - answer) + 4 + 6) {
		ssize_t got = try_read(answer + have, sizeof(answer) - 1 - have);

		if (got < 0)
			die("read");
		if (got == AGAIN)
			await(POLLIN);
		have += (size_t)got;
		answer[have] = 0;
		end = strstr(answer, "\r\n\r\n");
	}
	fwrite(end + 4, 1, 6, stdout);
}

static void connect_slowly(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int small = 1;

	slow_fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(slow_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)); /* the kernel makes it 4608 */
	if (connect(slow_fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect");
	if (!is("block"))
		fcntl(slow_fd, F_SETFL, fcntl(slow_fd, F_GETFL) | O_NONBLOCK);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	way = argv[1];
	connect_slowly(atoi(argv[2]));
	open_session(slow_fd, argv[3]);
	for (int i = 4; i < argc; i++) {
		char *body = strchr(argv[i], '+');

		ask(strtoul(argv[i], NULL, 10), body ? strtoul(body + 1, NULL, 10) : 0);
	}
	close_session();
	close(slow_fd);
	return 0;
}
