/* Requests that the program serves, beside what it sends: for tests of whose work that is. */
#ifndef RM_TESTS_UNIT_SERVED_FIXTURE_H
#define RM_TESTS_UNIT_SERVED_FIXTURE_H

#include "agent/adapter_api.h"
#include "tests/unit/client_fixture.h"

static void accept_on(int fd)
{
	int pair[2];
	struct rm_scope s;

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	RM_CHECK(dup2(pair[1], fd) == fd);
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, fd);
		rm_leave(&s);
	}
}

static void request_on(int fd, int count)
{
	static const char text[] = "GET /in HTTP/1.1\r\nHost: h\r\n\r\n";

	for (int i = 0; i < count; i++)
		receive_text(fd, text, sizeof(text) - 1);
}

static void answer_on(int fd)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct iovec iov = { (void *)text, sizeof(text) - 1 };
	struct rm_tx tx;

	if (rm_tx_begin(&tx, fd, &iov, 1) == RM_TX_DONE)
		rm_tx_done(&tx, sizeof(text) - 1);
}

#endif
