/*
 * Calls in streams of one HTTP/2 connection that all threads share (nghttp2). Whoever comes first writes for all, and one of
 * those who wait reads for all: joint PORT STYLE
 *   all   a thread for each connection
 *   one   one thread for all connections, one after the other; others make calls for nobody, from the first
 *         request on
 */
#include <nghttp2/nghttp2.h>

#include "connections.h"

struct call {
	int done;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static nghttp2_session *session;
static int far = -1, writing, reading;

static int closed(nghttp2_session *s, int32_t stream, uint32_t error, void *arg)
{
	struct call *c = nghttp2_session_get_stream_user_data(s, stream);

	(void)arg;
	if (error || !c)
		exit(1);
	c->done = 1;
	return 0;
}

static void begin(void)
{
	nghttp2_session_callbacks *callbacks;

	far = connect_far();
	pthread_cond_broadcast(&news);
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, closed);
	nghttp2_session_client_new(&session, callbacks, NULL);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
}

/* With the lock, which is not held while the kernel is at work. */
static void write_all(void)
{
	const uint8_t *p;
	ssize_t n;

	if (writing)
		return;
	writing = 1;
	while ((n = nghttp2_session_mem_send(session, &p)) > 0) {
		pthread_mutex_unlock(&lock);
		if (send(far, p, (size_t)n, MSG_NOSIGNAL) != n)
			exit(1);
		pthread_mutex_lock(&lock);
	}
	writing = 0;
}

static void read_some(void)
{
	uint8_t room[16384];
	ssize_t n;

	reading = 1;
	pthread_mutex_unlock(&lock);
	n = recv(far, room, sizeof(room), 0);
	pthread_mutex_lock(&lock);
	reading = 0;
	if (n <= 0 || nghttp2_session_mem_recv(session, room, (size_t)n) != n)
		exit(1);
	pthread_cond_broadcast(&news);
}

static void call(long number, int turn)
{
	char path[64];
	int n = snprintf(path, sizeof(path), "/call/%ld/%d", number, turn);
	nghttp2_nv head[] = {
		{ (uint8_t *)":method", (uint8_t *)"GET", 7, 3, 0 },
		{ (uint8_t *)":scheme", (uint8_t *)"http", 7, 4, 0 },
		{ (uint8_t *)":authority", (uint8_t *)"far", 10, 3, 0 },
		{ (uint8_t *)":path", (uint8_t *)path, 5, (size_t)n, NGHTTP2_NV_FLAG_NO_INDEX },
	};
	struct call c = { 0 };

	pthread_mutex_lock(&lock);
	if (far < 0)
		begin();
	if (nghttp2_submit_request(session, NULL, head, 4, NULL, &c) < 0)
		exit(1);
	while (!c.done) {
		write_all();
		if (c.done)
			break;
		if (reading)
			pthread_cond_wait(&news, &lock);
		else
			read_some();
	}
	pthread_mutex_unlock(&lock);
}

static void fan_out(long number, unsigned *seed, void **mine)
{
	(void)mine;
	for (int i = 0, count = how_many(seed); i < count; i++) {
		sleep_ms(rest_ms(seed));
		call(number, i);
	}
}

static void end(void *mine)
{
	(void)mine;
}

static void *call_for_nobody(void *arg)
{
	unsigned seed = (unsigned)(long)arg;

	pthread_mutex_lock(&lock);
	while (far < 0)
		pthread_cond_wait(&news, &lock);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < 100; i++) {
		call(0, 0);
		sleep_ms(rest_ms(&seed));
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int listener, one = argc > 2 && strcmp(argv[2], "one") == 0;
	pthread_t thread;

	if (argc < 3)
		return 1;
	if (!one)
		return serve_all(atoi(argv[1]));
	for (long i = 1; i <= 3; i++)
		pthread_create(&thread, NULL, call_for_nobody, (void *)i);
	listener = listen_on(atoi(argv[1]), 0);
	for (;;)
		serve((void *)(long)accept(listener, NULL, NULL));
}
