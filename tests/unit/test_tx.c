/*
 * The rewrite of outgoing bytes as a property: whatever the program sends, cut and retried as
 * sockets make programs do, and whatever part of each call the kernel takes, the peer receives the
 * program's bytes plus whole header lines before the empty line of each head, and nothing else.
 */
#include <unistd.h>

#include "tests/unit/client_fixture.h"

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

RM_TEST("a header line that was cut is finished before a call that shows no bytes")
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	static char plain[STREAM_MAX];
	struct iovec iov = { (char *)head, sizeof(head) - 1 };
	size_t rest, before;
	ssize_t took;
	int lines;

	refuse_percent = short_percent = 0;
	sent_bytes = 0;
	open_client(7);
	take_at_most = sizeof(head) - 1; /* two bytes of the head wait behind our line, which is not whole */
	took = hooked_send(7, &iov, 1);
	RM_CHECK(took == sizeof(head) - 3 && sent_bytes == sizeof(head) - 1);
	RM_CHECK(!rm_tx_finish_line(7, 0, fake_sendmsg) && errno == EAGAIN);
	take_at_most = 10;
	before = sent_bytes;
	RM_CHECK(!rm_tx_finish_line(7, 0, fake_sendmsg) && errno == EAGAIN && sent_bytes == before + 10);
	take_at_most = -1;
	RM_CHECK(rm_tx_finish_line(7, 0, fake_sendmsg) && rm_tx_finish_line(7, 0, fake_sendmsg));
	rest = sizeof(head) - 1 - (size_t)took;
	memcpy(sent + sent_bytes, head + took, rest);
	sent_bytes += rest;
	rm_tx_opaque(7, (ssize_t)rest);
	RM_CHECK(!rm_fd_tracked(7));
	RM_CHECK(without_lines(plain, &lines) == sizeof(head) - 1 && memcmp(plain, head, sizeof(head) - 1) == 0);
	RM_CHECK(lines == 1);
	close_fd(7);
	RM_CHECK(rm_conn_live() == 0 && rm_text_live() == 0);
	while (stub_span())
		;
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

/* ---- what happens while the kernel is at work ---- */

static const char small[] = "GET /small HTTP/1.1\r\nHost: h\r\n\r\n";
enum { SMALL = sizeof(small) - 1, LINE = 70 };

/* True when the stream sent is `text` with one header line of ours in it. */
static bool sent_with_line(const char *text, size_t n)
{
	static char plain[STREAM_MAX];
	int lines;

	return without_lines(plain, &lines) == n && memcmp(plain, text, n) == 0 && lines == 1;
}

static void start_case(int fd)
{
	refuse_percent = short_percent = 0;
	sent_bytes = controls_sent = 0;
	take_at_most = -1;
	during_call = NULL;
	open_client(fd);
}

static void end_case(int fd)
{
	during_call = NULL;
	take_at_most = -1;
	close_fd(fd);
	while (stub_span())
		;
	RM_CHECK(all_freed());
}

/* The descriptor is closed, and others take all the memory that its connection had. */
static void close_and_reuse(int fd)
{
	static const char stranger[] = "GET /stranger HTTP/1.1\r\nHost: stranger\r\n\r\n";

	during_call = NULL;
	close_fd(fd);
	for (int other = 20; other < 24; other++) {
		size_t before = sent_bytes;

		open_client(other);
		send_text(other, stranger, sizeof(stranger) - 1);
		sent_bytes = before;
	}
}

RM_TEST("a close while the kernel copies does not change what it copies")
{
	start_case(7);
	during_call = close_and_reuse;
	RM_CHECK(send_text(7, small, SMALL) == SMALL);
	RM_CHECK(sent_with_line(small, SMALL));
	for (int other = 20; other < 24; other++)
		close_fd(other);
	end_case(7);
}

static struct rm_conn *busy;

/* Another thread holds the connection while the call comes back. */
static void hold(int fd)
{
	during_call = NULL;
	busy = rm_conn_take(fd);
}

