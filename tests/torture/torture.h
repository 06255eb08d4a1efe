/*
 * What the small programs of the torture cases share: one traced HTTP exchange, as client or as
 * server, and a way to say which line failed. Included once, by the program's only file.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAIL_IF(what)                                                                              \
	do {                                                                                       \
		if (what) {                                                                        \
			dprintf(2, "line %d: %s (errno %d)\n", __LINE__, #what, errno);            \
			_exit(99);                                                                 \
		}                                                                                  \
	} while (0)

/* A connection to the peer of this case. */
static int peer_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)atoi(getenv("PEER_PORT"))),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	FAIL_IF(fd < 0);
	FAIL_IF(connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0);
	return fd;
}

/* One request over a connection; returns the status of the response, which is read whole. */
static int get_over(int fd)
{
	static const char request[] = "GET /torture HTTP/1.1\r\nHost: peer\r\n\r\n";
	char answer[4096], *body;
	size_t have = 0;
	ssize_t n;

	FAIL_IF(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1);
	do {
		n = recv(fd, answer + have, sizeof(answer) - 1 - have, 0);
		FAIL_IF(n <= 0);
		have += (size_t)n;
		answer[have] = 0;
		body = strstr(answer, "\r\n\r\n");
	} while (!body || !strchr(body + 4, '\n'));
	return atoi(answer + 9);
}

/* One traced exchange with the peer: one CLIENT span. */
static int get(void)
{
	int fd = peer_connect();
	int status = get_over(fd);

	close(fd);
	return status;
}

/* Gives the worker thread a safe point to start at, and time to do so. */
static void settle(int ms)
{
	struct pollfd none;

	poll(&none, 0, 1);
	usleep((useconds_t)ms * 1000);
}

/* How many threads the process has, by the kernel's account. */
static int threads(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");
	int n = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Threads: %d", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}
