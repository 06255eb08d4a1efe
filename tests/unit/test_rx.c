/*
 * What a server reads, as a property: the peer's bytes, with at most one header line of ours before
 * the empty line of each head, whatever the sizes of its buffers and of the peer's segments; and
 * a read is short only when the socket had no more.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/hookapi.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

static unsigned random_state = 5;

static unsigned dice(unsigned sides)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % sides;
}

/* readv as a hook makes it. */
static ssize_t hooked_readv(int fd, const struct iovec *iov, int count)
{
	struct iovec less[4];
	struct rm_rx rx;
	size_t room = 0, cut;
	ssize_t n;

	for (int i = 0; i < count; i++)
		room += iov[i].iov_len;
	rm_rx_begin(&rx, fd, room, 0);
	if (!rx.watch)
		return readv(fd, iov, count);
	memcpy(less, iov, sizeof(*iov) * (size_t)count);
	cut = rx.reserve;
	for (int i = count; cut && i-- > 0;) {
		size_t here = less[i].iov_len < cut ? less[i].iov_len : cut;

		less[i].iov_len -= here;
		cut -= here;
	}
	n = readv(fd, less, count);
	return rm_rx_done(&rx, iov, count, n);
}

__attribute__((noinline)) static size_t make_stream(char *out, int requests, bool with_header)
{
	size_t n = 0;

	for (int i = 0; i < requests; i++) {
		unsigned body = dice(3) ? 0 : dice(600);

		n += (size_t)sprintf(out + n, "POST /%0*u HTTP/1.1\r\nHost: h\r\n", 1 + (int)dice(300), dice(9));
		if (with_header)
			n += (size_t)sprintf(out + n, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-"
						      "b7ad6b7169203331-01\r\n");
		n += (size_t)sprintf(out + n, "Content-Length: %u\r\n\r\n", body);
		memset(out + n, 'b', body);
		n += body;
	}
	return n;
}

/* Takes lines of ours out (trace ids other than the peer's). */
static size_t without_lines(const char *in, size_t bytes, char *ret, int *ret_lines)
{
	static const char name[] = "traceparent: 00-";
	size_t n = 0;

	*ret_lines = 0;
	for (size_t i = 0; i < bytes;) {
		if (i >= 2 && in[i - 1] == '\n' && bytes - i >= 70 && memcmp(in + i, name, sizeof(name) - 1) == 0 &&
		    memcmp(in + i + 68, "\r\n", 2) == 0) {
			i += 70;
			++*ret_lines;
			continue;
		}
		ret[n++] = in[i++];
	}
	return n;
}

struct conversation {
	int peer, fd;
	char got[64 * 1024];
	size_t got_bytes;
};

static void open_pair(struct conversation *c)
{
	struct rm_scope s;
	int fds[2];

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	c->peer = fds[0];
	c->fd = fds[1];
	c->got_bytes = 0;
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, c->fd);
		rm_leave(&s);
	}
}

static void close_pair(struct conversation *c)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_close(&s, c->fd);
		rm_leave(&s);
	}
	close(c->fd);
	close(c->peer);
}

/* Reads until the socket says it has no more, as an edge-triggered program does. */
static void drain(struct conversation *c, unsigned room)
{
	for (;;) {
		size_t a = 1 + dice(room), b = dice(3) ? 0 : 1 + dice(room);
		struct iovec iov[2] = { { c->got + c->got_bytes, a }, { c->got + c->got_bytes + a, b } };
		ssize_t n = hooked_readv(c->fd, iov, b ? 2 : 1);
		int left = 0;

		if (n <= 0)
			return;
		c->got_bytes += (size_t)n;
		if ((size_t)n < a + b) {
			RM_CHECK(ioctl(c->fd, FIONREAD, &left) == 0 && left == 0);
			return;
		}
	}
}

static void run(int rounds, unsigned room, unsigned segment, bool with_header, int *ret_lines)
{
	static char stream[32 * 1024], plain[64 * 1024];
	static struct conversation c;

	*ret_lines = 0;
	for (int i = 0; i < rounds; i++) {
		size_t n = make_stream(stream, 1 + (int)dice(6), with_header), at = 0;
		int lines;

		open_pair(&c);
		while (at < n) {
			size_t len = 1 + dice(segment);

			len = len < n - at ? len : n - at;
			RM_CHECK(write(c.peer, stream + at, len) == (ssize_t)len);
			at += len;
			drain(&c, room);
		}
		close_pair(&c);
		if (with_header) {
			RM_CHECK(c.got_bytes == n);
		} else {
			RM_CHECK(without_lines(c.got, c.got_bytes, plain, &lines) == n);
			RM_CHECK(memcmp(plain, stream, n) == 0);
			*ret_lines += lines;
		}
		while (stub_span())
			;
	}
}

