/*
 * For programs whose case means something only while the agent's thread runs: they wait for it, so
 * that no case passes because it never did. Included once, instead of torture.h.
 */
#include <stdbool.h>

#include "torture.h"

/* Waits until the agent's thread, if it is to have one, runs beside `own` threads of the program. */
static void await_thread(int own)
{
	const char *list = getenv("LD_PRELOAD");
	struct pollfd none;

	if (!list || !strstr(list, "libremora") || getenv("REMORA_RELAY"))
		return;
	for (int i = 0; i < 8000 && threads() <= own; i++)
		poll(&none, 0, 1);
	FAIL_IF(threads() <= own);
}

/* One exchange, after which our thread runs. */
static void get_and_await(void)
{
	FAIL_IF(get() != 200);
	await_thread(1);
}

/* As get_over(), for a path, with nothing but read and write. */
static void ask(int fd, const char *path)
{
	char bytes[4096], *body;
	size_t have = 0;
	int n = snprintf(bytes, sizeof(bytes), "GET %s HTTP/1.1\r\nHost: peer\r\n\r\n", path);

	FAIL_IF(write(fd, bytes, (size_t)n) != n);
	do {
		ssize_t got = read(fd, bytes + have, sizeof(bytes) - 1 - have);

		FAIL_IF(got <= 0);
		have += (size_t)got;
		bytes[have] = 0;
		body = strstr(bytes, "\r\n\r\n");
	} while (!body || !strchr(body + 4, '\n'));
}
