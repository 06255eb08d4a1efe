/*
 * Fetches a URL some times with libcurl over one connection, prints the bodies.
 *
 *   main URL [COUNT]
 *
 * CA_FILE in the environment names the certificates to trust.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 1;
	CURL *curl = curl_easy_init();
	CURLcode code = CURLE_OK;

	if (argc < 2 || !curl)
		return 2;
	curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
	if (getenv("CA_FILE"))
		curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("CA_FILE"));
	while (code == CURLE_OK && count-- > 0)
		code = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	return code == CURLE_OK ? 0 : 1;
}
