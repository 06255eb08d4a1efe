/*
 * Edge-triggered programs that ask how much waits (FIONREAD) and count down what they read: none of them
 * may go to sleep over bytes, or an end, that are there already, because of what we put in.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/hookapi.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

enum { STREAM_MAX = 40000, ROOM = 20000 };

static unsigned random_state = 1;
static char stream[STREAM_MAX], got[2 * STREAM_MAX];
static size_t stream_bytes, got_bytes;
static int fd, peer;

static unsigned dice(unsigned sides)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % sides;
}

static ssize_t hooked_recv(char *p, size_t room)
{
	struct iovec iov = { p, room };
	struct rm_rx rx;

	rm_rx_begin(&rx, fd, room, 0);
	return rx.watch ? rm_rx_done(&rx, &iov, 1, recv(fd, p, room - rx.reserve, 0)) : recv(fd, p, room, 0);
}

/* A request with a head and a body of some size, perhaps another one behind it. */
static void write_stream(unsigned head_max, unsigned body_max)
{
	stream_bytes = 0;
	for (unsigned i = 1 + !dice(4); i > 0; i--) {
		unsigned value = 1 + dice(head_max), body = dice(body_max);

		stream_bytes += (size_t)sprintf(stream + stream_bytes,
						"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %u\r\nX: ", body);
		memset(stream + stream_bytes, 'x', value);
		stream_bytes += value;
		memcpy(stream + stream_bytes, "\r\n\r\n", 4);
		memset(stream + stream_bytes + 4, 'b', body);
		stream_bytes += 4 + body;
	}
}

static void open_pair(bool ends)
{
	struct rm_scope s;
	int pair[2], room = 1 << 20;

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	fd = pair[0];
	peer = pair[1];
	got_bytes = 0;
	setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, fd);
		rm_leave(&s);
	}
	RM_CHECK(write(peer, stream, stream_bytes) == (ssize_t)stream_bytes);
	if (ends)
		shutdown(peer, SHUT_WR);
}

static void close_pair(void)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_close(&s, fd);
		rm_leave(&s);
	}
	close(fd);
	close(peer);
	while (stub_span())
		;
}

static int waits(void)
{
	int n = 0;

	RM_CHECK(ioctl(fd, FIONREAD, &n) == 0);
	return n;
}

/* Takes our lines out of what was read; counts them. True when the rest is what was sent. */
static bool is_stream(int *lines)
{
	size_t n = 0;

	for (size_t i = 0; i < got_bytes;) {
		if (got_bytes - i >= 70 && memcmp(got + i, "traceparent: 00-", 16) == 0) {
			i += 70;
			++*lines;
			continue;
		}
		got[n++] = got[i++];
	}
	return n == stream_bytes && memcmp(got, stream, n) == 0;
}

/* One event of a loop that keeps a count as nginx does. `ends`: the event said that the stream has ended. */
static bool count_down(bool ends)
{
	static char bytes[ROOM];
	int available = -1;

	for (size_t size = 1024; available != 0 || ends; size = dice(3) ? 8192 : 1 + dice(ROOM)) {
		ssize_t n = hooked_recv(bytes, size);

		if (n <= 0)
			return n == 0;
		memcpy(got + got_bytes, bytes, (size_t)n);
		got_bytes += (size_t)n;
		if (available >= 0) {
			available -= (int)n;
			if (available < 0)
				return false; /* more came meanwhile, and an event with it */
		} else if ((size_t)n == size) {
			available = waits();
		}
		if ((size_t)n < size) {
			available = 0;
			if (!ends)
				return false;
		}
	}
	return false;
}

static void run(int rounds, unsigned head_max, unsigned body_max, int *ret_lines)
{
	*ret_lines = 0;
	for (int i = 0; i < rounds; i++) {
		bool ends = dice(2), saw_end;

		write_stream(head_max, body_max);
		open_pair(ends);
		saw_end = count_down(ends);
		RM_CHECK(waits() == 0 && saw_end == ends);
		RM_CHECK(is_stream(ret_lines));
		close_pair();
	}
}

RM_TEST("a loop that counts down what waits finds all bytes and the end")
{
	char *none[] = { NULL };
	int lines;

	stub_start(none);
	run(2000, 800, 100, &lines);
	RM_CHECK(lines > 1500);
	run(3000, 5000, 5000, &lines);
	RM_CHECK(lines > 500);
	run(3000, 3000, 12000, &lines);
	RM_CHECK(lines > 100);
}

RM_TEST("a read of just as many bytes as wait gives them all")
{
	for (int i = 0; i < 2000; i++) {
		int lines = 0;
		ssize_t n;

		write_stream(800, 3000);
		open_pair(false);
		n = hooked_recv(got, (size_t)waits());
		got_bytes = n > 0 ? (size_t)n : 0;
		RM_CHECK(waits() == 0 && is_stream(&lines) && lines == 0);
		close_pair();
	}
}

RM_TEST("a short read stays short, however many heads were in it")
{
	for (int heads = 1; heads < 8; heads++)
		for (size_t more = 73; more < 400; more++) {
			stream_bytes = 0;
			for (int i = 0; i < heads; i++)
				stream_bytes += (size_t)sprintf(stream + stream_bytes, "GET /%0100d HTTP/1.1\r\nHost: h\r\n\r\n", i);
			open_pair(false);
			RM_CHECK(hooked_recv(got, stream_bytes + more) < (ssize_t)(stream_bytes + more));
			close_pair();
		}
}
