/* A thread for each connection. */
#ifndef FAN_ACCEPT_H
#define FAN_ACCEPT_H

#include <pthread.h>
#include <sys/socket.h>

/* Runs `serve` for each connection, whose number is its argument. Returns when there can be no more. */
static inline int serve_each(int listener, void *(*serve)(void *))
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0 || pthread_create(&thread, NULL, serve, (void *)(long)fd) != 0)
			return 1;
		pthread_detach(thread);
	}
}

#endif
