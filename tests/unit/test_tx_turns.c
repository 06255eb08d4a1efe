/*
 * What else happens while a call is with the kernel, and what a call is made of that is not one request in
 * readable memory: other threads' calls and descriptors, long calls, pages that are not there, sendfile.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/client_fixture.h"

enum { LINE = 70, PART = RM_TX_EDITS - 1 /* requests, a line each */, MANY = 3 * PART + 4, PAGE = 4096 };
static const char small[] = "GET /small HTTP/1.1\r\nHost: h\r\n\r\n";
static const char post[] = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n";
enum { SMALL = sizeof(small) - 1, POST = sizeof(post) - 1 };
enum { FIRST_PART = PART * SMALL - 2 /* a part ends with a line */ };
static char plain[STREAM_MAX];

static void start_case(void)
{
	sent_bytes = controls_sent = 0;
	take_at_most = -1;
	during_call = NULL;
	open_client(7);
}

static void end_case(void)
{
	close_fd(7);
	while (stub_span())
		;
	RM_CHECK(all_freed());
}

/* What went out is `n` bytes of the program, with so many lines of ours. */
static void check_sent(const char *p, size_t n, int want_lines)
{
	int lines;

	RM_CHECK(without_lines(plain, &lines) == n && memcmp(plain, p, n) == 0);
	RM_CHECK(lines == want_lines);
}

/* ---- long calls ---- */

static const char *many(void)
{
	static char stream[MANY * SMALL];

	for (int i = 0; i < MANY; i++)
		memcpy(stream + i * SMALL, small, SMALL);
	return stream;
}

/* More edits than one part of the call has room for: each has the next part made while the kernel waits. */
static int parts_left;

static void doubt(int fd)
{
	if (parts_left-- == 0)
		rm_conn_doubt(fd);
}

RM_TEST("a gap in the middle of a long call lets the rest of it go out as it is")
{
	char *none[] = { NULL };

	stub_start(none);
	for (int part = 0; part < 3; part++) {
		start_case();
		parts_left = part;
		during_call = doubt;
		RM_CHECK(send_text(7, many(), MANY * SMALL) == MANY * SMALL);
		during_call = NULL;
		check_sent(many(), MANY * SMALL, (part + 1) * PART);
		sent_bytes = 0;
		RM_CHECK(send_text(7, small, SMALL) == SMALL);
		check_sent(small, SMALL, 0);
		end_case();
	}
}

RM_TEST("each byte of a long call in pieces goes out, however many pieces a part of it has")
{
	const char *stream = many();

	for (size_t piece = 1; piece < SMALL; piece++) {
		struct iovec iov[MANY * SMALL];
		int count = 0;

		for (size_t at = 0; at < MANY * SMALL; at += piece)
			iov[count++] = (struct iovec){ (char *)stream + at,
						       piece < MANY * SMALL - at ? piece : MANY * SMALL - at };
		start_case();
		RM_CHECK(hooked_send(7, iov, count) == MANY * SMALL);
		check_sent(stream, MANY * SMALL, MANY);
		end_case();
	}
}

RM_TEST("descriptors sent along with a long call travel once")
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (char *)many(), MANY * SMALL };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };

	start_case();
	RM_CHECK(hooked_sendmsg(7, &m, 0) == MANY * SMALL);
	check_sent(many(), MANY * SMALL, MANY);
	RM_CHECK(controls_sent == 1);
	end_case();
}

RM_TEST("a long call that is refused and offered again has all its lines, once each")
{
	for (int take = 0; take < 5 * SMALL; take++) {
		size_t at;
		ssize_t n;

		start_case();
		take_at_most = take;
		n = send_text(7, many(), MANY * SMALL);
		take_at_most = -1;
		at = n > 0 ? (size_t)n : 0;
		RM_CHECK(send_text(7, many() + at, MANY * SMALL - at) == (ssize_t)(MANY * SMALL - at));
		check_sent(many(), MANY * SMALL, MANY);
		end_case();
	}
}

RM_TEST("a line that waits alone, behind all that was parsed, waits for the byte it was made for")
{
	static const char other[] = "X: y\r\n\r\n";
	const size_t before = FIRST_PART - (PART - 1) * SMALL;

	for (int same = 0; same < 2; same++) {
		start_case();
		take_at_most = FIRST_PART + (PART - 1) * LINE;
		RM_CHECK(send_text(7, many(), MANY * SMALL) == FIRST_PART);
		take_at_most = -1;
		sent_bytes = 0;
		RM_CHECK(send_text(7, same ? small + before : other, same ? 2 : sizeof(other) - 1) > 0);
		RM_CHECK(sent_bytes == (same ? LINE + 2 : sizeof(other) - 1));
		end_case();
	}
}

