/*
 * Single reads, with what their flags, their rooms and their results say: which are given less room, which are
 * an end, and what is there when more arrives in the middle.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/client_fixture.h"

enum { LINE = 70 };
static const char small[] = "GET /small HTTP/1.1\r\nHost: h\r\n\r\n";
static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
enum { SMALL = sizeof(small) - 1, REPLY = sizeof(reply) - 1 };
static char got[8192];
static int fd, peer;

static void open_server(void)
{
	struct rm_scope s;
	int pair[2];

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	fd = pair[0];
	peer = pair[1];
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
	RM_CHECK(all_freed());
}

static int waits(void)
{
	int n = -1;

	RM_CHECK(ioctl(fd, FIONREAD, &n) == 0);
	return n;
}

/* A read of the server's that gave these bytes. */
static void receive_on(const char *p, size_t n, int flags)
{
	struct iovec iov = { got, 512 };
	struct rm_rx rx;

	rm_rx_begin(&rx, fd, iov.iov_len, flags);
	memcpy(got, p, n);
	if (rx.watch)
		RM_CHECK(rm_rx_done(&rx, &iov, 1, (ssize_t)n) >= (ssize_t)n);
}

/* ---- flags ---- */

static size_t reserve_for(size_t room, int flags)
{
	struct rm_rx rx;

	rm_rx_begin(&rx, fd, room, flags);
	return rx.watch ? rx.reserve : 0;
}

RM_TEST("only reads that leave room for it, and may be short, are given less room")
{
	char *none[] = { NULL };

	stub_start(none);
	open_server();
	RM_CHECK(reserve_for(4096, 0) == RM_INGRESS_RESERVE && reserve_for(4096, RM_RX_PLAIN) == RM_INGRESS_RESERVE);
	RM_CHECK(reserve_for(4096, MSG_DONTWAIT) == RM_INGRESS_RESERVE);
	RM_CHECK(reserve_for(4096, MSG_WAITALL) == 0);
	RM_CHECK(reserve_for(4096, MSG_TRUNC) == 0);
	RM_CHECK(reserve_for(255, 0) == 0 && reserve_for(256, 0) == RM_INGRESS_RESERVE);
	close_server();
	open_client(7);
	fd = 7;
	RM_CHECK(reserve_for(4096, 0) == 0);
	close_fd(7);
}

RM_TEST("a body is read as it comes, and the next head is given less room again")
{
	static const char post[] = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n";

	open_server();
	receive_on(post, sizeof(post) - 1, 0);
	RM_CHECK(reserve_for(4096, 0) == 0);
	receive_on("0123456789", 10, 0);
	RM_CHECK(reserve_for(4096, 0) == RM_INGRESS_RESERVE);
	close_server();
}

RM_TEST("what MSG_TRUNC throws away is not looked for in the buffer")
{
	open_server();
	receive_on(small, SMALL, MSG_TRUNC);
	RM_CHECK(rm_exchange_live() == 0);
	receive_on(small, SMALL, 0);
	RM_CHECK(rm_exchange_live() == 0);
	close_server();
}

RM_TEST("bytes out of band and of the error queue are not the stream's")
{
	const int apart[] = { MSG_OOB, MSG_ERRQUEUE, MSG_PEEK };
	struct rm_rx rx;

	for (int i = 0; i < 3; i++) {
		open_server();
		rm_rx_begin(&rx, fd, 4096, apart[i]);
		RM_CHECK(!rx.watch && rm_fd_tracked(fd));
		/* A read after that is watched; but what was peeked at is not changed. */
		rm_rx_begin(&rx, fd, 4096, 0);
		RM_CHECK(rx.watch && !rx.reserve == (apart[i] == MSG_PEEK));
		close_server();
	}
}

/* ---- ends ---- */

/* A read of the client's that gave `result`. */
static void client_reads(size_t room, ssize_t result, int error)
{
	struct iovec iov = { got, room };
	struct rm_rx rx;

	rm_rx_begin(&rx, 7, room, 0);
	RM_CHECK(rx.watch);
	errno = error;
	RM_CHECK(rm_rx_done(&rx, &iov, 1, result) == result && errno == error);
}

static void ask(void)
{
	sent_bytes = 0;
	open_client(7);
	RM_CHECK(send_text(7, small, SMALL) == SMALL);
}

static void finish(void)
{
	close_fd(7);
	RM_CHECK(!stub_span() && all_freed());
}

