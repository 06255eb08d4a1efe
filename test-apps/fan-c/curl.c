/*
 * A thread for each connection, calls over HTTP/2 and TLS with libcurl: curl PORT STYLE
 *   own   each thread has a handle of its own
 *   lent  handles are taken off a stack of all threads, and given back
 */
#include <curl/curl.h>

#include "connections.h"

enum { HANDLES = 1024 };

static const char *style;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static CURL *idle[HANDLES];
static int idle_count;

static size_t drop(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

static CURL *handle(void)
{
	CURL *ret = curl_easy_init();

	curl_easy_setopt(ret, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(ret, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(ret, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(ret, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(ret, CURLOPT_NOSIGNAL, 1L);
	return ret;
}

static void aim(CURL *at, long number, int turn)
{
	char url[128];

	snprintf(url, sizeof(url), "%s/call/%ld/%d", getenv("FAR"), number, turn);
	curl_easy_setopt(at, CURLOPT_URL, url);
}

static void call(CURL *by, long number, int turn)
{
	aim(by, number, turn);
	if (curl_easy_perform(by) != CURLE_OK)
		exit(1);
}

static CURL *borrow(void)
{
	CURL *ret = NULL;

	pthread_mutex_lock(&lock);
	if (idle_count)
		ret = idle[--idle_count];
	pthread_mutex_unlock(&lock);
	return ret ? ret : handle();
}

static void give_back(CURL *h)
{
	pthread_mutex_lock(&lock);
	idle[idle_count++ % HANDLES] = h;
	pthread_mutex_unlock(&lock);
}

static void fan_out(long number, unsigned *seed, void **mine)
{
	int count = how_many(seed);

	sleep_ms(rest_ms(seed));
	for (int i = 0; i < count; i++) {
		CURL *by = *mine;

		if (strcmp(style, "lent") == 0)
			by = borrow();
		else if (!by)
			by = *mine = handle();
		call(by, number, i);
		if (!*mine)
			give_back(by);
		sleep_ms(rest_ms(seed));
	}
}

static void end(void *mine)
{
	curl_easy_cleanup(mine);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 1;
	style = argv[2];
	curl_global_init(CURL_GLOBAL_ALL);
	return serve_all(atoi(argv[1]));
}