RM_TEST("edits of several requests are made for all bytes up to the last of them")
{
	char other[2 * SMALL];

	for (size_t changed = 0; changed < 2 * SMALL; changed++) {
		start_case();
		memcpy(other, many(), 2 * SMALL);
		take_at_most = 0;
		RM_CHECK(send_text(7, other, 2 * SMALL) == -1 && errno == EAGAIN);
		take_at_most = -1;
		other[changed] ^= 1;
		RM_CHECK(send_text(7, other, 2 * SMALL) == 2 * SMALL);
		check_sent(other, 2 * SMALL, changed == 2 * SMALL - 1 ? 2 : 0);
		end_case();
	}
}

RM_TEST("when its edits are done a retry is compared by its first bytes")
{
	static const char stream[] = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789";
	static const char other[] = "abcdefGET /small HTTP/1.1\r\nHost: h\r\n\r\n";

	start_case();
	take_at_most = 0;
	RM_CHECK(send_text(7, stream, POST + 10) == -1 && errno == EAGAIN);
	take_at_most = POST + LINE + 4;
	RM_CHECK(send_text(7, stream, POST + 10) == POST + 4);
	take_at_most = -1;
	sent_bytes = 0;
	RM_CHECK(send_text(7, other, sizeof(other) - 1) == sizeof(other) - 1);
	check_sent(other, sizeof(other) - 1, 0);
	end_case();
}

static void close_in_part(int fd)
{
	if (parts_left-- == 0)
		close_fd(fd);
}

RM_TEST("a close in the middle of a long call ends it where it is, with no error once bytes went out")
{
	for (int part = 0; part < 3; part++) {
		start_case();
		parts_left = part;
		during_call = close_in_part;
		errno = 4242;
		RM_CHECK(send_text(7, many(), MANY * SMALL) == FIRST_PART + part * PART * SMALL);
		RM_CHECK(errno == 4242);
		during_call = NULL;
		/* The last line was sent, too, and has no byte behind it. */
		RM_CHECK(sent_bytes == (size_t)(FIRST_PART + part * PART * SMALL + (part + 1) * PART * LINE));
		end_case();
	}
}

RM_TEST("a head that is followed by nonsense in its call goes out without a line")
{
	static const char stream[] = "GET /small HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n";

	start_case();
	RM_CHECK(send_text(7, stream, sizeof(stream) - 1) == sizeof(stream) - 1);
	check_sent(stream, sizeof(stream) - 1, 0);
	end_case();
}

/* ---- memory ---- */

/* A page, with one behind it that cannot be read. */
static char *make_pages(void)
{
	char *m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	RM_CHECK(m != MAP_FAILED && mprotect(m + PAGE, PAGE, PROT_NONE) == 0);
	return m;
}

/* The kernel finds out by itself. */
static ssize_t faults(int fd, const struct msghdr *m, int flags)
{
	errno = EFAULT;
	return -1;
}

/* ... behind the bytes that it could read. */
static ssize_t takes_head(int fd, const struct msghdr *m, int flags)
{
	take_at_most = POST + LINE;
	return fake_sendmsg(fd, m, flags);
}

RM_TEST("a head that cannot be read to its end is the kernel's to refuse, and the connection is left alone")
{
	for (size_t there = 0; there < SMALL; there++) {
		char *m = make_pages();

		memcpy(m + PAGE - there, small, there);
		start_case();
		kernel = faults;
		errno = 0;
		RM_CHECK(send_text(7, m + PAGE - there, SMALL) == -1 && errno == EFAULT);
		kernel = fake_sendmsg;
		RM_CHECK(send_text(7, small, SMALL) == SMALL);
		check_sent(small, SMALL, 0);
		end_case();
		munmap(m, 2 * PAGE);
	}
}

RM_TEST("a body is not read at all, not even to recognise it when it is offered again")
{
	char *m = make_pages(), *at = m + PAGE - POST;
	struct iovec iov[2] = { { at, POST }, { at + POST, 10 } };

	memcpy(at, post, POST);
	start_case();
	kernel = takes_head;
	RM_CHECK(hooked_send(7, iov, 2) == POST);
	kernel = faults;
	RM_CHECK(send_text(7, at + POST, 10) == -1 && errno == EFAULT);
	kernel = fake_sendmsg;
	take_at_most = -1;
	check_sent(post, POST, 1);
	end_case();
	munmap(m, 2 * PAGE);
}