RM_TEST("a lock that is not had after the call changes nothing of what goes out")
{
	for (int take = 1; take < SMALL + LINE; take++) {
		size_t done = 0;
		ssize_t n;

		start_case(7);
		during_call = hold;
		take_at_most = take;
		n = send_text(7, small, SMALL);
		take_at_most = -1;
		rm_conn_release(busy);
		done = n > 0 ? (size_t)n : 0;
		while (done < SMALL) {
			n = send_text(7, small + done, SMALL - done);
			RM_CHECK(n > 0);
			if (n <= 0)
				break;
			done += (size_t)n;
		}
		RM_CHECK(sent_with_line(small, SMALL));
		end_case(7);
	}
}

static void move_to_8(int fd)
{
	struct rm_scope s;

	during_call = NULL;
	if (!rm_enter(&s))
		return;
	rm_fd_dup(&s, fd, 8);
	rm_fd_close(&s, fd);
	rm_leave(&s);
}

RM_TEST("a connection goes on under its other descriptor where an edit was cut")
{
	for (int take = 1; take < SMALL + LINE; take++) {
		ssize_t n;

		start_case(7);
		during_call = move_to_8;
		take_at_most = take;
		n = send_text(7, small, SMALL);
		take_at_most = -1;
		n = n > 0 ? n : 0;
		if (n < SMALL)
			RM_CHECK(send_text(8, small + n, (size_t)(SMALL - n)) == SMALL - n);
		RM_CHECK(sent_with_line(small, SMALL));
		close_fd(8);
		end_case(7);
	}
}

RM_TEST("a program that gives a refused request up for another one sends that one as it is")
{
	static const char other[] = "GET /small/but/longer HTTP/1.1\r\nHost: somebody.else\r\n\r\n";
	static const char shorter[] = "GET /smal HTTP/1.1\r\n\r\n";

	start_case(7);
	take_at_most = 0;
	RM_CHECK(send_text(7, small, SMALL) == -1 && errno == EAGAIN);
	take_at_most = -1;
	RM_CHECK(send_text(7, other, sizeof(other) - 1) == sizeof(other) - 1);
	RM_CHECK(sent_bytes == sizeof(other) - 1 && memcmp(sent, other, sent_bytes) == 0);
	end_case(7);

	start_case(7);
	take_at_most = 0;
	RM_CHECK(send_text(7, small, SMALL) == -1 && errno == EAGAIN);
	take_at_most = -1;
	RM_CHECK(send_text(7, shorter, sizeof(shorter) - 1) == sizeof(shorter) - 1);
	RM_CHECK(sent_bytes == sizeof(shorter) - 1 && memcmp(sent, shorter, sent_bytes) == 0);
	end_case(7);
}

RM_TEST("descriptors sent along travel once, with a byte that the program hears of")
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };

	for (int take = 0; take < SMALL + LINE; take++) {
		for (size_t cut = 1; cut <= SMALL - 2; cut += SMALL - 3) {
			size_t done = cut;

			start_case(7);
			RM_CHECK(send_text(7, small, cut) == (ssize_t)cut);
			take_at_most = take;
			for (bool first = true; done < SMALL;) {
				struct iovec iov = { (void *)(small + done), SMALL - done };
				struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
				ssize_t n;

				if (first) {
					m.msg_control = control;
					m.msg_controllen = sizeof(control);
				}
				n = hooked_sendmsg(7, &m, 0);
				take_at_most = n < 0 ? -1 : take_at_most;
				done += n > 0 ? (size_t)n : 0;
				first = first && n < 0;
				RM_CHECK(controls_sent == !first);
			}
			RM_CHECK(sent_with_line(small, SMALL) && controls_sent == 1);
			end_case(7);
		}
	}
}

RM_TEST("a connection that turns out to be something else in the middle of an edit finishes that edit")
{
	for (int take = 0; take < SMALL + LINE; take++) {
		size_t done;
		ssize_t n;
		int lines;
		char plain[SMALL + LINE];

		start_case(7);
		take_at_most = take;
		n = send_text(7, small, SMALL);
		take_at_most = -1;
		done = n > 0 ? (size_t)n : 0;
		receive_text(7, "no answer of any kind", 21);
		while (done < SMALL) {
			n = send_text(7, small + done, SMALL - done);
			RM_CHECK(n > 0);
			if (n <= 0)
				break;
			done += (size_t)n;
		}
		RM_CHECK(without_lines(plain, &lines) == SMALL && memcmp(plain, small, SMALL) == 0);
		RM_CHECK(take <= SMALL - 2 || lines == 1);
		send_text(7, "whatever comes now", 18);
		RM_CHECK(memcmp(sent + sent_bytes - 18, "whatever comes now", 18) == 0);
		RM_CHECK(!rm_fd_tracked(7));
		end_case(7);
	}
}

