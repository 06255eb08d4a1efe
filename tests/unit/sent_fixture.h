/* A case is one client connection, number 7, whose sent bytes are compared: the program's, and lines of ours. */
#ifndef RM_TESTS_UNIT_SENT_FIXTURE_H
#define RM_TESTS_UNIT_SENT_FIXTURE_H

#include "tests/unit/client_fixture.h"

static const char small[] = "GET /small HTTP/1.1\r\nHost: h\r\n\r\n";
static const char post[] = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n";
enum { SMALL = sizeof(small) - 1, POST = sizeof(post) - 1 };
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

#endif
