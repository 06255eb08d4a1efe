/*
 * main URL COUNT...: fetches it COUNT times at once, for each COUNT, each in a stream of one HTTP/2 connection: of libcurl,
 * with whatever library that has for TLS.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CURL *fetch(const char *url)
{
	CURL *easy = curl_easy_init();
	long version = strncmp(url, "http:", 5) == 0 ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_2_0;

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	return easy;
}

/* Returns how many failed. */
static int fetch_at_once(CURLM *multi, const char *url, int count)
{
	int running = 1, failed = 0, waiting;
	CURLMsg *message;

	for (; count > 0; count--)
		curl_multi_add_handle(multi, fetch(url));
	while (running) {
		curl_multi_perform(multi, &running);
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
		while ((message = curl_multi_info_read(multi, &waiting)) != NULL) {
			CURL *easy = message->easy_handle;

			if (message->data.result)
				fprintf(stderr, "%s\n", curl_easy_strerror(message->data.result));
			failed += message->data.result != CURLE_OK;
			curl_multi_remove_handle(multi, easy);
			curl_easy_cleanup(easy);
		}
	}
	return failed;
}

int main(int argc, char **argv)
{
	CURLM *multi = curl_multi_init();
	int failed = 0;

	curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
	for (int i = 2; i < argc; i++)
		failed += fetch_at_once(multi, argv[1], atoi(argv[i]));
	return failed != 0;
}