RM_TEST("a program that changes its mind in the middle of our line still sends whole lines")
{
	static const char other[] = "X: y\r\n\r\n";
	const size_t head = SMALL - 2, rest = sizeof(other) - 1;

	for (int take = SMALL - 1; take < SMALL - 2 + LINE; take++) {
		start_case(7);
		take_at_most = take;
		RM_CHECK(send_text(7, small, SMALL) == (ssize_t)head);
		take_at_most = -1;
		RM_CHECK(send_text(7, other, rest) == (ssize_t)rest);
		RM_CHECK(sent_bytes == head + LINE + rest && memcmp(sent, small, head) == 0);
		RM_CHECK(memcmp(sent + head, "traceparent: ", 13) == 0);
		RM_CHECK(memcmp(sent + head + LINE - 2, "\r\n", 2) == 0);
		RM_CHECK(memcmp(sent + head + LINE, other, rest) == 0);
		end_case(7);
	}
}

/* Answers those of the first `whole` requests that were not yet. */
static void answer_some(int fd, int *answered, int whole)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

	for (; *answered < whole && dice(2); ++*answered) {
		size_t cut = 1 + dice(sizeof(reply) - 2);

		receive_text(fd, reply, cut);
		receive_text(fd, reply + cut, sizeof(reply) - 1 - cut);
	}
}

RM_TEST("answers that arrive between the pieces of later requests make one span each")
{
	enum { REQUESTS = 12 };
	char stream[REQUESTS * SMALL], plain[REQUESTS * (SMALL + LINE)];

	for (int i = 0; i < REQUESTS; i++)
		memcpy(stream + i * SMALL, small, SMALL);
	for (int round = 0; round < 500; round++) {
		int answered = 0, spans = 0, lines;
		size_t done = 0;

		start_case(7);
		refuse_percent = short_percent = 40;
		while (done < sizeof(stream)) {
			size_t left = sizeof(stream) - done, offer = 1 + dice(60);
			ssize_t n = send_text(7, stream + done, offer < left ? offer : left);

			done += n > 0 ? (size_t)n : 0;
			answer_some(7, &answered, (int)(done / SMALL));
		}
		while (answered < REQUESTS)
			answer_some(7, &answered, REQUESTS);
		refuse_percent = short_percent = 0;
		RM_CHECK(without_lines(plain, &lines) == sizeof(stream) && lines == REQUESTS);
		RM_CHECK(memcmp(plain, stream, sizeof(stream)) == 0);
		while (stub_span())
			spans++;
		RM_CHECK(spans == REQUESTS);
		end_case(7);
	}
}

RM_TEST("a connection of unknown side takes the side of its first bytes")
{
	struct rm_scope s;
	int pair[2];

	for (int sends_first = 0; sends_first < 2; sends_first++) {
		const struct rm_span *span;

		RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && rm_enter(&s));
		rm_fd_received(&s, pair[0]);
		rm_leave(&s);
		refuse_percent = short_percent = 0;
		sent_bytes = 0;
		if (sends_first) {
			RM_CHECK(send_text(pair[0], small, SMALL) == SMALL && sent_with_line(small, SMALL));
			receive_text(pair[0], "HTTP/1.1 204 No\r\n\r\n", 19);
		} else {
			receive_text(pair[0], small, SMALL);
			RM_CHECK(send_text(pair[0], "HTTP/1.1 204 No\r\n\r\n", 19) == 19 && sent_bytes == 19);
		}
		span = stub_span();
		RM_CHECK(span && span->kind == (sends_first ? RM_KIND_CLIENT : RM_KIND_SERVER));
		end_case(pair[0]);
		close(pair[0]);
		close(pair[1]);
	}
}
