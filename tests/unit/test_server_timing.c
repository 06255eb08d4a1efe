/* Server-Timing in responses, as a property: what the peer gets is what the program sent and whole lines of ours. */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/client_fixture.h"

static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
static const char timing[] = "Server-Timing: traceparent;desc=\"00-";
static const char expose[] = "Access-Control-Expose-Headers: Server-Timing\r\n";
enum { TIMING = sizeof(timing) - 1 + 52 + 3 };

static int fd, peer;

static void start(const char *setting)
{
	static char text[64];
	char *environment[] = { text, NULL };

	snprintf(text, sizeof(text), "REMORA_SERVER_TIMING=%s", setting);
	stub_start(environment);
}

static void open_server(void)
{
	struct rm_scope s;
	int pair[2];

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	fd = pair[0];
	peer = pair[1];
	sent_bytes = 0;
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, fd);
		rm_leave(&s);
	}
}

static void close_server(void)
{
	close_fd(fd);
	close(fd);
	close(peer);
	while (stub_span())
		;
}

/* Our lines in what was sent: 1 for the first, 2 for the second; without them *ret_n bytes are left in `ret`. */
static int take_lines(char *ret, size_t *ret_n)
{
	int found = 0;

	*ret_n = 0;
	for (size_t i = 0; i < sent_bytes;) {
		if (sent_bytes - i >= TIMING && memcmp(sent + i, timing, sizeof(timing) - 1) == 0 &&
		    memcmp(sent + i + TIMING - 3, "\"\r\n", 3) == 0) {
			i += TIMING;
			found |= 1;
		} else if (found & 1 && sent_bytes - i >= sizeof(expose) - 1 && memcmp(sent + i, expose, sizeof(expose) - 1) == 0) {
			i += sizeof(expose) - 1;
			found |= 2;
		} else {
			ret[(*ret_n)++] = sent[i++];
		}
	}
	return found;
}

/* What is added to the answer to `ask`, when one call sends it. -1: other bytes are not as they were. */
static int added_to(const char *ask, const char *answer)
{
	static char rest[sizeof(sent)];
	size_t n;
	int found;

	open_server();
	receive_text(fd, ask, strlen(ask));
	RM_CHECK(send_text(fd, answer, strlen(answer)) == (ssize_t)strlen(answer));
	found = take_lines(rest, &n);
	close_server();
	return n == strlen(answer) && memcmp(rest, answer, n) == 0 ? found : -1;
}

static int added(const char *answer)
{
	return added_to(request, answer);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"

RM_TEST("a response gets the line, whatever its status, and the second one where origins may read it")
{
	start("true");
	RM_CHECK(added(OK "\r\nhi") == 1);
	RM_CHECK(added("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n") == 1);
	RM_CHECK(added("HTTP/1.1 204 x\r\n\r\n") == 1);
	RM_CHECK(added_to("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", OK "\r\n") == 1);
	RM_CHECK(added(OK "Server-Timing: db;dur=5\r\n\r\nhi") == 1);
	RM_CHECK(added(OK "Access-Control-Allow-Origin: https://a\r\n\r\nhi") == 3);
	RM_CHECK(added(OK "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: X-A\r\n\r\nhi") == 3);
	RM_CHECK(added(OK "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: X-A\r\n"
			  "access-control-expose-headers: X-B, server-timing\r\n\r\nhi") == 1);
	RM_CHECK(added(OK "Timing-Allow-Origin: *\r\n\r\nhi") == 1);
}

RM_TEST("what is not to be changed, or only might be, stays as it is")
{
	char large[9000] = OK "X: ";

	RM_CHECK(added("HTTP/1.1 304 Not Modified\r\n\r\n") == 0);
	RM_CHECK(added("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello") == 0);
	RM_CHECK(added("HTTP/1.1 103 x\r\nLink: a\r\n\r\n" OK "\r\nhi") == 0);
	RM_CHECK(added("HTTP/1.0 200 OK\r\n\r\nhi") == 0);
	RM_CHECK(added("HTTP/1.1 200 OK\nContent-Length: 2\n\nhi") == 0);
	RM_CHECK(added("HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi") == 0);
	RM_CHECK(added(OK "Server-Timing: db, traceparent;desc=\"00-x\"\r\n\r\nhi") == 0);
	RM_CHECK(added_to("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n") == 0);
	RM_CHECK(added_to("\x16\x03\x01", OK "\r\nhi") == 0);
	memset(large + strlen(large), 'x', 8300);
	strcat(large, "\r\n\r\nhi");
	RM_CHECK(added(large) == 0);
	memset(large, 0, sizeof(large));
	strcpy(large, OK "X: ");
	memset(large + strlen(large), 'x', 3990);
	strcat(large, "\r\n\r\nhi");
	RM_CHECK(added(large) == 0);
	start("false");
	RM_CHECK(added(OK "\r\nhi") == 0);
}

RM_TEST("an interim response is left alone, and the final one behind it has the line")
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n", answer[] = OK "\r\nhi";
	static char rest[sizeof(sent)];
	size_t n;

	start("true");
	open_server();
	receive_text(fd, request, sizeof(request) - 1);
	send_text(fd, interim, sizeof(interim) - 1);
	RM_CHECK(sent_bytes == sizeof(interim) - 1);
	send_text(fd, answer, sizeof(answer) - 1);
	RM_CHECK(take_lines(rest, &n) == 1 && n == sizeof(interim) + sizeof(answer) - 2);
	close_server();
}

RM_TEST("a kernel that takes any part of any call, pieces of any size: nothing twice, nothing left out")
{
	static char body[3000], got[STREAM_MAX * 2], want[STREAM_MAX * 2];
	int spans = 0, lines = 0;

	memset(body, 'b', sizeof(body));
	refuse_percent = 20;
	short_percent = 60;
	for (int round = 0; round < 3000; round++) {
		size_t want_bytes = 0, n;
		int answers = 1 + (int)dice(3);

		open_server();
		for (int i = 0; i < answers; i++) {
			size_t bytes = dice(sizeof(body));
			char head[128];
			struct iovec iov[2] = {
				{ head, (size_t)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", bytes) },
				{ body, bytes },
			};
			size_t at = 0, all = iov[0].iov_len + bytes;

			memcpy(want + want_bytes, head, iov[0].iov_len);
			memcpy(want + want_bytes + iov[0].iov_len, body, bytes);
			receive_text(fd, request, sizeof(request) - 1);
			while (at < all) {
				size_t skip = at < iov[0].iov_len ? at : iov[0].iov_len;
				struct iovec rest[2] = {
					{ head + skip, iov[0].iov_len - skip },
					{ body + (at - skip), bytes - (at - skip) },
				};
				ssize_t took = hooked_send(fd, rest, 2);

				at += took > 0 ? (size_t)took : 0;
			}
			want_bytes += all;
		}
		lines += take_lines(got, &n);
		RM_CHECK(n == want_bytes && memcmp(got, want, n) == 0);
		for (int i = 0; i < answers; i++)
			spans += stub_span() != NULL;
		close_server();
		spans -= answers;
	}
	RM_CHECK(spans == 0 && lines > 2000);
	refuse_percent = short_percent = 0;
	RM_CHECK(all_freed());
}