RM_TEST("a server with ordinary buffers reads one line of ours per head")
{
	char *none[] = { NULL };
	int lines;

	stub_start(none);
	run(1, 8000, 20000, false, &lines);
	RM_CHECK(lines >= 1);
}

RM_TEST("any buffer sizes and segments give the peer's bytes plus whole lines")
{
	int lines;

	run(600, 4000, 5000, false, &lines);
	RM_CHECK(lines > 600);
	run(600, 700, 300, false, &lines);
	RM_CHECK(lines > 100);
	run(200, 300, 3000, false, &lines);
}

RM_TEST("buffers of a few bytes are left alone entirely")
{
	int lines;

	run(100, 3, 2000, false, &lines);
	RM_CHECK(lines == 0);
	run(100, 100, 1, false, &lines);
	RM_CHECK(lines == 0);
}

RM_TEST("a head that has a traceparent keeps its length, whole or split")
{
	int lines;

	run(500, 4000, 20, true, &lines);
	run(500, 4000, 9000, true, &lines);
}

RM_TEST("a program that peeks reads what it peeked")
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	struct conversation *c = calloc(1, sizeof(*c));
	struct iovec iov = { c->got, 4096 };
	struct rm_rx rx;
	char looked[4096];
	ssize_t n;

	open_pair(c);
	RM_CHECK(write(c->peer, head, sizeof(head) - 1) > 0);
	rm_rx_begin(&rx, c->fd, sizeof(looked), MSG_PEEK);
	RM_CHECK(!rx.watch);
	n = recv(c->fd, looked, sizeof(looked), MSG_PEEK);
	RM_CHECK(hooked_readv(c->fd, &iov, 1) == n && memcmp(looked, c->got, (size_t)n) == 0);
	close_pair(c);
	free(c);
}

RM_TEST("the span that the program reads is the one reported, with the peer's trace and parent")
{
	static const char head[] = "GET /a?x=1 HTTP/1.1\r\nHost: h\r\ntraceparent: "
				   "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct conversation *c = calloc(1, sizeof(*c));
	struct iovec in = { c->got, 4096 }, out = { (void *)answer, sizeof(answer) - 1 };
	const struct rm_span *span;
	struct rm_spanctx seen;
	struct rm_tx tx;
	char *value;

	while (stub_span())
		;
	open_pair(c);
	RM_CHECK(write(c->peer, head, sizeof(head) - 1) > 0);
	c->got[hooked_readv(c->fd, &in, 1)] = '\0';
	value = strstr(c->got, "traceparent: ");
	RM_CHECK(value && rm_traceparent_parse((struct rm_str){ value + 13, 55 }, &seen));
	RM_CHECK(rm_tx_begin(&tx, c->fd, &out, 1) == RM_TX_DONE);
	rm_tx_done(&tx, (ssize_t)sizeof(answer) - 1);
	span = stub_span();
	RM_CHECK(span && memcmp(span->span_id, seen.span_id, 8) == 0);
	RM_CHECK(span && span->parent_id[0] == 0xb7 && span->trace_id[0] == 0x0a && span->kind == RM_KIND_SERVER);
	RM_CHECK(!stub_span());
	close_pair(c);
	free(c);
}