RM_TEST("an end, or an error of the connection, is told when it is read")
{
	const struct rm_span *span;

	for (int broken = 0; broken < 2; broken++) {
		ask();
		client_reads(512, broken ? -1 : 0, broken ? ECONNRESET : 0);
		span = stub_span();
		RM_CHECK(span && span->status != 0);
		finish();
	}
}

RM_TEST("an answer that ends with its stream is whole at the end, and broken by an error")
{
	static const char answer[] = "HTTP/1.1 200 OK\r\n\r\nabc";

	for (int broken = 0; broken < 2; broken++) {
		const struct rm_span *span;

		ask();
		receive_text(7, answer, sizeof(answer) - 1);
		RM_CHECK(!stub_span());
		client_reads(512, broken ? -1 : 0, broken ? ECONNRESET : 0);
		span = stub_span();
		RM_CHECK(span && (span->status != 0) == broken);
		finish();
	}
}

RM_TEST("neither a read that would wait, nor one without room, is an end")
{
	const struct rm_span *span;

	ask();
	client_reads(512, -1, EAGAIN);
	client_reads(512, -1, EINTR);
	client_reads(512, -1, EFAULT);
	client_reads(0, 0, 0);
	RM_CHECK(!stub_span());
	receive_text(7, reply, REPLY);
	span = stub_span();
	RM_CHECK(span && span->status == 0);
	finish();
}

/* ---- more that arrives in the middle ---- */

RM_TEST("a read that was not full takes nothing that came after it")
{
	struct iovec iov = { got, 4096 };
	struct rm_rx rx;

	open_server();
	for (int i = 0; i < 2; i++) {
		ssize_t n;

		RM_CHECK(write(peer, small, SMALL) == SMALL);
		rm_rx_begin(&rx, fd, iov.iov_len, i ? MSG_WAITALL : 0);
		n = read(fd, got, iov.iov_len - rx.reserve);
		RM_CHECK(write(peer, small, SMALL) == SMALL);
		RM_CHECK(rm_rx_done(&rx, &iov, 1, n) == (i ? SMALL : SMALL + LINE) && waits() == SMALL);
		RM_CHECK(read(fd, got, sizeof(got)) == SMALL);
		rm_rx_opaque(fd, SMALL); /* unseen where a head should be */
		close_server();
		open_server();
	}
	close_server();
}

RM_TEST("nor does one of a connection that is left alone meanwhile")
{
	struct iovec iov = { got, 4096 };
	struct rm_rx rx;
	ssize_t n;

	open_server();
	RM_CHECK(write(peer, small, SMALL) == SMALL);
	rm_rx_begin(&rx, fd, iov.iov_len, 0);
	n = read(fd, got, iov.iov_len - rx.reserve);
	rm_rx_opaque(fd, 1); /* where a head should be */
	RM_CHECK(write(peer, small, SMALL) == SMALL);
	RM_CHECK(rm_rx_done(&rx, &iov, 1, n) == SMALL && waits() == SMALL);
	close_server();
}

RM_TEST("room that is claimed and not there is not written to")
{
	enum { PAGE = 4096 };
	char *m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	RM_CHECK(m != MAP_FAILED && mprotect(m + PAGE, PAGE, PROT_NONE) == 0);
	for (size_t there = SMALL; there < SMALL + LINE + 3; there++) {
		struct iovec iov = { m + PAGE - there, 2048 };
		struct rm_rx rx;
		ssize_t n;

		open_server();
		RM_CHECK(write(peer, small, SMALL) == SMALL);
		rm_rx_begin(&rx, fd, iov.iov_len, 0);
		n = rm_rx_done(&rx, &iov, 1, read(fd, iov.iov_base, there));
		RM_CHECK(n == SMALL && memcmp(iov.iov_base, small, SMALL) == 0);
		close_server();
	}
	munmap(m, 2 * PAGE);
}

/* The connection ends, and another one gets its number: in its memory, or in memory of its own. */
static void give_number_away(const int pair[2], bool own_memory)
{
	struct rm_scope s;

	close_fd(fd);
	if (own_memory)
		open_client(8); /* takes what the next one would get */
	RM_CHECK(dup2(pair[0], fd) == fd && write(pair[1], small, SMALL) == SMALL);
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, fd);
		rm_leave(&s);
	}
}

