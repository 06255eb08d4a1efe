/*
 * An HTTP/1.1 server on one epoll loop, in the style of many C servers. It can be told which calls
 * to use, how large its read buffer is and whether epoll is edge-triggered, and it can keep a copy
 * of every byte that it read, so that tests see what a program sees.
 *
 *   main PORT [--et] [--buffer BYTES] [--call read|recv|readv|recvmsg] [--dump FILE]
 *
 * /hello /status/NNN /echo /chunked /close, as in the other servers beside this one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 4096, MAX_EVENTS = 64 };

struct connection {
	int fd;
	bool close_after, keep_alive_10, continued;
	char *in, *out;
	size_t in_len, in_cap, out_len, out_cap;
};

static struct connection *connections[MAX_CONNECTIONS];
static int epoll_fd, dump_fd = -1;
static bool edge_triggered;
static size_t buffer_bytes = 16384;
static const char *call = "read";
static volatile sig_atomic_t stopping;

static void append(char **buffer, size_t *len, size_t *cap, const char *data, size_t n)
{
	if (*len + n > *cap) {
		*cap = (*len + n) * 2;
		*buffer = realloc(*buffer, *cap);
		if (!*buffer)
			abort();
	}
	memcpy(*buffer + *len, data, n);
	*len += n;
}

static void reply(struct connection *c, const char *data, size_t n)
{
	append(&c->out, &c->out_len, &c->out_cap, data, n);
}

static void reply_text(struct connection *c, int status, const char *body, size_t n, bool head_only)
{
	char head[256];
	int len = snprintf(head, sizeof(head),
			   "HTTP/1.1 %d %s\r\nServer: c-epoll\r\nContent-Type: text/plain\r\n"
			   "Content-Length: %zu\r\n%s\r\n",
			   status, status < 400 ? "OK" : "Error", n,
			   c->close_after	 ? "Connection: close\r\n" :
			   c->keep_alive_10 ? "Connection: keep-alive\r\n" :
					      "");

	reply(c, head, (size_t)len);
	if (!head_only)
		reply(c, body, n);
}

static void answer(struct connection *c, const char *head, const char *body, size_t body_len)
{
	static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				      "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-End: yes\r\n\r\n";
	static const char closing[] = "HTTP/1.1 200 OK\r\n\r\nuntil the end\n";
	const char *path = strchr(head, ' ') + 1;
	bool head_only = strncmp(head, "HEAD ", 5) == 0;

	if (strncmp(path, "/status/", 8) == 0) {
		reply_text(c, atoi(path + 8), "", 0, head_only);
	} else if (strncmp(path, "/chunked", 8) == 0) {
		reply(c, chunked, sizeof(chunked) - 1);
	} else if (strncmp(path, "/close", 6) == 0) {
		reply(c, closing, sizeof(closing) - 1);
		c->close_after = true;
	} else if (strncmp(path, "/echo", 5) == 0) {
		reply_text(c, 200, body, body_len, head_only);
	} else if (strncmp(path, "/hello", 6) == 0) {
		reply_text(c, 200, "hello\n", 6, head_only);
	} else {
		reply_text(c, 404, "", 0, head_only);
	}
}

/* The value of a header in a NUL-terminated head, or NULL. */
static const char *header(const char *head, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = strstr(head, "\r\n"); p; p = strstr(p, "\r\n")) {
		p += 2;
		if (strncasecmp(p, name, n) == 0 && p[n] == ':')
			return p + n + 1 + strspn(p + n + 1, " \t");
	}
	return NULL;
}

/* Decodes a whole chunked body in place. Returns what it took from the wire, 0 when unfinished. */
static size_t dechunk(char *body, size_t len, size_t *ret_len)
{
	size_t at = 0, out = 0;

	for (;;) {
		char *eol = memmem(body + at, len - at, "\r\n", 2);
		size_t size;

		if (!eol)
			return 0;
		size = strtoul(body + at, NULL, 16);
		at = (size_t)(eol - body) + 2;
		if (len - at < size + 2)
			return 0;
		if (size == 0)
			break;
		memmove(body + out, body + at, size);
		out += size;
		at += size + 2;
	}
	*ret_len = out;
	return at + 2;
}

