/*
 * A blocking HTTP/1.1 server that answers one request after the other. /call fetches $BACKEND/hello
 * twice with libcurl and answers with what it got.
 *
 *   main PORT
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
	strncat(text, data, size * n < 64 ? size * n : 64);
	return size * n;
}

static void answer(int fd, CURL *curl)
{
	char request[16384] = "", body[256] = "hello\n", response[512];
	size_t n = 0;
	int len;

	while (!strstr(request, "\r\n\r\n")) {
		ssize_t got = n < sizeof(request) - 1 ? read(fd, request + n, sizeof(request) - 1 - n) : 0;

		if (got <= 0)
			return;
		n += (size_t)got;
		request[n] = '\0';
	}
	if (strncmp(request, "GET /call", 9) == 0) {
		body[0] = '\0';
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
		curl_easy_perform(curl);
		curl_easy_perform(curl);
	}
	len = snprintf(response, sizeof(response), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
		       "Connection: close\r\n\r\n%s", strlen(body), body);
	send(fd, response, (size_t)len, MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	CURL *curl = curl_easy_init();
	char url[256];

	if (argc < 2 || !curl)
		return 2;
	snprintf(url, sizeof(url), "%s/hello", getenv("BACKEND") ? getenv("BACKEND") : "");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 16) != 0) {
		perror("listen");
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
