/*
 * The price service: one request at a time over blocking sockets. It asks the stock service for the
 * currency with libcurl.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t keep(char *data, size_t size, size_t n, void *text)
{
	char *currency = text;
	size_t room = 31 - strlen(currency), bytes = size * n;

	strncat(currency, data, bytes < room ? bytes : room);
	return bytes;
}

static void ask_currency(CURL *curl, char currency[32])
{
	char url[64];

	currency[0] = '\0';
	snprintf(url, sizeof(url), "http://127.0.0.1:%s/currency", getenv("STOCK_PORT"));
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, currency);
	if (curl_easy_perform(curl) != CURLE_OK)
		strcpy(currency, "pebbles");
}

static void answer(int fd, CURL *curl)
{
	char request[4096] = "", currency[32], body[64], response[256];
	size_t n = 0;
	int len;

	while (!strstr(request, "\r\n\r\n")) {
		ssize_t got = recv(fd, request + n, sizeof(request) - 1 - n, 0);

		if (got <= 0)
			return;
		n += (size_t)got;
		request[n] = '\0';
	}
	ask_currency(curl, currency);
	snprintf(body, sizeof(body), "7 %s\n", currency);
	len = snprintf(response, sizeof(response),
		       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
		       "Connection: close\r\n\r\n%s",
		       strlen(body), body);
	send(fd, response, (size_t)len, MSG_NOSIGNAL);
}

int main(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	CURL *curl = curl_easy_init();

	if (!curl || !getenv("PRICE_PORT") || !getenv("STOCK_PORT"))
		return 2;
	at.sin_port = htons((uint16_t)atoi(getenv("PRICE_PORT")));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 16) != 0) {
		perror("price");
		return 1;
	}
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			return 1;
		answer(fd, curl);
		close(fd);
	}
}