/* Answers one request at the front of the input; false when it is not there whole. */
static bool serve_one(struct connection *c)
{
	char *end = c->in_len ? memmem(c->in, c->in_len, "\r\n\r\n", 4) : NULL;
	const char *length, *connection, *expect;
	size_t head_len, body_len = 0, taken;
	char *head, *copy = NULL;

	if (!end)
		return false;
	head_len = (size_t)(end - c->in) + 4;
	head = strndup(c->in, head_len);
	length = header(head, "content-length");
	connection = header(head, "connection");
	expect = header(head, "expect");
	taken = head_len;
	if (header(head, "transfer-encoding")) {
		size_t n;

		copy = malloc(c->in_len - head_len + 1);
		memcpy(copy, c->in + head_len, c->in_len - head_len);
		n = dechunk(copy, c->in_len - head_len, &body_len);
		taken = n ? head_len + n : c->in_len + 1;
	} else if (length) {
		body_len = strtoul(length, NULL, 10);
		taken = head_len + body_len;
	}
	if (taken > c->in_len) {
		if (expect && !c->continued) {
			reply(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
			c->continued = true;
		}
		free(head);
		free(copy);
		return false;
	}
	c->continued = false;
	c->keep_alive_10 = strstr(head, " HTTP/1.0\r\n") && connection &&
			   strncasecmp(connection, "keep-alive", 10) == 0;
	c->close_after = (connection && strncasecmp(connection, "close", 5) == 0) ||
			 (strstr(head, " HTTP/1.0\r\n") && !c->keep_alive_10);
	answer(c, head, copy ? copy : c->in + head_len, body_len);
	memmove(c->in, c->in + taken, c->in_len - taken);
	c->in_len -= taken;
	free(head);
	free(copy);
	return !c->close_after;
}

static void drop(struct connection *c)
{
	connections[c->fd] = NULL;
	close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

static ssize_t receive(int fd, char *buffer, size_t n)
{
	struct iovec iov[2] = { { buffer, n / 2 }, { buffer + n / 2, n - n / 2 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (strcmp(call, "recv") == 0)
		return recv(fd, buffer, n, 0);
	if (strcmp(call, "readv") == 0)
		return readv(fd, iov, 2);
	if (strcmp(call, "recvmsg") == 0)
		return recvmsg(fd, &m, 0);
	return read(fd, buffer, n);
}

static ssize_t transmit(int fd, char *buffer, size_t n)
{
	struct iovec iov[2] = { { buffer, n / 2 }, { buffer + n / 2, n - n / 2 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (strcmp(call, "recv") == 0)
		return send(fd, buffer, n, MSG_NOSIGNAL);
	if (strcmp(call, "readv") == 0)
		return writev(fd, iov, 2);
	if (strcmp(call, "recvmsg") == 0)
		return sendmsg(fd, &m, MSG_NOSIGNAL);
	return write(fd, buffer, n);
}

/* Sends what is waiting; false when the connection is over. */
static bool flush(struct connection *c)
{
	struct epoll_event event = { .data.fd = c->fd };

	while (c->out_len > 0) {
		ssize_t n = transmit(c->fd, c->out, c->out_len);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return false;
		memmove(c->out, c->out + n, c->out_len - (size_t)n);
		c->out_len -= (size_t)n;
	}
	event.events = EPOLLIN | (c->out_len ? EPOLLOUT : 0u) | (edge_triggered ? EPOLLET : 0u);
	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
	return c->out_len > 0 || !c->close_after;
}

static void on_ready(struct connection *c)
{
	static char *buffer;

	if (!buffer)
		buffer = malloc(buffer_bytes);
	do {
		ssize_t n = receive(c->fd, buffer, buffer_bytes);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			drop(c);
			return;
		}
		if (dump_fd >= 0 && write(dump_fd, buffer, (size_t)n) != n)
			abort();
		append(&c->in, &c->in_len, &c->in_cap, buffer, (size_t)n);
		/* Level-triggered loops read once a turn, edge-triggered ones stop at a short read. */
		if (edge_triggered && (size_t)n < buffer_bytes)
			break;
	} while (edge_triggered);
	while (serve_one(c))
		;
	if (!flush(c))
		drop(c);
}

static void on_connection(int listener)
{
	struct epoll_event event = { .events = EPOLLIN | (edge_triggered ? EPOLLET : 0u) };
	int one = 1;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (fd >= MAX_CONNECTIONS) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	connections[fd] = calloc(1, sizeof(struct connection));
	connections[fd]->fd = fd;
	event.data.fd = fd;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void on_signal(int number)
{
	(void)number;
	stopping = 1;
}

static void parse_arguments(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--et") == 0)
			edge_triggered = true;
		else if (strcmp(argv[i], "--buffer") == 0 && i + 1 < argc)
			buffer_bytes = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--call") == 0 && i + 1 < argc)
			call = argv[++i];
		else if (strcmp(argv[i], "--dump") == 0 && i + 1 < argc)
			dump_fd = open(argv[++i], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	}
}

static int listen_on(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 128) != 0) {
		perror("listen");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[MAX_EVENTS], event = { .events = EPOLLIN };
	struct sigaction stop = { .sa_handler = on_signal };
	sigset_t ending, waiting;
	int listener;

	if (argc < 2) {
		fprintf(stderr, "usage: main PORT [options]\n");
		return 2;
	}
	parse_arguments(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	/* They are delivered during the wait only, so that none falls between the test and the wait. */
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigprocmask(SIG_BLOCK, &ending, &waiting);
	listener = listen_on(atoi(argv[1]));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	event.data.fd = listener;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
	while (!stopping) {
		int n = epoll_pwait(epoll_fd, events, MAX_EVENTS, -1, &waiting);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == listener)
				on_connection(fd);
			else if (connections[fd])
				on_ready(connections[fd]);
		}
	}
	return 0;
}
