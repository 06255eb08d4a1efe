/*
 * What else happens while a call is with the kernel, and between calls: other threads' calls and descriptors,
 * sendfile, locks that are not had, numbers that change hands.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "tests/unit/sent_fixture.h"

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
	char *none[] = { NULL };
	int lines;

	stub_start(none);
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

/* A signal handler, or another thread, that sends while an edited call is with the kernel. */
static void send_small(int fd)
{
	during_call = NULL;
	RM_CHECK(send_text(fd, small, SMALL) == SMALL);
}

RM_TEST("who sends while an edited call is under way sends as it is, and that is a gap")
{
	int lines;

	start_case();
	during_call = send_small;
	RM_CHECK(send_text(7, small, SMALL) == SMALL);
	RM_CHECK(without_lines(plain, &lines) == 2 * SMALL && lines == 1);
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

RM_TEST("sendfile where a head should be ends the watch")
{
	start_case();
	RM_CHECK(send_text(7, small, SMALL) == SMALL);
	rm_tx_opaque(7, 10);
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