RM_TEST("what was refused and is offered again from memory that cannot be read is the kernel's to refuse")
{
	for (size_t there = 0; there < SMALL - 1; there++) {
		char *m = make_pages();

		memcpy(m + PAGE - there, small, there);
		start_case();
		take_at_most = 0;
		RM_CHECK(send_text(7, small, SMALL) == -1 && errno == EAGAIN);
		kernel = faults;
		RM_CHECK(send_text(7, m + PAGE - there, SMALL) == -1 && errno == EFAULT);
		kernel = fake_sendmsg;
		take_at_most = -1;
		RM_CHECK(send_text(7, small, SMALL) == SMALL);
		check_sent(small, SMALL, 0);
		end_case();
		munmap(m, 2 * PAGE);
	}
}

/* ---- others' calls ---- */

/* Another thread sends while a plain call is with the kernel: a body, and the next request. */
static void send_body(int fd)
{
	static const char text[] = "9876543210GET /small HTTP/1.1\r\nHost: h\r\n\r\n";

	during_call = NULL;
	send_text(fd, text, sizeof(text) - 1);
}

RM_TEST("bytes that are offered while others are under way are not taken for those: nobody knows the order")
{
	int lines;

	start_case();
	RM_CHECK(send_text(7, post, POST) == POST);
	during_call = send_body;
	RM_CHECK(send_text(7, "0123456789", 10) == 10);
	RM_CHECK(without_lines(plain, &lines) == POST + 10 + 10 + SMALL && lines == 1);
	sent_bytes = 0;
	RM_CHECK(send_text(7, small, SMALL) == SMALL);
	check_sent(small, SMALL, 0);
	end_case();
}

/* The connection cannot be had: somebody holds it, here and after that. */
static struct rm_conn *held;

static void hold(int fd)
{
	during_call = NULL;
	held = rm_conn_take(fd);
}

RM_TEST("a request that went by while the connection could not be had is a gap")
{
	start_case();
	hold(7);
	RM_CHECK(send_text(7, small, SMALL) == SMALL);
	check_sent(small, SMALL, 0);
	rm_conn_release(held);
	sent_bytes = 0;
	RM_CHECK(send_text(7, small, SMALL) == SMALL);
	check_sent(small, SMALL, 0);
	end_case();
}

RM_TEST("a request that was read while the connection could not be had is a gap")
{
	char room[1024];
	struct iovec iov = { room, sizeof(room) };
	struct rm_scope s;
	struct rm_rx rx;
	int pair[2];

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, pair[0]);
		rm_leave(&s);
	}
	rm_rx_begin(&rx, pair[0], sizeof(room), 0);
	hold(pair[0]);
	memcpy(room, small, SMALL);
	RM_CHECK(rm_rx_done(&rx, &iov, 1, SMALL) == SMALL);
	rm_conn_release(held);
	receive_text(pair[0], small, SMALL);
	RM_CHECK(rm_exchange_live() == 0);
	close_fd(pair[0]);
	close(pair[0]);
	close(pair[1]);
	RM_CHECK(all_freed());
}

static bool eight_between;

static void reopen(int fd)
{
	during_call = NULL;
	close_fd(fd);
	if (eight_between)
		open_client(8); /* takes the memory that the next one would get */
	open_client(fd);
}

RM_TEST("a connection that gets its number while bytes go out under it is left alone: they may be its own")
{
	for (int i = 0; i < 2; i++) {
		eight_between = i;
		start_case();
		RM_CHECK(send_text(7, post, POST) == POST);
		during_call = reopen;
		RM_CHECK(send_text(7, "0123456789", 10) == 10);
		sent_bytes = 0;
		RM_CHECK(send_text(7, small, SMALL) == SMALL);
		check_sent(small, SMALL, 0);
		close_fd(8);
		end_case();
	}
}

/* ---- bytes that do not pass through memory ---- */

RM_TEST("a body by sendfile stands for itself: the next head gets its line")
{
	start_case();
	RM_CHECK(send_text(7, post, POST) == POST);
	rm_tx_opaque(7, 4);
	rm_tx_opaque(7, 6);
	sent_bytes = 0;
	RM_CHECK(send_text(7, small, SMALL) == SMALL);
	check_sent(small, SMALL, 1);
	end_case();
}

RM_TEST("sendfile in the place of bytes that were refused ends the watch, as they were counted already")
{
	start_case();
	RM_CHECK(send_text(7, post, POST) == POST);
	take_at_most = 2;
	RM_CHECK(send_text(7, "bbbbb", 5) == 2);
	take_at_most = -1;
	rm_tx_opaque(7, 3);
	RM_CHECK(send_text(7, "bbbbb", 5) == 5);
	sent_bytes = 0;
	RM_CHECK(send_text(7, small, SMALL) == SMALL);
	check_sent(small, SMALL, 0);
	end_case();
}

