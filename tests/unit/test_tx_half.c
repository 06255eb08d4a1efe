/*
 * A short write leaves half of our line with the kernel, and then something else happens than the next call of
 * the program: a fork, a shutdown, a close. Whoever goes on finishes that line first, and nobody else does.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/client_fixture.h"

enum { LINE = 70 };
static const char small[] = "GET /small HTTP/1.1\r\nHost: h\r\n\r\n";
enum { SMALL = sizeof(small) - 1, HEAD = SMALL - 2 };

/* What went out is the request with our line in it. */
static bool is_whole(void)
{
	static char plain[STREAM_MAX];
	int lines;

	return without_lines(plain, &lines) == SMALL && memcmp(plain, small, SMALL) == 0 && lines == 1;
}

/* The request is offered; the kernel takes `take` bytes. Returns what the program hears of. */
static size_t begin(long take)
{
	ssize_t n;

	sent_bytes = 0;
	open_client(7);
	take_at_most = take;
	n = send_text(7, small, SMALL);
	take_at_most = -1;
	RM_CHECK(n == (take < HEAD ? take ? take : -1 : take < SMALL + LINE ? HEAD : SMALL));
	return n > 0 ? (size_t)n : 0;
}

/* The program offers the rest, in calls of which the kernel takes a part each. */
static void go_on(size_t at, long take)
{
	while (at < SMALL) {
		ssize_t n;

		take_at_most = take;
		n = send_text(7, small + at, SMALL - at);
		take_at_most = -1;
		RM_CHECK(n > 0 || errno == EAGAIN);
		at += n > 0 ? (size_t)n : 0;
	}
	RM_CHECK(is_whole());
}

static void end_case(void)
{
	close_fd(7);
	while (stub_span())
		;
	RM_CHECK(all_freed());
}

/* In a child, whose status says whether all was well. */
static void in_child(void (*what)(size_t at, long take), size_t at, long take)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		atomic_store(&stub_segment.ring[0].under_way, 0); /* a child gets a segment of its own */
		what(at, take);
		end_case();
		_exit(rm_test_failed_checks != 0);
	}
	RM_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

RM_TEST("a fork between two calls: who goes on finishes the line, parent, child, or each for itself")
{
	char *none[] = { NULL };

	stub_start(none);
	for (long take = 0; take < HEAD + LINE; take++) {
		in_child(go_on, begin(take), 1 + take % 9);
		go_on(take < HEAD ? (size_t)take : HEAD, 1 + take % 7);
		end_case();
	}
}

/* The program's next request, on the connection of the one before. */
static void go_on_twice(size_t at, long take)
{
	go_on(at, take);
	sent_bytes = 0;
	go_on(0, take);
}

RM_TEST("after the fork requests go on, of the child and of the parent")
{
	for (long take = HEAD - 1; take < HEAD + LINE; take += 3) {
		size_t at = begin(take);

		in_child(go_on_twice, at, 1 + take % 9);
		go_on_twice(at, 1 + take % 7);
		end_case();
	}
}

/* Other bytes than those refused: the line is finished first, which is all that is still known. */
static void change_mind(size_t at, long take)
{
	static const char other[] = "X: y\r\n\r\n";

	RM_CHECK(send_text(7, other, sizeof(other) - 1) == sizeof(other) - 1);
	RM_CHECK(sent_bytes == HEAD + LINE + sizeof(other) - 1);
	RM_CHECK(memcmp(sent + HEAD, "traceparent: 00-", 16) == 0 && sent[HEAD + LINE - 1] == '\n');
	RM_CHECK(memcmp(sent + HEAD + LINE, other, sizeof(other) - 1) == 0);
}

RM_TEST("a child that sends other bytes than those refused finishes the line, and its parent, too")
{
	for (long take = HEAD + 1; take < HEAD + LINE; take += 3) {
		size_t at = begin(take);

		in_child(change_mind, at, 0);
		go_on(at, 5);
		end_case();
	}
}

/* The lock is a thread's that the child does not have. What that one was changing is not gone on with. */
static void leave_alone(size_t at, long take)
{
	size_t before = sent_bytes;

	while (at < SMALL)
		at += (size_t)send_text(7, small + at, SMALL - at);
	RM_CHECK(sent_bytes - before == (size_t)take);
	RM_CHECK(memcmp(sent + before, small + SMALL - take, (size_t)take) == 0);
	close_fd(7);
	fflush(stdout);
	_exit(rm_test_failed_checks != 0 || rm_conn_live() || rm_exchange_live() > 1);
}

RM_TEST("a child whose parent was at work on the connection at the fork leaves it alone, half a line or not")
{
	for (long take = 0; take < HEAD + LINE; take += 5) {
		size_t at = begin(take);
		struct rm_conn *c = rm_conn_take(7);

		in_child(leave_alone, at, (long)(SMALL - at));
		rm_conn_release(c);
		go_on(at, 1000);
		end_case();
	}
}

/* ... or ends it, without a look at what is half done: `texts` is how many are in use. */
static void close_only(size_t at, long texts)
{
	close_fd(7);
	_exit(rm_conn_live() != 0 || stub_span() != NULL || rm_text_live() != texts);
}

RM_TEST("a child that closes what its parent was at work on reports nothing and gives nothing back")
{
	for (long take = 0; take < HEAD + LINE; take += 5) {
		size_t at = begin(take);
		struct rm_conn *c = rm_conn_take(7);
		rm_text kept = c->stash[0], half = rm_text_get(1);

		/* Given back, and not yet forgotten. */
		c->stash[0] = half;
		rm_text_put(half);
		in_child(close_only, at, (long)rm_text_live());
		c->stash[0] = kept;
		rm_conn_release(c);
		go_on(at, 1000);
		end_case();
	}
}

/* The fork comes while the kernel is at work. The answer is the parent's to see. */
static void read_answer(size_t at, long take)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	receive_text(7, reply, sizeof(reply) - 1);
	_exit(stub_span() != NULL);
}

static void fork_in_call(int fd)
{
	during_call = NULL;
	in_child(read_answer, 0, 0);
}

RM_TEST("a child that was forked in the middle of the call leaves the connection alone")
{
	during_call = fork_in_call;
	begin(HEAD + LINE + 2);
	end_case();
}

static void shut(int how)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_shutdown(&s, 7, how);
		rm_leave(&s);
	}
}

RM_TEST("a shutdown in the middle of our line takes nothing away from it")
{
	for (long take = 0; take < HEAD + LINE; take++)
		for (int how = SHUT_RD; how <= SHUT_RDWR; how++) {
			size_t at = begin(take);

			shut(how);
			/* After SHUT_WR a kernel refuses; one that does not gets whole lines. */
			go_on(at, 1 + take % 5);
			end_case();
		}
}

RM_TEST("a close in the middle of our line keeps nothing for the next connection of that number")
{
	for (long take = 0; take < HEAD + LINE; take++) {
		begin(take);
		close_fd(7);
		begin(take / 2);
		go_on(take / 2 < HEAD ? (size_t)take / 2 : HEAD, 1000);
		end_case();
	}
}

RM_TEST("the end of what the peer sends, in the middle of our line, takes nothing away from it")
{
	for (long take = 0; take < HEAD + LINE; take++) {
		size_t at = begin(take);
		char room[512];
		struct iovec iov = { room, sizeof(room) };
		struct rm_rx rx;

		rm_rx_begin(&rx, 7, sizeof(room), 0);
		RM_CHECK(rx.watch && rm_rx_done(&rx, &iov, 1, 0) == 0);
		go_on(at, 1 + take % 5);
		end_case();
	}
}
