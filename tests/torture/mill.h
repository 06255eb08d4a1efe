/*
 * A fast peer for the cases that need thousands of exchanges: a forked child of the program that
 * answers each request head with MILL_ANSWER, on any number of connections. It is traced like any
 * server. Included after torture.h.
 */
#include <sys/epoll.h>
#include <sys/prctl.h>

#define MILL_REQUEST "GET /mill HTTP/1.1\r\nHost: mill\r\n\r\n"
#define MILL_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"

enum { MILL_FDS = 1 << 17 };

static struct sockaddr_in mill_address;

static int mill_listen(void)
{
	socklen_t len = sizeof(mill_address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	mill_address.sin_family = AF_INET;
	mill_address.sin_port = 0;
	mill_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	FAIL_IF(bind(fd, (struct sockaddr *)&mill_address, sizeof(mill_address)) != 0);
	FAIL_IF(listen(fd, 4096) != 0);
	FAIL_IF(getsockname(fd, (struct sockaddr *)&mill_address, &len) != 0);
	return fd;
}

/* Answers what is complete in `n` bytes; `matched` is how much of an empty line was seen before. */
static int mill_answer(int fd, const char *p, ssize_t n, uint8_t *matched)
{
	for (ssize_t i = 0; i < n; i++) {
		*matched = p[i] == "\r\n\r\n"[*matched] ? *matched + 1 : p[i] == '\r';
		if (*matched < 4)
			continue;
		*matched = 0;
		if (send(fd, MILL_ANSWER, sizeof(MILL_ANSWER) - 1, MSG_NOSIGNAL) < 0)
			return -1;
	}
	return 0;
}

static void mill_serve(int listener)
{
	struct epoll_event events[64], add = { .events = EPOLLIN, .data.fd = listener };
	static uint8_t matched[MILL_FDS];
	static char bytes[65536];
	int loop = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(loop, EPOLL_CTL_ADD, listener, &add);
	for (;;) {
		int count = epoll_wait(loop, events, 64, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;
			ssize_t n;

			if (fd == listener) {
				fd = accept(listener, NULL, NULL);
				if (fd < 0)
					continue;
				matched[fd] = 0;
				add.data.fd = fd;
				epoll_ctl(loop, EPOLL_CTL_ADD, fd, &add);
				continue;
			}
			n = recv(fd, bytes, sizeof(bytes), 0);
			if (n <= 0 || mill_answer(fd, bytes, n, &matched[fd]) != 0)
				close(fd);
		}
	}
}

/* Starts the peer; it ends with this process. */
static pid_t mill_start(void)
{
	int listener = mill_listen();
	pid_t parent = getpid(), child = fork();

	FAIL_IF(child < 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		mill_serve(listener);
	}
	close(listener);
	return child;
}

static int mill_connect(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	FAIL_IF(fd < 0);
	FAIL_IF(connect(fd, (struct sockaddr *)&mill_address, sizeof(mill_address)) != 0);
	return fd;
}

/* Reads one answer. */
static void mill_read(int fd)
{
	char answer[sizeof(MILL_ANSWER)];
	size_t have = 0;

	while (have < sizeof(MILL_ANSWER) - 1) {
		ssize_t n = recv(fd, answer + have, sizeof(MILL_ANSWER) - 1 - have, 0);

		FAIL_IF(n <= 0);
		have += (size_t)n;
	}
	FAIL_IF(memcmp(answer, MILL_ANSWER, have) != 0);
}

static void mill_get(int fd)
{
	FAIL_IF(send(fd, MILL_REQUEST, sizeof(MILL_REQUEST) - 1, MSG_NOSIGNAL) != sizeof(MILL_REQUEST) - 1);
	mill_read(fd);
}
