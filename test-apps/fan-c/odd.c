/*
 * A thread for each connection, whose requests do not simply ask, wait and answer:
 *   stream      a call before each piece of an answer that is sent in pieces
 *   after       the answer first, then the calls
 *   early       each request opens a connection for a pool of all, and uses whichever is there
 *   background  a thread of its own makes calls for nobody (number 0) meanwhile
 *   retry       each call is made twice, over connections that are closed in between
 */
#include <pthread.h>

#include "accept.h"
#include "fan.h"

enum { POOL_MAX = 1024 };

static const char *style;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int pool[POOL_MAX], pooled;

static int is(const char *name)
{
	return strcmp(style, name) == 0;
}

static void put(int fd)
{
	pthread_mutex_lock(&lock);
	if (pooled < POOL_MAX) {
		pool[pooled++] = fd;
		fd = -1;
	}
	pthread_mutex_unlock(&lock);
	if (fd >= 0)
		close(fd);
}

/* Any of them. */
static int take(unsigned *seed)
{
	int ret, i;

	pthread_mutex_lock(&lock);
	i = rand_r(seed) % pooled;
	ret = pool[i];
	pool[i] = pool[--pooled];
	pthread_mutex_unlock(&lock);
	return ret;
}

static void call(long number, int turn, unsigned *seed)
{
	int far;

	if (is("early")) {
		put(connect_far());
		sleep_ms(rest_ms(seed));
		far = take(seed);
		call_over(far, number, turn);
		put(far);
		return;
	}
	for (int again = 0; again <= is("retry"); again++) {
		sleep_ms(rest_ms(seed));
		far = connect_far();
		call_over(far, number, turn);
		close(far);
	}
}

static void say(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void serve_one(int fd, long number, unsigned *seed)
{
	int calls = how_many(seed);

	if (is("after"))
		answer(fd);
	for (int turn = 0; turn < calls; turn++) {
		call(number, turn, seed);
		if (!is("stream"))
			continue;
		if (turn == 0)
			say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
		say(fd, "c\r\ndata: news\n\n\r\n");
	}
	if (is("stream"))
		say(fd, "0\r\n\r\n");
	else if (!is("after"))
		answer(fd);
}

static void *serve(void *arg)
{
	int fd = (int)(long)arg;
	unsigned seed = (unsigned)(fd ^ time(NULL));
	char head[2048];

	while (read_message(fd, head, sizeof(head), 0))
		serve_one(fd, number_of(head), &seed);
	close(fd);
	return NULL;
}

static void *call_for_nobody(void *arg)
{
	int far = connect_far();

	for (int turn = 0; turn < 200; turn++) {
		call_over(far, 0, turn);
		sleep_ms(5);
	}
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int listener;

	if (argc < 3)
		return 1;
	style = argv[2];
	listener = listen_on(atoi(argv[1]), 0);
	if (is("background"))
		pthread_create(&thread, NULL, call_for_nobody, NULL);
	return serve_each(listener, serve);
}
