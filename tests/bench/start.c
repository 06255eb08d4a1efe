/* A program of a millisecond: one HTTP exchange with itself over TCP, as client and as server. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "GET /start HTTP/1.1\r\nHost: self\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

int main(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), server;
	char room[1024];

	if (bind(listener, (struct sockaddr *)&at, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&at, &len) || connect(client, (struct sockaddr *)&at, len))
		return 1;
	server = accept(listener, NULL, NULL);
	if (send(client, request, sizeof(request) - 1, 0) < 0 || recv(server, room, sizeof(room), 0) <= 0 ||
	    send(server, answer, sizeof(answer) - 1, 0) < 0 || recv(client, room, sizeof(room), 0) <= 0)
		return 1;
	close(server);
	close(client);
	return 0;
}
