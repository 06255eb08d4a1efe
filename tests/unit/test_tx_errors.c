/* What a program is told of an edited call that fails, at once or in the middle: the kernel's word, once. */
#include "tests/unit/client_fixture.h"

enum { REQUESTS = 9, REQUEST = 27, LINE = 70, SENTINEL = 4242 };
static const char request[REQUEST + 1] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

RM_TEST("errno is the kernel's when nothing went out, and as it was when something did")
{
	char stream[REQUESTS * REQUEST], *none[] = { NULL };

	stub_start(none);
	for (int i = 0; i < REQUESTS; i++)
		memcpy(stream + i * REQUEST, request, REQUEST);
	for (int take = 0; take <= REQUESTS * (REQUEST + LINE); take++) {
		ssize_t n;

		sent_bytes = 0;
		open_client(7);
		take_at_most = take;
		errno = SENTINEL;
		n = send_text(7, stream, sizeof(stream));
		RM_CHECK(n < 0 ? errno == EAGAIN : errno == SENTINEL);
		RM_CHECK((n < 0) == (take == 0));
		take_at_most = -1;
		close_fd(7);
		RM_CHECK(all_freed());
		while (stub_span())
			;
	}
}

static int calls;

static ssize_t no_socket(int fd, const struct msghdr *m, int flags)
{
	calls++;
	errno = ENOTSOCK;
	return -1;
}

RM_TEST("a number that is no socket's any more gets the plain call, with errno as it was")
{
	struct iovec iov = { (void *)request, REQUEST };
	struct rm_tx tx;

	open_client(7);
	RM_CHECK(rm_tx_begin(&tx, 7, &iov, 1) == RM_TX_EDIT);
	errno = SENTINEL;
	RM_CHECK(rm_tx_edit(&tx, NULL, 0, no_socket) == RM_TX_STALE && errno == SENTINEL && calls == 1);
	RM_CHECK(!rm_fd_tracked(7));
	close_fd(7);
	RM_CHECK(all_freed());
}

/* The line goes out; before the rest does, another thread's file gets the number. */
static ssize_t socket_then_file(int fd, const struct msghdr *m, int flags)
{
	if (calls++ == 0)
		return LINE;
	return no_socket(fd, m, flags);
}

RM_TEST("a number that was a socket's a moment ago gets no plain call: it is somebody else's")
{
	struct iovec head = { (void *)request, REQUEST - 2 }, end = { (void *)(request + REQUEST - 2), 2 };
	struct rm_tx tx;

	open_client(7);
	sent_bytes = 0;
	RM_CHECK(hooked_send(7, &head, 1) == REQUEST - 2);
	calls = 0;
	RM_CHECK(rm_tx_begin(&tx, 7, &end, 1) == RM_TX_EDIT);
	RM_CHECK(rm_tx_edit(&tx, NULL, 0, socket_then_file) == -1 && errno == ENOTSOCK);
	close_fd(7);
	RM_CHECK(all_freed());
	while (stub_span())
		;
}

/* The line goes out; before the rest does, another thread's connection gets the number. */
static ssize_t socket_then_other(int fd, const struct msghdr *m, int flags)
{
	RM_CHECK(calls++ == 0);
	close_fd(fd);
	open_client(fd);
	return LINE;
}

RM_TEST("a number that is another connection's in the middle of a call gets none of its bytes")
{
	struct iovec head = { (void *)request, REQUEST - 2 }, end = { (void *)(request + REQUEST - 2), 2 };
	struct rm_tx tx;

	open_client(7);
	sent_bytes = 0;
	RM_CHECK(hooked_send(7, &head, 1) == REQUEST - 2);
	calls = 0;
	RM_CHECK(rm_tx_begin(&tx, 7, &end, 1) == RM_TX_EDIT);
	RM_CHECK(rm_tx_edit(&tx, NULL, 0, socket_then_other) == -1 && errno == EBADF && calls == 1);
	close_fd(7);
	RM_CHECK(all_freed());
	while (stub_span())
		;
}