RM_TEST("each of several requests of one read is read with the span that is reported for it")
{
	static const char heads[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n";
	static const char answers[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct conversation *c = calloc(1, sizeof(*c));
	struct iovec in = { c->got, 4096 }, out = { (void *)answers, sizeof(answers) - 1 };
	struct rm_spanctx seen[2];
	struct rm_tx tx;
	char *at = c->got;

	while (stub_span())
		;
	open_pair(c);
	RM_CHECK(write(c->peer, heads, sizeof(heads) - 1) > 0);
	c->got[hooked_readv(c->fd, &in, 1)] = '\0';
	for (int i = 0; i < 2; i++) {
		at = strstr(at, "traceparent: ") + 13;
		RM_CHECK(rm_traceparent_parse((struct rm_str){ at, 55 }, &seen[i]));
	}
	RM_CHECK(rm_tx_begin(&tx, c->fd, &out, 1) == RM_TX_DONE);
	rm_tx_done(&tx, (ssize_t)sizeof(answers) - 1);
	for (int i = 0; i < 2; i++) {
		const struct rm_span *span = stub_span();

		RM_CHECK(span && memcmp(span->span_id, seen[i].span_id, 8) == 0);
	}
	close_pair(c);
	free(c);
}

RM_TEST("a body that the program never reads into memory is passed over, and the next head seen")
{
	static const char head[] = "POST /first HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";
	static const char next[] = "GET /second HTTP/1.1\r\nHost: h\r\n\r\n";
	struct conversation *c = calloc(1, sizeof(*c));
	struct iovec in = { c->got, 4096 };
	struct rm_rx rx;

	open_pair(c);
	RM_CHECK(write(c->peer, head, sizeof(head) - 1) > 0 && hooked_readv(c->fd, &in, 1) > 0);
	RM_CHECK(write(c->peer, "ab", 2) == 2 && read(c->fd, c->got, 2) == 2);
	rm_rx_opaque(c->fd, 2);
	RM_CHECK(write(c->peer, "cde", 3) == 3 && read(c->fd, c->got, 3) == 3);
	rm_rx_begin(&rx, c->fd, 3, MSG_TRUNC);
	RM_CHECK(rx.watch && rm_rx_done(&rx, &(struct iovec){ NULL, 3 }, 1, 3) == 3);
	RM_CHECK(write(c->peer, next, sizeof(next) - 1) > 0);
	RM_CHECK(hooked_readv(c->fd, &in, 1) > (ssize_t)sizeof(next) - 1);
	RM_CHECK(memmem(c->got, 4096, "\r\ntraceparent: ", 15) != NULL);
	close_pair(c);
	free(c);
}

RM_TEST("a head that the program never reads into memory ends the watch")
{
	struct conversation *c = calloc(1, sizeof(*c));
	struct rm_rx rx;

	open_pair(c);
	rm_rx_opaque(c->fd, 100);
	rm_rx_begin(&rx, c->fd, 4096, 0);
	RM_CHECK(!rx.watch);
	close_pair(c);
	free(c);
}

/* ---- what was less room must not show ---- */

static ssize_t begin_short(struct rm_rx *rx, struct conversation *c, size_t room)
{
	rm_rx_begin(rx, c->fd, room, RM_RX_PLAIN);
	RM_CHECK(rx->watch && rx->reserve > 0);
	return read(c->fd, c->got, room - rx->reserve);
}

RM_TEST("a descriptor that turns out to be no socket is none of ours any more")
{
	struct conversation *c = calloc(1, sizeof(*c));
	struct rm_rx rx;

	open_pair(c);
	rm_rx_begin(&rx, c->fd, 4096, RM_RX_PLAIN);
	RM_CHECK(rx.watch && rx.reserve > 0 && rm_fd_tracked(c->fd));
	rm_rx_no_socket(&rx);
	RM_CHECK(!rm_fd_tracked(c->fd));
	close_pair(c);
	free(c);
}

RM_TEST("a read is full where there was more, also when the connection is left alone meanwhile")
{
	static char bytes[3000];
	struct conversation *c = calloc(1, sizeof(*c));
	struct iovec iov = { c->got, 2000 };
	struct rm_rx rx;
	ssize_t n;

	open_pair(c);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	RM_CHECK(write(c->peer, bytes, sizeof(bytes)) == sizeof(bytes));
	n = begin_short(&rx, c, 2000);
	rm_rx_opaque(c->fd, 1); /* where a head should be: left alone */
	RM_CHECK(rm_rx_done(&rx, &iov, 1, n) == 2000 && memcmp(c->got, bytes, 2000) == 0);
	close_pair(c);
	free(c);
}

static void close_now(int fd)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_close(&s, fd);
		rm_leave(&s);
	}
	close(fd);
}

/* A read that was cut short, whose connection another thread closed before it was topped up. */
static void check_closed(struct conversation *c, bool muted, int (*reopen)(void))
{
	static char bytes[3000];
	struct iovec iov = { c->got, 2000 };
	struct rm_rx rx;
	int fd, waiting = 0, still = 0;
	ssize_t n;

	open_pair(c);
	RM_CHECK(write(c->peer, bytes, sizeof(bytes)) == sizeof(bytes));
	rm_rx_begin(&rx, c->fd, 2000, 0);
	n = recv(c->fd, c->got, 2000 - rx.reserve, 0);
	RM_CHECK(rx.watch && rx.reserve > 0 && n > 0);
	if (muted)
		rm_rx_opaque(c->fd, 1); /* where a head should be: left alone */
	close_now(c->fd);
	fd = reopen();
	RM_CHECK(fd == c->fd && ioctl(fd, FIONREAD, &waiting) == 0 && waiting > 0);
	RM_CHECK(rm_rx_done(&rx, &iov, 1, n) == n);
	RM_CHECK(ioctl(fd, FIONREAD, &still) == 0 && still == waiting);
	close(fd);
	close(c->peer);
}

static int open_file(void)
{
	return open("/proc/self/exe", O_RDONLY);
}

