/*
 * The rewrite of outgoing bytes, agent/tx.c. The input is a count, as many bytes of circumstance,
 * and the stream a program sends: each circumstance is the size of a send call's piece and what the
 * kernel takes of it. What must hold for any input: the kernel is given the program's bytes in
 * order, with nothing between them but whole header lines of ours, and the program is told no more
 * and no less than was taken of its own.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "agent/hookapi.h"
#include "tests/unit/agent_stub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { STREAM_MAX = 1 << 16, LINE = 70, FD = 7 };

static char sent[STREAM_MAX * 4];
static size_t sent_bytes;
static const uint8_t *circumstance;
static size_t circumstances;

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* The next circumstance; when they are used up, large pieces that are taken whole. */
static unsigned next(void)
{
	if (!circumstances)
		return 0xff;
	circumstances--;
	return *circumstance++;
}

/* Takes nothing (0), everything (255) or that many bytes. */
static ssize_t kernel(int fd, const struct msghdr *m, int flags)
{
	size_t take = next(), given = 0;

	(void)fd, (void)flags;
	if (!take) {
		errno = EAGAIN;
		return -1;
	}
	for (size_t i = 0; i < m->msg_iovlen; i++)
		for (size_t k = 0; k < m->msg_iov[i].iov_len && (take == 0xff || given < take); k++) {
			check(sent_bytes < sizeof(sent));
			sent[sent_bytes++] = ((char *)m->msg_iov[i].iov_base)[k];
			given++;
		}
	return (ssize_t)given;
}

static ssize_t send_piece(const char *p, size_t n)
{
	struct iovec iov[2] = { { (char *)p, n / 2 }, { (char *)p + n / 2, n - n / 2 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	enum rm_tx_mode mode;
	struct rm_tx tx;
	ssize_t taken;

	mode = rm_tx_begin(&tx, FD, iov, 2);
	if (mode == RM_TX_EDIT) {
		taken = rm_tx_edit(&tx, NULL, 0, kernel);
		return taken == RM_TX_STALE ? kernel(FD, &m, 0) : taken;
	}
	taken = kernel(FD, &m, 0);
	if (mode == RM_TX_DONE)
		rm_tx_done(&tx, taken);
	return taken;
}

/* How long the line of ours at `i` is, which ends as the one before it does; 0: there is none. */
static size_t line(size_t i)
{
	static const char name[] = "traceparent: ";
	bool crlf = i > 1 && sent[i - 2] == '\r';
	size_t n = crlf ? LINE : LINE - 1;
	struct rm_spanctx c;

	if (sent_bytes - i < n || memcmp(sent + i, name, sizeof(name) - 1) != 0 ||
	    !rm_traceparent_parse((struct rm_str){ sent + i + sizeof(name) - 1, RM_TRACEPARENT_BYTES }, &c))
		return 0;
	return memcmp(sent + i + LINE - 2, crlf ? "\r\n" : "\n", n - (LINE - 2)) == 0 ? n : 0;
}

static void compare(const char *stream, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < sent_bytes;) {
		size_t ours = line(i);

		if (ours && (n - at < ours || memcmp(sent + i, stream + at, ours) != 0)) {
			check(at > 0 && stream[at - 1] == '\n');
			i += ours;
			continue;
		}
		check(at < n && sent[i] == stream[at]);
		at++;
		i++;
	}
	check(at == n);
}

static void connection(bool open)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct rm_scope s;

	check(rm_enter(&s));
	if (open) {
		rm_fd_socket(&s, FD, AF_INET, SOCK_STREAM);
		rm_fd_connect(&s, FD, (struct sockaddr *)&to, sizeof(to), 0, 0);
	} else {
		rm_fd_close(&s, FD);
	}
	rm_leave(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool started;
	char *none[] = { NULL };
	const char *stream;
	size_t at = 0;

	if (!started)
		stub_start(none);
	started = true;
	if (n < 1 || n > STREAM_MAX)
		return 0;
	circumstances = data[0] < n - 1 ? data[0] : n - 1;
	circumstance = data + 1;
	stream = (const char *)data + 1 + circumstances;
	n -= 1 + circumstances;
	sent_bytes = 0;
	connection(true);
	while (at < n) {
		size_t piece = 1 + (size_t)next() * (next() % 8 + 1);
		ssize_t taken = send_piece(stream + at, piece < n - at ? piece : n - at);

		check(taken != 0 && taken <= (ssize_t)piece);
		at += taken > 0 ? (size_t)taken : 0;
	}
	connection(false);
	compare(stream, n);
	while (stub_span())
		;
	return 0;
}