RM_TEST("a read of a number that is another connection's by now takes nothing of what waits there")
{
	static char bytes[1000];

	for (int own_memory = 0; own_memory < 2; own_memory++) {
		struct iovec iov = { got, 500 };
		struct rm_rx rx;
		int pair[2];
		ssize_t n;

		open_server();
		RM_CHECK(write(peer, bytes, sizeof(bytes)) == sizeof(bytes));
		rm_rx_begin(&rx, fd, iov.iov_len, 0);
		n = read(fd, got, iov.iov_len - rx.reserve);
		RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
		give_number_away(pair, own_memory);
		RM_CHECK(rm_rx_done(&rx, &iov, 1, n) == n && waits() == SMALL);
		/* Whose the bytes were nobody knows: it is left alone. */
		iov.iov_len = 4096;
		rm_rx_begin(&rx, fd, iov.iov_len, 0);
		n = read(fd, got, iov.iov_len - rx.reserve);
		RM_CHECK((rx.watch ? rm_rx_done(&rx, &iov, 1, n) : n) == SMALL && memcmp(got, small, SMALL) == 0);
		close_fd(8);
		close(pair[0]);
		close(pair[1]);
		close_server();
	}
}

RM_TEST("who finds that its number is no socket's does not end a connection that got it since")
{
	for (int own_memory = 0; own_memory < 2; own_memory++) {
		struct rm_rx rx;
		int pair[2];

		open_server();
		rm_rx_begin(&rx, fd, 4096, RM_RX_PLAIN);
		RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
		give_number_away(pair, own_memory);
		rm_rx_no_socket(&rx);
		RM_CHECK(rm_fd_tracked(fd));
		close_fd(8);
		close(pair[0]);
		close(pair[1]);
		close_server();
	}
}

/* ---- a read of all there is, of any room ---- */

enum { PAD = 200, FIRST = 28 + PAD, VALUE = FIRST + 26 + 13 + 36 /* where its span id is */, TWO = FIRST + 98 };
static char two[TWO + 1];

/* True when they are the two requests, but for our line in the first and the span id of the second. */
static bool are_two(const char *p, size_t n)
{
	size_t line = n == TWO ? 0 : LINE;

	if (n != TWO + line || memcmp(p, two, FIRST - 2) != 0)
		return false;
	if (line && (memcmp(p + FIRST - 2, "traceparent: 00-", 16) != 0 || p[FIRST - 3 + LINE] != '\n'))
		return false;
	p += line;
	return memcmp(p + FIRST - 2, two + FIRST - 2, VALUE - FIRST + 2) == 0 &&
	       memcmp(p + VALUE + 16, two + VALUE + 16, TWO - VALUE - 16) == 0;
}

/* Lays `room` bytes out in pieces. Returns their number. */
static int cut(struct iovec iov[4], size_t room, size_t piece)
{
	int count = 0;

	for (size_t at = 0; at < room; count++) {
		size_t n = count == 3 || room - at < piece ? room - at : piece;

		iov[count] = (struct iovec){ got + at + 1000 * (size_t)count, n };
		at += n;
	}
	return count;
}

RM_TEST("two requests are read as they were sent, with a line and a value of ours, whatever the room and its pieces")
{
	int lines = 0, values = 0;

	RM_CHECK(sprintf(two, "GET /a%0*d HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\ntraceparent: "
			 "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n", PAD, 0) == TWO);
	/* Of some rooms the first read is full, and a byte or two wait that belong to the second head. */
	for (size_t room = TWO; room < TWO + 120; room += room > TWO + LINE - 4 && room < TWO + LINE + 4 ? 1 : 5)
		for (size_t piece = 1; piece < room; piece += piece < 90 ? 1 : 41) {
			struct iovec iov[4], less[4];
			int count = cut(iov, room, piece);
			char bytes[1024];
			size_t n = 0;
			struct rm_rx rx;
			ssize_t result;

			open_server();
			RM_CHECK(write(peer, two, TWO) == TWO);
			memcpy(less, iov, sizeof(less));
			rm_rx_begin(&rx, fd, room, 0);
			for (size_t i = (size_t)count, left = rx.reserve; left && i-- > 0;) {
				size_t here = less[i].iov_len < left ? less[i].iov_len : left;

				less[i].iov_len -= here;
				left -= here;
			}
			result = rm_rx_done(&rx, iov, count, readv(fd, less, count));
			for (int i = 0; i < count; i++) {
				memcpy(bytes + n, iov[i].iov_base, iov[i].iov_len);
				n += iov[i].iov_len;
			}
			RM_CHECK(result == (ssize_t)room || waits() == 0);
			n = (size_t)result;
			if (waits() > 0)
				n += (size_t)read(fd, bytes + n, sizeof(bytes) - n);
			RM_CHECK(are_two(bytes, n));
			lines += n > TWO;
			values += memcmp(bytes + n - TWO + VALUE, two + VALUE, 16) != 0;
			close_server();
		}
	RM_CHECK(lines > 1000 && values > 1000);
}
