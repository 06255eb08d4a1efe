/* A thread for each connection; each thread keeps one connection to the far side (FAR=http://127.0.0.1:PORT). */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in far_side;

/* Reads up to the blank line and `body` bytes more. False at the end of the connection. */
static int read_message(int fd, char *room, size_t cap, size_t body)
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

static void rest(unsigned *seed)
{
	struct timespec time = { 0, rand_r(seed) % 5000 * 1000 };

	nanosleep(&time, NULL);
}

static int call(int far, long number, int turn)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "GET /call/%ld/%d HTTP/1.1\r\nHost: far\r\n\r\n", number, turn);

	if (send(far, text, (size_t)n, MSG_NOSIGNAL) != n)
		return 0;
	return read_message(far, text, sizeof(text), 3);
}

static void *serve(void *arg)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nnear\n";
	int fd = (int)(long)arg, far = socket(AF_INET, SOCK_STREAM, 0);
	unsigned seed = (unsigned)(fd ^ time(NULL));
	char head[2048];

	if (connect(far, (struct sockaddr *)&far_side, sizeof(far_side)) == 0) {
		while (read_message(fd, head, sizeof(head), 0)) {
			long number = atol(strchr(head + 5, '/') + 1);
			int calls = 1 + rand_r(&seed) % 3;

			for (int turn = 0; turn < calls; turn++) {
				rest(&seed);
				if (!call(far, number, turn))
					exit(1);
			}
			send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
		}
	}
	close(far);
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	here.sin_port = htons((unsigned short)atoi(argc > 1 ? argv[1] : "0"));
	far_side = here;
	far_side.sin_port = htons((unsigned short)atoi(strrchr(getenv("FAR"), ':') + 1));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) != 0 || listen(listener, 1024) != 0)
		return 1;
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0 || pthread_create(&thread, NULL, serve, (void *)(long)fd) != 0)
			return 1;
		pthread_detach(thread);
	}
}