static void send_unseen(int fd)
{
	during_call = NULL;
	rm_tx_opaque(fd, 3);
}

RM_TEST("sendfile during an edited call ends the watch when that call is over")
{
	static const char both[] = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456";

	start_case();
	during_call = send_unseen;
	RM_CHECK(send_text(7, both, sizeof(both) - 1) == sizeof(both) - 1);
	check_sent(both, sizeof(both) - 1, 1);
	sent_bytes = 0;
	RM_CHECK(send_text(7, small, SMALL) == SMALL);
	check_sent(small, SMALL, 0);
	end_case();
}

/* ---- what a server sends ---- */

static ssize_t takes_first_piece(int fd, const struct msghdr *m, int flags)
{
	return fake_sendmsg(fd, &(struct msghdr){ .msg_iov = m->msg_iov, .msg_iovlen = 1 }, flags);
}

RM_TEST("a server's answer that goes out in two writes is counted once, and the next one is its request's")
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n01234567";
	int pair[2];

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	for (size_t cut = 1; cut < sizeof(reply) - 1; cut++) {
		struct rm_scope s;
		int spans = 0;

		take_at_most = -1;
		if (rm_enter(&s)) {
			rm_fd_accept(&s, -1, pair[0]);
			rm_leave(&s);
		}
		for (int i = 0; i < 2; i++) {
			size_t left = sizeof(reply) - 1 - cut;
			struct iovec iov[2] = { { (char *)reply, cut }, { (char *)reply + cut, left } };

			receive_text(pair[0], small, SMALL);
			kernel = takes_first_piece;
			RM_CHECK(hooked_send(pair[0], iov, 2) == (ssize_t)cut);
			kernel = fake_sendmsg;
			RM_CHECK(send_text(pair[0], reply + cut, left) == (ssize_t)left);
			spans += stub_span() != NULL;
		}
		RM_CHECK(spans == 2 && rm_fd_tracked(pair[0]));
		close_fd(pair[0]);
		while (stub_span())
			;
	}
	RM_CHECK(all_freed());
	close(pair[0]);
	close(pair[1]);
}

/* ---- a name that means another connection once the lock is had ---- */

static atomic_int about_to_take;
static struct rm_conn *taken;

static void *take_seven(void *unused)
{
	atomic_store(&about_to_take, 1);
	taken = rm_conn_take(7);
	if (taken)
		rm_conn_release(taken);
	return NULL;
}

RM_TEST("who waits for a connection whose number is given to another one meanwhile gets that one or none")
{
	for (int i = 0; i < 20; i++) {
		struct rm_conn *c, *other;
		struct rm_scope s;
		pthread_t thread;

		start_case();
		open_client(8);
		other = rm_conn_peek(8);
		c = rm_conn_take(7);
		atomic_store(&about_to_take, 0);
		pthread_create(&thread, NULL, take_seven, NULL);
		while (!atomic_load(&about_to_take))
			sched_yield();
		usleep(1000);
		if (rm_enter(&s)) {
			rm_fd_dup(&s, 7, 9); /* the one that is waited for lives on */
			rm_fd_dup(&s, 8, 7);
			rm_leave(&s);
		}
		rm_conn_release(c);
		pthread_join(thread, NULL);
		RM_CHECK(!taken || taken == other);
		close_fd(8);
		close_fd(9);
		end_case();
	}
}

static uint32_t wanted_gen;

static void *retake_seven(void *c)
{
	atomic_store(&about_to_take, 1);
	taken = rm_conn_retake(c, wanted_gen, 7);
	if (taken)
		rm_conn_release(taken);
	return NULL;
}

RM_TEST("who waits for a connection that ends meanwhile does not get the next one in its memory")
{
	for (int i = 0; i < 100; i++) {
		struct rm_conn *c;
		pthread_t thread;

		start_case();
		wanted_gen = rm_conn_gen(rm_conn_peek(7), 7);
		c = rm_conn_take(7);
		atomic_store(&about_to_take, 0);
		pthread_create(&thread, NULL, retake_seven, c);
		while (!atomic_load(&about_to_take))
			sched_yield();
		usleep(200);
		close_fd(7);
		rm_conn_release(c);
		open_client(7);
		RM_CHECK(rm_conn_peek(7) == c);
		pthread_join(thread, NULL);
		RM_CHECK(!taken);
		end_case();
	}
}
