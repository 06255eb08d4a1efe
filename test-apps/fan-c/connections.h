/* A thread for each connection, which calls fan_out() for each request. Include once. */
#ifndef FAN_CONNECTIONS_H
#define FAN_CONNECTIONS_H

#include "accept.h"
#include "fan.h"

/* Makes the calls of one request. `mine` is the thread's, NULL for its first one. */
static void fan_out(long number, unsigned *seed, void **mine);

/* The thread's connection has ended. */
static void end(void *mine);

static void *serve(void *arg)
{
	int fd = (int)(long)arg;
	unsigned seed = (unsigned)(fd ^ time(NULL));
	void *mine = NULL;
	char head[2048];

	while (read_message(fd, head, sizeof(head), 0)) {
		fan_out(number_of(head), &seed, &mine);
		answer(fd);
	}
	if (mine)
		end(mine);
	close(fd);
	return NULL;
}

static int serve_all(int port)
{
	return serve_each(listen_on(port, 0), serve);
}
#endif
