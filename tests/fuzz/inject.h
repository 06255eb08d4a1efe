/*
 * What fuzzers of bytes on their way out share: a connection of the agent's, a program that sends on it, and a kernel that takes
 * of each call what it likes.
 */
#ifndef RM_TESTS_FUZZ_INJECT_H
#define RM_TESTS_FUZZ_INJECT_H

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "agent/hookapi.h"
#include "tests/unit/agent_stub.h"

enum { INJECT_FD = 7, INJECT_ALL = 0xff };

static inline void check(bool condition)
{
	if (!condition)
		abort();
}

/* What was sent: `sent` has room for `sent_room` bytes. */
static char *sent;
static size_t sent_bytes, sent_room;

/* Takes of a call nothing (0), everything (INJECT_ALL) or that many bytes. */
static inline ssize_t take_of(const struct msghdr *m, size_t take)
{
	size_t given = 0;

	if (!take) {
		errno = EAGAIN;
		return -1;
	}
	for (size_t i = 0; i < m->msg_iovlen; i++) {
		size_t n = m->msg_iov[i].iov_len;

		n = take != INJECT_ALL && n > take - given ? take - given : n;
		check(sent_bytes + n <= sent_room);
		memcpy(sent + sent_bytes, m->msg_iov[i].iov_base, n);
		sent_bytes += n;
		given += n;
	}
	return (ssize_t)given;
}

/* The kernel of a fuzzer: takes as much of a call as it says. */
static ssize_t kernel(int fd, const struct msghdr *m, int flags);

/* A call of the program, in two buffers, as the hooks make one of it. */
static inline ssize_t send_piece(const char *p, size_t n)
{
	struct iovec iov[2] = { { (char *)p, n / 2 }, { (char *)p + n / 2, n - n / 2 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	enum rm_tx_mode mode;
	struct rm_tx tx;
	ssize_t taken;

	mode = rm_tx_begin(&tx, INJECT_FD, iov, 2);
	if (mode == RM_TX_EDIT) {
		taken = rm_tx_edit(&tx, NULL, 0, kernel);
		return taken == RM_TX_STALE ? kernel(INJECT_FD, &m, 0) : taken;
	}
	taken = kernel(INJECT_FD, &m, 0);
	if (mode == RM_TX_DONE)
		rm_tx_done(&tx, taken);
	return taken;
}

/* A client's connection begins; one that `listener` accepts, where there is such a descriptor; or it ends. */
static inline void connection(bool open, int listener)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct rm_scope s;

	check(rm_enter(&s));
	if (open && listener >= 0) {
		rm_fd_listen(&s, listener);
		rm_fd_accept(&s, listener, INJECT_FD);
	} else if (open) {
		rm_fd_socket(&s, INJECT_FD, AF_INET, SOCK_STREAM);
		rm_fd_connect(&s, INJECT_FD, (struct sockaddr *)&to, sizeof(to), 0, 0, 0);
	} else {
		rm_fd_close(&s, INJECT_FD);
	}
	rm_leave(&s);
	check(rm_fd_tracked(INJECT_FD) == open);
}

/* ---- circumstances: bytes of the input ---- */

static const uint8_t *circumstance;
static size_t circumstances;

/* The next one; when they are used up, large pieces that are taken whole. */
static inline unsigned next(void)
{
	if (!circumstances)
		return INJECT_ALL;
	circumstances--;
	return *circumstance++;
}

/* An input begins with their number. Returns what stands behind them, and how many bytes that are. */
static inline const char *begin_circumstances(const uint8_t *data, size_t *n)
{
	circumstances = data[0] < *n - 1 ? data[0] : *n - 1;
	circumstance = data + 1;
	*n -= 1 + circumstances;
	return (const char *)circumstance + circumstances;
}

/* A program that sends `n` bytes, in pieces of such sizes, and of so many bytes at least. */
static inline void send_stream(const char *stream, size_t n, size_t least)
{
	for (size_t at = 0; at < n;) {
		size_t piece = least + (size_t)next() * (next() % 8 + 1);
		ssize_t taken = send_piece(stream + at, piece < n - at ? piece : n - at);

		check(taken != 0 && taken <= (ssize_t)piece);
		at += taken > 0 ? (size_t)taken : 0;
	}
}

#endif
