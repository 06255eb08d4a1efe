/*
 * Calls each function of the tables that a library named as OpenSSL has, as that library itself would do, and
 * prints what they said:
 *
 *   main LIBRARY LAYOUT
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct session {
	const uintptr_t *table;
	void *data[8];
};

/* In LAYOUT 4 the library reads by this. */
__attribute__((visibility("default"))) int read_of_program(struct session *s, void *buf, size_t n, size_t *ret_n)
{
	(void)buf;
	*ret_n = n / 2;
	return s != NULL;
}

/* A connection, at which a tracer might look for what is loaded. */
static void connect_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&at, n) != 0 || listen(listener, 1) != 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &n) != 0 || connect(fd, (struct sockaddr *)&at, n) != 0)
		exit(1);
	close(fd);
	close(listener);
}

typedef int (*plain)(struct session *s);
typedef int (*moves)(struct session *s, void *p, size_t n, size_t *ret_n);

static void call_plain(struct session *s, int first, int last)
{
	for (int i = first; i <= last; i++)
		if (s->table[i])
			printf("%d: %d\n", i, ((plain)s->table[i])(s));
}

static void call_moving(struct session *s, int slot)
{
	char buf[1000] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	size_t n = 0;
	int result = ((moves)s->table[slot])(s, buf, strlen(buf), &n);

	printf("%d: %d, %zu bytes\n", slot, result, n);
}

int main(int argc, char **argv)
{
	struct session s = { 0 };
	void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
	const void *(*method)(void);

	if (!library)
		return 2;
	connect_somewhere();
	method = (const void *(*)(void))dlsym(library, "TLS_method");
	s.table = method();
	switch (atoi(argv[2])) {
	case 2:
		call_plain(&s, 2, 10);
		call_moving(&s, 12);
		call_moving(&s, 11);
		break;
	case 3:
		printf("%d\n", *(const int *)s.table[1]);
		break;
	default:
		call_moving(&s, 9);
		call_moving(&s, 7);
		call_moving(&s, 8);
		call_plain(&s, 10, 10);
		call_plain(&s, 3, 6);
	}
	return 0;
}