/* A socket of the program that is none of ours. */
static int open_datagrams(void)
{
	int fds[2];

	RM_CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0 && write(fds[1], "abc", 3) == 3);
	close(fds[1]);
	return fds[0];
}

RM_TEST("what took over the number of a connection that was closed meanwhile is not read from")
{
	struct conversation *c = calloc(1, sizeof(*c));

	check_closed(c, false, open_file);
	check_closed(c, false, open_datagrams);
	check_closed(c, true, open_datagrams);
	free(c);
}

RM_TEST("a signal handler in the middle of our work reads its own bytes, all of them, and is a gap")
{
	struct conversation *c = calloc(1, sizeof(*c));
	struct iovec iov = { c->got, 4096 };
	struct rm_scope s;
	struct rm_rx rx;

	open_pair(c);
	RM_CHECK(rm_enter(&s));
	rm_rx_begin(&rx, c->fd, 4096, 0);
	RM_CHECK(!rx.watch);
	rm_leave(&s);
	rm_rx_begin(&rx, c->fd, 4096, 0);
	c->got[0] = 'G';
	RM_CHECK(rx.watch && rm_rx_done(&rx, &iov, 1, 1) == 1);
	rm_rx_begin(&rx, c->fd, 4096, 0);
	RM_CHECK(!rx.watch);
	close_pair(c);
	free(c);
}

static void accept_now(int fd)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, fd);
		rm_leave(&s);
	}
}

RM_TEST("packets are not cut: only streams are looked at")
{
	struct rm_rx rx;
	int fds[2];

	RM_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
	accept_now(fds[1]);
	rm_rx_begin(&rx, fds[1], 4096, 0);
	RM_CHECK(!rx.watch && !rm_fd_tracked(fds[1]));
	close(fds[0]);
	close(fds[1]);
}

/* The connection ends by a close that nobody saw, and a file gets its number. */
static void becomes_file(struct conversation *c, const char *text, size_t n)
{
	char path[] = "/tmp/remora-test-XXXXXX";
	int fd = mkstemp(path);

	RM_CHECK(fd >= 0 && write(fd, text, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
	unlink(path);
	RM_CHECK(dup2(fd, c->fd) == c->fd);
	close(fd);
}

RM_TEST("a file that got the number of a connection is read unchanged")
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	struct conversation *c = calloc(1, sizeof(*c));
	struct iovec iov = { c->got, 4096 };
	struct rm_rx rx;
	ssize_t n;

	open_pair(c);
	becomes_file(c, text, sizeof(text) - 1);
	n = begin_short(&rx, c, 4096);
	RM_CHECK(rm_rx_done(&rx, &iov, 1, n) == sizeof(text) - 1);
	RM_CHECK(memcmp(c->got, text, sizeof(text) - 1) == 0);
	rm_rx_begin(&rx, c->fd, 4096, 0);
	RM_CHECK(!rx.watch);
	close_pair(c);
	free(c);
}

RM_TEST("a file that got the number of a connection is read to the end of the buffer")
{
	static char text[8192];
	struct conversation *c = calloc(1, sizeof(*c));
	struct iovec iov = { c->got, 4096 };
	struct rm_rx rx;
	ssize_t n;

	memset(text, 'G', sizeof(text));
	open_pair(c);
	becomes_file(c, text, sizeof(text));
	n = begin_short(&rx, c, 4096);
	RM_CHECK(rm_rx_done(&rx, &iov, 1, n) == 4096 && memcmp(c->got, text, 4096) == 0);
	close_pair(c);
	free(c);
}

RM_TEST("bytes read under a number that another connection has by now are not its bytes")
{
	static const char head[] = "GET /first HTTP/1.1\r\nHost: h\r\n\r\n";
	struct conversation *c = calloc(1, sizeof(*c)), *other = calloc(1, sizeof(*other));
	struct iovec iov = { c->got, 4096 };
	struct rm_scope s;
	struct rm_rx rx;

	open_pair(c);
	open_pair(other); /* takes the memory that the next one would get */
	rm_rx_begin(&rx, c->fd, 4096, 0);
	if (rm_enter(&s)) {
		rm_fd_close(&s, c->fd);
		rm_fd_dup(&s, other->fd, c->fd);
		rm_leave(&s);
	}
	memcpy(c->got, head, sizeof(head) - 1);
	RM_CHECK(rm_rx_done(&rx, &iov, 1, sizeof(head) - 1) == sizeof(head) - 1);
	RM_CHECK(rm_exchange_live() == 0);
	close_pair(c);
	close_pair(other);
	free(c);
	free(other);
}

RM_TEST("nothing is kept of what was closed")
{
	RM_CHECK(rm_conn_live() == 0 && rm_exchange_live() == 0 && rm_text_live() == 0);
}
