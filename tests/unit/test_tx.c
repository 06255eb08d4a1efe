/*
 * The rewrite of outgoing bytes as a property: whatever the program sends, cut and retried as
 * sockets make programs do, and whatever part of each call the kernel takes, the peer receives the
 * program's bytes plus whole header lines before the empty line of each head, and nothing else.
 */
#include <errno.h>
#include <netinet/in.h>

#include "agent/hookapi.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

enum { STREAM_MAX = 64 * 1024 };

static char sent[STREAM_MAX * 2]; /* what the kernel took */
static size_t sent_bytes;
static unsigned random_state = 1;
static int refuse_percent, short_percent;

static unsigned dice(unsigned sides)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % sides;
}

/* A kernel that takes all, some or nothing of a call. */
static ssize_t fake_sendmsg(int fd, const struct msghdr *m, int flags)
{
	size_t want = 0, take;

	(void)fd, (void)flags;
	for (size_t i = 0; i < m->msg_iovlen; i++)
		want += m->msg_iov[i].iov_len;
	if ((int)dice(100) < refuse_percent) {
		errno = EAGAIN;
		return -1;
	}
	take = (int)dice(100) < short_percent ? 1 + dice((unsigned)want) : want;
	for (size_t i = 0, left = take; i < m->msg_iovlen && left; i++) {
		size_t n = m->msg_iov[i].iov_len < left ? m->msg_iov[i].iov_len : left;

		memcpy(sent + sent_bytes, m->msg_iov[i].iov_base, n);
		sent_bytes += n;
		left -= n;
	}
	return (ssize_t)take;
}

/* One send call as a hook makes it. */
static ssize_t hooked_send(int fd, const struct iovec *iov, int count)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count };
	struct rm_tx tx;
	ssize_t n;

	switch (rm_tx_begin(&tx, fd, iov, count)) {
	case RM_TX_PASS:
		return fake_sendmsg(fd, &m, 0);
	case RM_TX_EDIT:
		n = rm_tx_edit(&tx, NULL, 0, fake_sendmsg);
		return n == RM_TX_STALE ? fake_sendmsg(fd, &m, 0) : n;
	default:
		n = fake_sendmsg(fd, &m, 0);
		rm_tx_done(&tx, n);
		return n;
	}
}

static void open_client(int fd)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	rm_fd_socket(&s, fd, AF_INET, SOCK_STREAM);
	rm_fd_connect(&s, fd, (struct sockaddr *)&to, sizeof(to), 0, 0);
	rm_leave(&s);
}

static void close_fd(int fd)
{
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	rm_fd_close(&s, fd);
	rm_leave(&s);
}

/* A program that sends `n` bytes in random pieces of at most `piece`, repeating what was not taken. */
static void send_all(int fd, const char *p, size_t n, unsigned piece)
{
	while (n > 0) {
		struct iovec iov[4];
		size_t offered = 0;
		int count = 0;
		ssize_t took;

		while (count < 1 + (int)dice(4) && offered < n) {
			size_t len = 1 + dice(piece);

			len = len < n - offered ? len : n - offered;
			iov[count++] = (struct iovec){ (char *)p + offered, len };
			offered += len;
		}
		took = hooked_send(fd, iov, count);
		RM_CHECK(took <= (ssize_t)offered && took != 0);
		if (took < 0)
			RM_CHECK(errno == EAGAIN);
		if (took > 0) {
			p += took;
			n -= (size_t)took;
		}
	}
}

/* Takes our lines out of what was sent; counts them. */
static size_t without_lines(char *ret, int *ret_lines)
{
	static const char name[] = "traceparent: 00-";
	size_t n = 0;

	*ret_lines = 0;
	for (size_t i = 0; i < sent_bytes;) {
		bool at_line = i >= 2 && sent[i - 1] == '\n';

		if (at_line && sent_bytes - i >= 70 && memcmp(sent + i, name, sizeof(name) - 1) == 0 &&
		    memcmp(sent + i + 68, "\r\n", 2) == 0) {
			i += 70;
			++*ret_lines;
			continue;
		}
		ret[n++] = sent[i++];
	}
	return n;
}

__attribute__((noinline)) static size_t make_stream(char *out, int requests)
{
	size_t n = 0;

	for (int i = 0; i < requests; i++) {
		unsigned body = dice(3) ? 0 : dice(400);

		n += (size_t)sprintf(out + n, "%s /%u HTTP/1.1\r\nHost: h%s\r\n", body ? "POST" : "GET", dice(9999),
				     dice(2) ? "" : ":8080");
		if (body)
			n += (size_t)sprintf(out + n, "Content-Length: %u\r\n", body);
		n += (size_t)sprintf(out + n, "\r\n");
		memset(out + n, 'b', body);
		n += body;
	}
	return n;
}

static void run(int rounds, unsigned piece, int refuse, int shorten)
{
	static char stream[STREAM_MAX], plain[STREAM_MAX * 2];

	for (int i = 0; i < rounds; i++) {
		int requests = 1 + (int)dice(12), lines;
		size_t n = make_stream(stream, requests), got;

		refuse_percent = refuse;
		short_percent = shorten;
		sent_bytes = 0;
		open_client(7);
		send_all(7, stream, n, piece);
		close_fd(7);
		got = without_lines(plain, &lines);
		RM_CHECK(got == n && memcmp(plain, stream, n) == 0);
		RM_CHECK(lines == requests);
		while (stub_span())
			;
	}
}

RM_TEST("requests sent in one call each get one header line")
{
	char *none[] = { NULL };

	stub_start(none);
	run(50, 4096, 0, 0);
}

RM_TEST("pipelined requests cut anywhere get one header line each")
{
	run(2000, 40, 0, 0);
}

RM_TEST("single bytes at a time are no different")
{
	run(200, 1, 0, 0);
}

RM_TEST("a kernel that takes a part of each call changes nothing")
{
	run(3000, 200, 0, 60);
}

RM_TEST("a kernel that refuses most calls changes nothing")
{
	run(2000, 100, 50, 50);
}

RM_TEST("a kernel that takes one byte at a time changes nothing")
{
	run(300, 3000, 10, 100);
}

RM_TEST("bytes that are no HTTP go out untouched")
{
	static const char stream[] = "GET this is not http\r\n\r\nGET / HTTP/1.1\r\n\r\n";
	static char plain[STREAM_MAX];
	int lines;

	for (int i = 0; i < 500; i++) {
		sent_bytes = 0;
		short_percent = i % 2 ? 50 : 0;
		open_client(9);
		send_all(9, stream, sizeof(stream) - 1, 1 + dice(20));
		close_fd(9);
		RM_CHECK(without_lines(plain, &lines) == sizeof(stream) - 1 && lines == 0);
		RM_CHECK(memcmp(sent, stream, sizeof(stream) - 1) == 0);
	}
}

RM_TEST("a traceparent that the program wrote stays as it is, alone")
{
	static const char stream[] = "GET / HTTP/1.1\r\nTraceparent: "
				     "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";

	for (int i = 0; i < 500; i++) {
		sent_bytes = 0;
		short_percent = 30;
		refuse_percent = 30;
		open_client(9);
		send_all(9, stream, sizeof(stream) - 1, 1 + dice(100));
		close_fd(9);
		RM_CHECK(sent_bytes == sizeof(stream) - 1 && memcmp(sent, stream, sent_bytes) == 0);
	}
}
