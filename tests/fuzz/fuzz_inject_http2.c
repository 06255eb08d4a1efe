/*
 * The rewrite of outgoing requests of HTTP/2, agent/tx.c and agent/edit.c. The input is as that of
 * fuzz_inject.c: a count, as many bytes of circumstance (sizes of the program's calls, what the kernel
 * takes of each), and what the program sends behind the preface. What must hold for any input: the
 * kernel is given the program's frames in order; only a frame that ends a header block may have our
 * field at the end of the block and a length that says so, or a frame with the field behind it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "agent/hookapi.h"
#include "tests/unit/agent_stub.h"
#include "tests/unit/http2_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { STREAM_MAX = 1 << 16, FD = 7 };

static char stream[STREAM_MAX + RM_HTTP2_PREFACE], sent[STREAM_MAX * 16];
static size_t stream_bytes, sent_bytes, circumstances;
static const uint8_t *circumstance;

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
	for (size_t i = 0; i < m->msg_iovlen; i++) {
		size_t n = m->msg_iov[i].iov_len;

		n = take != 0xff && n > take - given ? take - given : n;
		check(sent_bytes + n <= sizeof(sent));
		memcpy(sent + sent_bytes, m->msg_iov[i].iov_base, n);
		sent_bytes += n;
		given += n;
	}
	return (ssize_t)given;
}

static ssize_t send_piece(char *p, size_t n)
{
	struct iovec iov[2] = { { p, n / 2 }, { p + n / 2, n - n / 2 } };
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

/* What the program sent as one frame, the rest where there is no whole one; and what became of it. */
struct pair {
	const char *was, *is;
	size_t was_bytes, is_bytes;
};

static bool same(const struct pair *p)
{
	return p->is_bytes >= p->was_bytes && memcmp(p->was, p->is, p->was_bytes) == 0;
}

/* How many bytes went out in the place of a frame that has a field of ours. */
static size_t with_field(const struct pair *p)
{
	struct rm_http2_frame was = rm_http2_frame_read((const uint8_t *)p->was), is, more;
	size_t pad = was.type == RM_HTTP2_HEADERS && was.flags & RM_HTTP2_PADDED ? (uint8_t)p->was[HEAD] : 0;
	size_t kept = HEAD + was.bytes - pad;

	/* Of the last frame some padding may be missing, the block not. */
	check(p->was_bytes >= HEAD && pad <= was.bytes && kept <= p->was_bytes);
	check(was.type == RM_HTTP2_HEADERS || was.type == RM_HTTP2_CONTINUATION);
	check(was.flags & RM_HTTP2_END_HEADERS && p->is_bytes >= p->was_bytes + FIELD_BYTES);
	is = rm_http2_frame_read((const uint8_t *)p->is);
	check(is.type == was.type && is.stream == was.stream && memcmp(p->is + HEAD, p->was + HEAD, kept - HEAD) == 0);
	if (is.bytes == was.bytes) {
		check(is.flags == (was.flags & ~RM_HTTP2_END_HEADERS) && !pad);
		more = rm_http2_frame_read((const uint8_t *)p->is + kept);
		check(more.type == RM_HTTP2_CONTINUATION && more.flags == RM_HTTP2_END_HEADERS &&
		      more.stream == was.stream && more.bytes == FIELD_BYTES && is_field(p->is + kept + HEAD));
		return kept + HEAD + FIELD_BYTES;
	}
	check(is.bytes == was.bytes + FIELD_BYTES && is.flags == was.flags && is_field(p->is + kept));
	check(memcmp(p->is + kept + FIELD_BYTES, p->was + kept, p->was_bytes - kept) == 0);
	return p->was_bytes + FIELD_BYTES;
}

static void compare(void)
{
	size_t at = RM_HTTP2_PREFACE, out = at;

	check(sent_bytes >= at && memcmp(sent, stream, at) == 0);
	while (at < stream_bytes) {
		struct pair p = { stream + at, sent + out, stream_bytes - at, sent_bytes - out };

		if (p.was_bytes >= HEAD && HEAD + rm_http2_frame_read((uint8_t *)stream + at).bytes <= p.was_bytes)
			p.was_bytes = HEAD + rm_http2_frame_read((uint8_t *)stream + at).bytes;
		out += same(&p) ? p.was_bytes : with_field(&p);
		at += p.was_bytes;
	}
	check(out == sent_bytes);
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

	if (!started)
		stub_start(none);
	started = true;
	if (n < 1 || n > STREAM_MAX)
		return 0;
	circumstances = data[0] < n - 1 ? data[0] : n - 1;
	circumstance = data + 1;
	n -= 1 + circumstances;
	memcpy(stream, rm_http2_preface, RM_HTTP2_PREFACE);
	memcpy(stream + RM_HTTP2_PREFACE, circumstance + circumstances, n);
	stream_bytes = RM_HTTP2_PREFACE + n;
	sent_bytes = 0;
	connection(true);
	for (size_t at = 0; at < stream_bytes;) {
		size_t piece = 4 + (size_t)next() * (next() % 8 + 1);
		ssize_t taken = send_piece(stream + at, piece < stream_bytes - at ? piece : stream_bytes - at);

		check(taken != 0 && taken <= (ssize_t)piece);
		at += taken > 0 ? (size_t)taken : 0;
	}
	connection(false);
	compare();
	while (stub_span())
		;
	return 0;
}
